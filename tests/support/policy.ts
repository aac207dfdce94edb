import { loadPolicy } from '../../src/inbox/load-policy.js';

/** The policy as the daemon has it. */
export const policy = await loadPolicy();

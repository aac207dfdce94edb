import type { Policy } from './policy.js';
/** Stand-in while the real one is built. */
export function loadPolicy(): Promise<Policy> {
  return Promise.resolve({
    judge: (request, { escalation }) => ({
      do: escalation.approvals,
      rule: escalation.approvals === 'ask' ? null : `escalation.approvals: ${escalation.approvals}`,
      reason: null,
      categories: request.summary.includes('rm ') ? ['destructive'] : [],
    }),
    offer: () => ({ command: 'git push' }),
  });
}

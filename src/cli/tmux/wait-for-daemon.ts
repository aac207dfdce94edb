import { setTimeout as sleep } from 'node:timers/promises';
import type { FilareError } from '../../contract/errors.js';

/** How often a daemon that is away is looked for, in milliseconds. A pane never starts one: whoever stopped it meant it. */
const RETRY_MS = 1000;

/** What a pane says while it waits. */
export const NOBODY_ANSWERS = 'the daemon does not answer; agents keep running, and any command starts it again';

/** Whether a fleet was not opened because no daemon runs. */
export function hasNoDaemon(failure: FilareError): boolean {
  return failure.code === 'bad_state';
}

/** Waits until it is time to try again, or the signal ends. */
export async function againAfter(signal: AbortSignal): Promise<void> {
  await sleep(RETRY_MS, undefined, { signal }).catch(() => undefined);
}

import { setTimeout as sleep } from 'node:timers/promises';
import type { Session } from '../session/session.js';

/** How long it waits to know where every session stands. */
const SETTLE_MS = 60_000;
const SETTLE_LOOK_MS = 50;

/** Sessions that wait for their next attempt begin it now; answers with their ids once each runs, or has failed again. */
export async function resumeAll(
  sessions: readonly Session[],
  by: string,
  signal: AbortSignal,
): Promise<readonly string[]> {
  const begun = await Promise.all(
    sessions.map(async (session) => {
      const until_ms = performance.now() + SETTLE_MS;
      while (!session.isSettled && performance.now() < until_ms) await sleep(SETTLE_LOOK_MS, undefined, { signal });
      return session.resumeNow(by, signal);
    }),
  );
  return sessions.filter((_, at) => begun[at] === true).map((session) => session.state.session_id);
}

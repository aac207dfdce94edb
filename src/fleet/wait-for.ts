import { FilareError } from '../contract/errors.js';
import type { SessionRow } from '../contract/session.js';
import { activityOf } from '../session/row.js';
import type { FoundSession } from './roster.js';

/** Waits until a session is idle, waits for a person, or has ended; `ended` when it can never be so any more. */
export async function waitFor(
  { live: session, row }: FoundSession,
  until: 'idle' | 'waiting' | 'stopped',
  signal: AbortSignal,
): Promise<SessionRow> {
  if (session === null) {
    if (until === 'stopped') return row;
    throw new FilareError({ code: 'ended', message: `session ${row.session_id} has ended` });
  }
  await session.until(
    (state) =>
      session.ended || (until !== 'stopped' && activityOf(state) === until && !state.outbox.some((m) => !m.sent)),
    signal,
  );
  if (session.ended && until !== 'stopped')
    throw new FilareError({ code: 'ended', message: `session ${row.session_id} ended while it was waited for` });
  return session.row;
}

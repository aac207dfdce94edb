import { FilareError } from '../contract/errors.js';
import type { SessionRow } from '../contract/session.js';
import { isOver } from '../contract/phase.js';
import type { Fleet } from './fleet.js';
import type { TailEvent } from './session-tail.js';

/** States that can be waited for. `waiting`: a prompt is open. `stopped`: ended, and not by failing. */
export const WAIT_STATES = ['idle', 'waiting', 'stopped'] as const;
/** A state that can be waited for. */
export type WaitState = (typeof WAIT_STATES)[number];

/** Where a session stands towards a state: there, still on the way, or never to get there. */
function standing(row: SessionRow, until: WaitState): 'there' | 'on_the_way' | 'never' {
  switch (until) {
    case 'idle':
      if (row.phase === 'running' && row.activity === 'idle') return 'there';
      break;
    case 'waiting':
      if (row.phase === 'running' && (row.activity === 'waiting' || row.pending_prompts > 0)) return 'there';
      break;
    case 'stopped':
      if (row.phase === 'stopped') return 'there';
      break;
  }
  return isOver(row) ? 'never' : 'on_the_way';
}

/** Waits until every one of the sessions has been in the state; `ended` when one can never be, `timeout` when time is up. */
export async function waitFor(
  fleet: Pick<Fleet, 'describe' | 'tail'>,
  refs: readonly string[],
  until: WaitState,
  options: { readonly timeout_ms?: number | undefined; readonly signal: AbortSignal },
): Promise<SessionRow[]> {
  const over = new AbortController();
  const { timeout_ms } = options;
  const late = new FilareError({ code: 'timeout', message: `not ${until} after ${(timeout_ms ?? 0) / 1000} s` });
  const timer = timeout_ms === undefined ? undefined : setTimeout(() => over.abort(late), timeout_ms);
  const signal = AbortSignal.any([over.signal, options.signal]);
  const all: Waited[] = await Promise.all(
    refs.map(async (ref) => ({ row: (await fleet.describe(ref)).row, is_there: false })),
  );
  try {
    const waits = all.map((waited) =>
      waitForOne(waited, until, fleet.tail(waited.row.session_id, { last: 0, follow: true, signal })),
    );
    await Promise.all(waits);
    return all.map((waited) => waited.row);
  } catch (error) {
    throw error === late ? timedOut(late, all) : error;
  } finally {
    clearTimeout(timer);
    over.abort();
  }
}

/** One session that is waited for, and what is known of it. */
interface Waited {
  row: SessionRow;
  is_there: boolean;
}

/** Reads a session's story until it is in the state; `ended` when it can never be. The failure of the story (a deadline, Ctrl-C) is thrown as it is. */
async function waitForOne(waited: Waited, until: WaitState, story: AsyncIterable<TailEvent>): Promise<void> {
  if (look(waited, until)) return;
  for await (const event of story) {
    if (event.type !== 'row' && event.type !== 'end') continue;
    waited.row = event.row;
    if (look(waited, until)) return;
  }
  throw new FilareError({ code: 'unexpected', message: `the story of ${waited.row.session_id} broke off` });
}

function look(waited: Waited, until: WaitState): boolean {
  const stands = standing(waited.row, until);
  if (stands === 'never') throw endedOtherwise(waited.row, until);
  waited.is_there = stands === 'there';
  return waited.is_there;
}

function endedOtherwise(row: SessionRow, until: WaitState): FilareError {
  return new FilareError({
    code: 'ended',
    message: `${row.id} (${row.session_id}) is ${row.phase}, and was waited for until ${until}${row.end_reason === null ? '' : `: ${row.end_reason}`}`,
    hint: `filare-agents tail ${row.session_id} shows how it went`,
    details: { session_id: row.session_id, phase: row.phase, end_reason: row.end_reason },
  });
}

/** A deadline that passed, with what the sessions were doing then. */
function timedOut(error: FilareError, all: readonly Waited[]): FilareError {
  const pending = all.filter((waited) => !waited.is_there).map((waited) => waited.row);
  const said = pending.map((row) => `${row.id} is ${row.activity ?? row.phase}`).join(', ');
  const asks = pending.find((row) => row.pending_prompts > 0);
  return new FilareError({
    code: 'timeout',
    message: `${error.message}: ${said}`,
    hint: asks === undefined ? 'filare-agents list' : `${asks.id} waits for a person: filare-agents feedback list`,
    details: { pending: pending.map(({ session_id, phase, activity }) => ({ session_id, phase, activity })) },
  });
}

import { DaemonUnreachable } from '../../client/http-request.js';
import { asFilareError } from '../../contract/errors.js';
import type { CliContext } from '../context.js';
import { wantsColor } from '../style.js';
import { TailView } from '../tail-view.js';
import { tellStory } from '../tell-story.js';
import { againAfter, hasNoDaemon, NOBODY_ANSWERS } from './wait-for-daemon.js';

/** Entries of the past that a pane begins with. */
const PAST_ENTRIES = 100;

/**
 * What the pane of an agent runs: its story, until the session is over. It reads no keys. A daemon that is away is waited for, and the story goes on
 * behind the last entry that was shown. A session that is not known any more is the end too.
 */
export async function showAgent(context: CliContext, session_id: string): Promise<void> {
  const { out, interrupts } = context;
  const view = new TailView(out, wantsColor(context.env, out.is_terminal));
  const signal = AbortSignal.any([interrupts.signal, out.gone]);
  let after: number | undefined;
  let is_told = false;
  while (!signal.aborted) {
    try {
      await using fleet = await context.openFleet({ start_daemon: false });
      if (is_told) out.complain('the daemon answers again');
      is_told = false;
      const from = after === undefined ? { last: PAST_ENTRIES } : { after };
      const events = fleet.tail(session_id, { ...from, follow: true, signal });
      await tellStory(context, view, events, (seq) => (after = seq));
      return;
    } catch (error) {
      signal.throwIfAborted();
      const failure = asFilareError(error);
      if (failure.code === 'not_found') throw failure;
      const is_away = error instanceof DaemonUnreachable || hasNoDaemon(failure);
      if (!is_told) out.complain(is_away ? NOBODY_ANSWERS : failure.message);
      is_told = true;
      await againAfter(signal);
    }
  }
}

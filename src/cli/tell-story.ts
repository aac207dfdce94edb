import type { TailEvent } from '../client/session-tail.js';
import type { SessionRow } from '../contract/session.js';
import type { CliContext } from './context.js';
import { DAEMON_AWAY_LINE, DAEMON_BACK_LINE } from './daemon-away.js';
import type { TailView } from './tail-view.js';

/** Prints the story of a session for people as it comes. `reached` is told the `seq` of each entry that was printed. */
export async function tellStory(
  context: CliContext,
  view: TailView,
  events: AsyncIterable<TailEvent>,
  reached: (seq: number) => void = () => undefined,
): Promise<void> {
  try {
    for await (const event of events) {
      switch (event.type) {
        case 'entry':
          view.entry(event.entry);
          reached(event.entry.seq);
          break;
        case 'piece':
          view.piece(event.piece, agentIdOf(event.piece.session_id), context.now_ms());
          break;
        case 'end':
          view.close();
          sayEnd(context, event.row);
          break;
        case 'row':
          break;
        case 'lost':
        case 'reconnected':
          view.close();
          sayConnection(context, event.type);
          break;
      }
    }
  } finally {
    view.close();
  }
}

/** Says on standard error that the daemon went away, or is back. */
export function sayConnection({ out }: CliContext, is: 'lost' | 'reconnected'): void {
  out.note(is === 'lost' ? DAEMON_AWAY_LINE : DAEMON_BACK_LINE);
}

/** Says on standard error how a session ended. */
export function sayEnd(context: CliContext, row: SessionRow): void {
  context.out.note(`session ${row.session_id} ${row.phase}${row.end_reason === null ? '' : `: ${row.end_reason}`}`);
}

/** The agent in `<agent id>-<UTC time>-<4 random>`. */
function agentIdOf(session_id: string): string {
  return session_id.replace(/-[0-9TZ]+-[a-z0-9]+$/, '');
}

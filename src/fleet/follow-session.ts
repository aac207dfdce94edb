import type { SessionRow } from '../contract/session.js';
import type { Session } from '../session/session.js';
import { writeCheckpoint } from './checkpoint.js';
import type { PromptNotices } from './prompt-notices.js';
import type { Roster } from './roster.js';
import type { FleetSurroundings } from './surroundings.js';

/** What following a session needs of the fleet. */
export interface FollowContext {
  readonly around: Pick<FleetSurroundings, 'usage' | 'now_ms' | 'log'>;
  readonly roster: Roster;
  readonly notices: PromptNotices;
  /** Somebody in the queue may begin. */
  readonly nudgeQueued: () => void;
  /** A session is in another phase, or does something else, than before. */
  readonly stands: () => void;
}

/** Puts a session on the roster and, from now on, tells what happens to it, writes its checkpoints, and counts the tokens it uses. */
export function followSession({ around, roster, notices, nudgeQueued, stands }: FollowContext, session: Session): void {
  roster.add(session);
  let shown = '';
  let before: SessionRow | null = null;
  session.memory.watch((news) => {
    roster.tell({ type: 'session', session, news });
    notices.look(session);
    if (
      news.events.length > 0 &&
      news.entries.length === 0 &&
      news.events.every((e) => e.type === 'item_piece' || e.type === 'quiet')
    )
      return;
    const row = session.row;
    if (news.events.some((event) => event.type === 'turn_ended')) noteUsage(around, row);
    const now = JSON.stringify(row);
    if (now === shown) return;
    shown = now;
    roster.tell({ type: 'row', row });
    const { phase, reached, activity } = before ?? {};
    before = row;
    if (row.phase !== phase || row.activity !== activity) stands();
    if (row.phase !== phase || row.reached.length !== reached?.length) {
      void writeCheckpoint(session.folder, row, around.log);
      nudgeQueued();
    }
  });
}

/** Writes down what a session has used so far; what cannot be written is for the log. */
export function noteUsage({ usage, now_ms, log }: FollowContext['around'], row: SessionRow): void {
  usage.note(row, now_ms()).catch((failure: unknown) => {
    log.warn({ session_id: row.session_id, err: failure }, 'tokens used could not be written down');
  });
}

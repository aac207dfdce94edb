import { FilareError } from '../contract/errors.js';
import type { SessionRow } from '../contract/session.js';
import { startAgain } from '../contract/start-again.js';
import type { Session } from '../session/session.js';
import type { SessionNews } from '../session/session-news.js';
import { resolveRef } from './resolve-ref.js';

/** Something of the fleet changed. */
export type FleetNews =
  | { readonly type: 'session'; readonly session: Session; readonly news: SessionNews }
  | { readonly type: 'row'; readonly row: SessionRow };

/** A session that is over: its row, and the folder of its record. */
export interface EndedSession {
  readonly row: SessionRow;
  readonly folder: string;
}

/** What a user's word for a session leads to: its row as it is now, its folder, and its loop while it lives. */
export type FoundSession = EndedSession & { readonly live: Session | null };

/** Who belongs to the fleet: live sessions, ended ones, and those whose record cannot be read; and who hears when that changes. */
export class Roster {
  readonly #live = new Map<string, Session>();
  readonly #ended = new Map<string, EndedSession>();
  /** Shown as failed, and nothing of theirs is touched. */
  readonly #unreadable = new Map<string, EndedSession>();
  readonly #listeners = new Set<(news: FleetNews) => void>();

  /** Sessions that are not over, in the order in which they came. */
  get live(): readonly Session[] {
    return [...this.#live.values()];
  }

  /** Sessions that are over and can be read. */
  get ended(): readonly EndedSession[] {
    return [...this.#ended.values()];
  }

  /** The live session of that id. */
  liveOf(session_id: string): Session | undefined {
    return this.#live.get(session_id);
  }

  /** What is known of a session that has ended. */
  endedOf(session_id: string): EndedSession | undefined {
    return this.#ended.get(session_id);
  }

  /** The latest session of an agent that is over and can be read. */
  lastEndedOf(id: string): EndedSession | undefined {
    const ended = this.ended.filter(({ row }) => row.id === id);
    return ended.sort((a, b) => a.row.started_at.localeCompare(b.row.started_at)).at(-1);
  }

  /** A session is there. */
  add(session: Session): void {
    this.#live.set(session.state.session_id, session);
  }

  /** A session is over, or what is known of one that is has changed. */
  over(ended: EndedSession): void {
    this.#ended.set(ended.row.session_id, ended);
    this.#live.delete(ended.row.session_id);
  }

  /** The record of a session cannot be read. */
  cannotRead(row: SessionRow, folder: string, failure: FilareError): void {
    this.#unreadable.set(row.session_id, { row: unreadableRow(row, failure), folder });
  }

  /** Whether the record of that session cannot be read. */
  isUnreadable(session_id: string): boolean {
    return this.#unreadable.has(session_id);
  }

  /** A session's folder is deleted: it is none any more. */
  forget(session_id: string): void {
    this.#ended.delete(session_id);
  }

  /** Live sessions first, then ended ones when asked for; newest last. */
  rows(all: boolean): readonly SessionRow[] {
    const live = [...this.#live.values()].map((session) => session.row);
    const over = [...this.#ended.values(), ...this.#unreadable.values()].map((e) => e.row);
    const ended = all ? over : over.filter((row) => row.phase === 'failed' && this.#isLatest(row));
    return [...ended, ...live].sort(
      (a, b) => a.started_at.localeCompare(b.started_at) || a.session_id.localeCompare(b.session_id),
    );
  }

  /** The session a user means. Live: with its loop; ended: its row and folder. */
  find(ref: string): FoundSession {
    const session_id = resolveRef(ref, this.rows(true));
    const live = this.#live.get(session_id);
    if (live !== undefined) return { live, row: live.row, folder: live.folder };
    const ended = this.#ended.get(session_id) ?? this.#unreadable.get(session_id);
    if (ended === undefined) throw new FilareError({ code: 'not_found', message: `no session ${ref}` });
    return { live: null, ...ended };
  }

  /** The live session a user means; `ended` when it is over. */
  liveNamed(ref: string): Session {
    const found = this.find(ref);
    if (found.live !== null) return found.live;
    throw new FilareError({
      code: 'ended',
      message: `session ${found.row.session_id} has ended (${found.row.end_reason ?? found.row.phase})`,
      hint: `start it again: ${startAgain(found.row.id, found.row.rehearsal)}`,
    });
  }

  /** The session that `ref` means among these rows. */
  resolve(ref: string, rows: readonly SessionRow[]): SessionRow {
    const session_id = resolveRef(ref, rows);
    const row = rows.find((one) => one.session_id === session_id);
    if (row === undefined) throw new FilareError({ code: 'not_found', message: `no session ${ref}` });
    return row;
  }

  /** Calls back on every change, until the returned function is called. */
  watch(listener: (news: FleetNews) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** Tells all who listen. */
  tell(news: FleetNews): void {
    for (const listener of this.#listeners) listener(news);
  }

  #isLatest(row: SessionRow): boolean {
    for (const session of this.#live.values()) if (session.state.agent.id === row.id) return false;
    return ![...this.#ended.values()].some((e) => e.row.id === row.id && e.row.started_at > row.started_at);
  }
}

/** A session whose record cannot be read, as users see it. */
function unreadableRow(row: SessionRow, failure: FilareError): SessionRow {
  const end_reason = `its record cannot be read: ${failure.message}`;
  return { ...row, phase: 'failed', activity: null, health: 'unknown', end_reason, waiting_for: null };
}

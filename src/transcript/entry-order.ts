import type { LogDamage } from '../ledger/append-log.js';
import { FilareError } from '../contract/errors.js';
import type { EntryHead } from './entry-head.js';

/** A transcript with more damaged lines than this is not used. */
export const MAX_DAMAGED_LINES = 1_000;

/** A line of a transcript file. `head` is absent when it cannot be read; `line` counts from 1. */
export interface FoundLine {
  readonly head: EntryHead | undefined;
  readonly offset: number;
  readonly line: number;
}

/**
 * Tells entries from damage while a transcript is read from its beginning: each seq must follow the one before. After a jump ahead an entry
 * counts only when the next one follows it, so that one wrong digit does not hide what comes after.
 */
export class EntryOrder {
  readonly damage: LogDamage[] = [];
  /** Offsets of lines that are no entries of the story. */
  readonly skipped: Set<number>;
  readonly #accept: (head: EntryHead, offset: number) => void;
  #last: number | undefined;
  #suspect: { readonly head: EntryHead; readonly offset: number; readonly line: number } | undefined;

  /** `before` is the seq that the first one follows; any, when absent. `skipped` are the lines that were found to be no entries before. */
  constructor(
    before: number | undefined,
    accept: (head: EntryHead, offset: number) => void,
    skipped: readonly number[] = [],
  ) {
    this.#last = before;
    this.#accept = accept;
    this.skipped = new Set(skipped);
  }

  /** Looks at the next line. `bad_state` when too many are damaged. */
  see({ head, offset, line }: FoundLine): void {
    const suspect = this.#suspect;
    this.#suspect = undefined;
    if (suspect !== undefined) {
      this.#report(suspect, `seq ${suspect.head.seq} follows ${this.#last ?? 0}`);
      if (head?.seq === suspect.head.seq + 1) this.#take(suspect.head, suspect.offset);
      else this.skipped.add(suspect.offset);
    }
    const last = this.#last;
    if (head === undefined) {
      this.#skip({ offset, line }, 'no seq and timestamp');
    } else if (last === undefined || head.seq === last + 1) {
      this.#take(head, offset);
    } else if (head.seq > last) {
      this.#suspect = { head, offset, line };
    } else {
      this.#skip({ offset, line }, `seq ${head.seq} follows ${last}`);
    }
  }

  /** No more lines. */
  finish(): void {
    if (this.#suspect === undefined) return;
    const { head, offset, line } = this.#suspect;
    this.skipped.add(offset);
    this.damage.push({ line, offset, reason: `seq ${head.seq} follows ${this.#last ?? 0}` });
    this.#suspect = undefined;
  }

  #take(head: EntryHead, offset: number): void {
    this.#last = head.seq;
    this.#accept(head, offset);
  }

  #skip(at: { readonly offset: number; readonly line: number }, reason: string): void {
    this.skipped.add(at.offset);
    this.#report(at, reason);
  }

  #report({ offset, line }: { readonly offset: number; readonly line: number }, reason: string): void {
    this.damage.push({ line, offset, reason });
    if (this.damage.length > MAX_DAMAGED_LINES) {
      throw new FilareError({
        code: 'bad_state',
        message: `more than ${MAX_DAMAGED_LINES} lines of a transcript are damaged, the last at line ${line}`,
        hint: 'move the file away; it is made again from the journal',
      });
    }
  }
}

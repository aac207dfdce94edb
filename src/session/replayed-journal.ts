import type { JournalLine } from '../channel/channel.js';
import { JournalFile } from '../channel/journal-file.js';

/** Reads a journal forward, up to given offsets. */
export class ReplayedJournal {
  readonly #ending = new AbortController();
  readonly #batches: AsyncIterator<readonly JournalLine[]>;
  #waiting: readonly JournalLine[] = [];

  constructor(path: string, from: number) {
    this.#batches = new JournalFile(path)
      .read({ from, follow: false, signal: this.#ending.signal })
      [Symbol.asyncIterator]();
  }

  /** Hands on the lines that end at or before the offset and were not handed on yet. */
  async until(offset: number, take: (lines: readonly JournalLine[]) => Promise<void>): Promise<void> {
    for (;;) {
      if (this.#waiting.length === 0) {
        const batch = await this.#batches.next();
        if (batch.done === true) return;
        this.#waiting = batch.value;
      }
      const past = this.#waiting.findIndex((line) => line.end > offset);
      if (past === -1) {
        await take(this.#waiting);
        this.#waiting = [];
        continue;
      }
      await take(this.#waiting.slice(0, past));
      this.#waiting = this.#waiting.slice(past);
      return;
    }
  }

  /** Lets go of the file. */
  async close(): Promise<void> {
    this.#ending.abort();
    await this.#batches.return?.();
  }
}

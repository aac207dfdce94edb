import type { FoundEntry } from './part.js';

/** A page ends when it holds this many bytes; it always holds one entry, if there is one. */
export const MAX_PAGE_BYTES = 8 * 1024 * 1024;

/** Stored lines in order of seq, as they are on disk. */
export interface TranscriptPage {
  readonly lines: readonly string[];
  /** Give this as `seq` to read on. */
  readonly next_after: number;
  /** There are entries after these. */
  readonly more: boolean;
}

/** Entries from the front, until a page is full. */
export class FirstEntries {
  readonly #limit: number;
  readonly #since: string;
  readonly #lines: string[] = [];
  #bytes = 0;
  #next_after: number;
  #more = false;

  /** Up to `limit` entries that are not older than `since`, a time as text; all, where it is empty. */
  constructor(after: number, limit: number, since: string) {
    this.#next_after = after;
    this.#limit = limit;
    this.#since = since;
  }

  /** Takes the next entry, if it is wanted and there is room. */
  take({ head, bytes }: FoundEntry): 'go on' | 'stop' {
    if (head.timestamp < this.#since) return 'go on';
    this.#more =
      this.#lines.length >= this.#limit || (this.#lines.length > 0 && this.#bytes + bytes.length > MAX_PAGE_BYTES);
    if (this.#more) return 'stop';
    this.#lines.push(bytes.toString('utf8'));
    this.#bytes += bytes.length;
    this.#next_after = head.seq;
    return 'go on';
  }

  /** What was taken. */
  get page(): TranscriptPage {
    return { lines: this.#lines, next_after: this.#next_after, more: this.#more };
  }
}

/** Entries of which the last ones are kept, as many as fit. */
export class LastEntries {
  readonly #most_bytes: number;
  readonly #lines: string[] = [];
  readonly #sizes: number[] = [];
  bytes = 0;
  /** Something did not fit. */
  full = false;

  constructor(most_bytes: number) {
    this.#most_bytes = most_bytes;
  }

  /** Takes the next entry, and lets go of the first ones that no longer fit. The last one always fits. */
  take({ bytes }: FoundEntry): 'go on' {
    this.#lines.push(bytes.toString('utf8'));
    this.#sizes.push(bytes.length);
    this.bytes += bytes.length;
    while (this.bytes > this.#most_bytes && this.#lines.length > 1) {
      this.#lines.shift();
      this.bytes -= this.#sizes.shift() ?? 0;
      this.full = true;
    }
    return 'go on';
  }

  /** What was kept. */
  get lines(): readonly string[] {
    return this.#lines;
  }
}

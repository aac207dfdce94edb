import { constants } from 'node:fs';

import { FilareError } from '../contract/errors.js';
import { AppendLog } from '../ledger/append-log.js';
import type { LogDamage } from '../ledger/append-log.js';
import { FILE_IO } from '../ledger/log-file.js';
import type { LogHandle, LogIo } from '../ledger/log-file.js';
import { eachLine } from '../ledger/log-lines.js';
import type { LogLine } from '../ledger/log-lines.js';
import { readHead } from './entry-head.js';
import type { EntryHead } from './entry-head.js';
import { EntryOrder } from './entry-order.js';
import { SeqIndex } from './seq-index.js';

/** A page ends when it holds this many bytes; it always holds one entry, if there is one. */
export const MAX_PAGE_BYTES = 8 * 1024 * 1024;
const PAGE_CHUNK_BYTES = 256 * 1024;

/** Stored lines in order of seq, as they are on disk. */
export interface TranscriptPage {
  readonly lines: readonly string[];
  /** Give this as `seq` to read on. */
  readonly next_after: number;
  /** There are entries after these. */
  readonly more: boolean;
}

/**
 * The transcript file of a session that is being written. Its lines can be derived again from the journal, so they are not synced; opening cuts off
 * what a crash tore, and `last_seq` says from where to derive again.
 *
 * - `append` takes lines whose seq continue without gap or repeat, else it rejects with a plain Error: that is a bug;
 * - after a failed append `last_seq` is where it was: derive again from there. What waited behind it has failed with it;
 * - reading sees what was appended successfully, finds it by a sparse index, and holds one page;
 * - damaged lines inside the file are reported at opening, left in place, and left out of pages.
 * Errors: those of AppendLog; reading a file that is gone is `ended`.
 */
export class TranscriptStore implements AsyncDisposable {
  /** Damaged lines and gaps that were found at opening. */
  readonly damage: readonly LogDamage[];
  /** Bytes that opening cut off. */
  readonly cut_bytes: number;
  readonly #log: AppendLog;
  readonly #index: SeqIndex;
  readonly #skipped: ReadonlySet<number>;
  readonly #before: number;
  readonly #io: LogIo;
  /** Where the last readable entry ends. */
  #end: number;
  /** The append that the next one waits for. */
  #turn: Promise<void> | undefined;

  private constructor(
    log: AppendLog,
    cut_bytes: number,
    order: EntryOrder,
    index: SeqIndex,
    before: number,
    io: LogIo,
  ) {
    this.#log = log;
    this.cut_bytes = cut_bytes;
    this.damage = order.damage;
    this.#skipped = order.skipped;
    this.#index = index;
    this.#before = before;
    this.#io = io;
    this.#end = log.bytes;
  }

  /** Opens or makes the transcript at `path`. `before` is the last seq of the file that was rotated away before it; an empty file begins at 1 without it. */
  static async open(
    path: string,
    options: { readonly before?: number; readonly signal?: AbortSignal | undefined } = {},
    io: LogIo = FILE_IO,
  ): Promise<TranscriptStore> {
    const index = new SeqIndex();
    const order = new EntryOrder(options.before, (head, offset) => index.add(head, offset));
    let line = 0;
    const { log, cut_bytes } = await AppendLog.openLines(
      path,
      ({ bytes, offset }) => order.see({ head: readHead(bytes), offset, line: ++line }),
      { signal: options.signal },
      io,
    );
    order.finish();
    return new TranscriptStore(log, cut_bytes, order, index, options.before ?? 0, io);
  }

  /** Seq of the first entry in this file; 0 when it has none. */
  get first_seq(): number {
    return this.#index.first;
  }

  /** Seq of the last entry that is written. */
  get last_seq(): number {
    return this.#index.last === 0 ? this.#before : this.#index.last;
  }

  /** Bytes in the file. */
  get bytes(): number {
    return this.#end;
  }

  /** Resolves when the lines are written (one write, not synced) and can be read. `lastSeq` is the seq of the last of them. */
  async append(entries: readonly string[], lastSeq: number): Promise<void> {
    const turn = this.#write(entries, lastSeq, this.#turn);
    this.#turn = turn;
    try {
      await turn;
    } finally {
      if (this.#turn === turn) this.#turn = undefined;
    }
  }

  /** Up to `limit` entries after `seq`. */
  async readAfter(seq: number, limit: number): Promise<TranscriptPage> {
    return this.#page(seq, limit, '');
  }

  /** Up to `limit` entries after `after` that are not older than `time_ms` (milliseconds since the epoch), whatever the clock did between them. */
  async readSince(time_ms: number, limit: number, after = 0): Promise<TranscriptPage> {
    return this.#page(after, limit, new Date(time_ms).toISOString());
  }

  /** The last `n` entries, or as many of them as fit a page. */
  async readLast(n: number): Promise<TranscriptPage> {
    const to = this.#end;
    const last = this.last_seq;
    const after = Math.max(0, last - n);
    const wanted = this.#index.blocksAfter(after)[0]?.offset ?? to;
    const from = Math.max(wanted, this.#index.blockStart(Math.max(0, to - MAX_PAGE_BYTES)));
    const lines: string[] = [];
    const sizes: number[] = [];
    let bytes = 0;
    await this.#read(async (file) => {
      await eachLine(file, { from, to, chunk_bytes: PAGE_CHUNK_BYTES }, (line) => {
        if ((this.#head(line)?.seq ?? 0) <= after) return 'go on';
        lines.push(line.bytes.toString('utf8'));
        sizes.push(line.bytes.length);
        bytes += line.bytes.length;
        while (bytes > MAX_PAGE_BYTES && lines.length > 1) {
          lines.shift();
          bytes -= sizes.shift() ?? 0;
        }
        return 'go on';
      });
    });
    return { lines, next_after: last, more: false };
  }

  /** Waits for what was appended and closes the file. */
  async close(): Promise<void> {
    await this.#turn?.catch(() => undefined);
    await this.#log.close();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  /** One at a time: when the one before fails, this one fails with it, and no hole comes to be. */
  async #write(entries: readonly string[], lastSeq: number, before: Promise<void> | undefined): Promise<void> {
    await before;
    const expected = this.last_seq + 1;
    const heads = entries.map((entry, at) => {
      const head = readHead(entry);
      if (head?.seq === expected + at) return head;
      throw new Error(
        `entry with seq ${head?.seq ?? 'unknown'} where ${expected + at} must follow in ${this.#log.path}`,
      );
    });
    if (expected + heads.length - 1 !== lastSeq) {
      throw new Error(`${heads.length} entries from seq ${expected} on do not end with seq ${lastSeq}`);
    }
    await this.#log.appendUnsynced(entries);
    for (const [at, head] of heads.entries()) {
      this.#index.add(head, this.#end);
      this.#end += Buffer.byteLength(entries[at] ?? '') + 1;
    }
  }

  async #page(after: number, limit: number, since: string): Promise<TranscriptPage> {
    const blocks = this.#index.blocksAfter(after);
    const end = this.#end;
    const lines: string[] = [];
    let bytes = 0;
    let next_after = after;
    let more = false;
    await this.#read(async (file) => {
      for (const [at, block] of blocks.entries()) {
        if (block.latest < since) continue;
        const range = { from: block.offset, to: blocks[at + 1]?.offset ?? end, chunk_bytes: PAGE_CHUNK_BYTES };
        await eachLine(file, range, (line) => {
          const head = this.#head(line);
          if (head === undefined || head.seq <= after || head.timestamp < since) return 'go on';
          more = lines.length >= limit || (lines.length > 0 && bytes + line.bytes.length > MAX_PAGE_BYTES);
          if (more) return 'stop';
          lines.push(line.bytes.toString('utf8'));
          bytes += line.bytes.length;
          next_after = head.seq;
          return 'go on';
        });
        if (more) break;
      }
    });
    return { lines, next_after, more };
  }

  #head(line: LogLine): EntryHead | undefined {
    return this.#skipped.has(line.offset) ? undefined : readHead(line.bytes);
  }

  /** A descriptor of its own: closing the store, or opening the log again, does not disturb who reads. */
  async #read(use: (file: LogHandle) => Promise<void>): Promise<void> {
    const file = await this.#io
      .open(this.#log.path, constants.O_RDONLY | constants.O_NOFOLLOW)
      .catch((error: unknown) => {
        const isGone = error instanceof Error && 'code' in error && error.code === 'ENOENT';
        throw isGone ? new FilareError({ code: 'ended', message: `${this.#log.path} is gone`, cause: error }) : error;
      });
    try {
      await use(file);
    } finally {
      await file.close();
    }
  }
}

import { constants } from 'node:fs';

import { FilareError } from '../contract/errors.js';
import type { LogDamage } from '../ledger/append-log.js';
import { FILE_IO, type LogHandle, type LogIo } from '../ledger/log-file.js';
import { eachLine, type LogLine } from '../ledger/log-lines.js';
import { readHead } from './entry-head.js';
import { EntryOrder } from './entry-order.js';
import { nextLink, type ChainHead } from './line-chain.js';
import type { FoundEntry, Part, Wanted } from './part.js';
import { SeqIndex, type IndexSnapshot } from './seq-index.js';

const READ_BYTES = 256 * 1024;

/** What is known of a plain part, as it can be stored. */
export interface PartSnapshot {
  readonly bytes: number;
  readonly index: IndexSnapshot;
  /** Offsets of lines that are no entries of the story. */
  readonly skipped: readonly number[];
  readonly chain: ChainHead;
}

/** Where a part begins. */
export interface PartBegin {
  /** The seq that its first entry follows; any, when absent. */
  readonly before: number | undefined;
  /** The checksum of the lines before it. */
  readonly chain: ChainHead;
  /** What is known of it, which is then not read. */
  readonly resume?: PartSnapshot | undefined;
}

/** Lines of a transcript in a file that is not compressed: which entries are where in it, and the checksum of all lines up to its end. */
export class PlainPart implements Part {
  path: string;
  readonly damage: readonly LogDamage[];
  readonly #io: LogIo;
  readonly #order: EntryOrder;
  readonly #index: SeqIndex;
  #end: number;
  #lines: number;
  #link: string;
  #seen = 0;

  /** An empty part, or one of which something is known. */
  constructor(path: string, begin: PartBegin, io: LogIo = FILE_IO) {
    this.path = path;
    this.#io = io;
    const { resume } = begin;
    this.#index = new SeqIndex(resume?.index);
    const last = resume === undefined || resume.index.last === 0 ? begin.before : resume.index.last;
    this.#order = new EntryOrder(last, (head, offset) => this.#index.add(head, offset), resume?.skipped);
    this.damage = this.#order.damage;
    this.#end = resume?.bytes ?? 0;
    const { lines, link } = resume?.chain ?? begin.chain;
    this.#lines = lines;
    this.#link = link;
  }

  /** Reads a part that nothing is written to any more. */
  static async read(path: string, begin: PartBegin, io: LogIo = FILE_IO): Promise<PlainPart> {
    const part = new PlainPart(path, begin, io);
    await part.#open(async (file) => {
      await eachLine(file, { from: 0, to: Number.MAX_SAFE_INTEGER }, (line) => {
        part.see(line);
        return 'go on';
      });
    });
    part.seen();
    return part;
  }

  get first_seq(): number {
    return this.#index.first;
  }

  get last_seq(): number {
    return this.#index.last;
  }

  /** Time of its first entry, in milliseconds since the epoch; 0 when it has none. */
  get since_ms(): number {
    return this.#index.first_ms;
  }

  /** Bytes of it that are read. */
  get end(): number {
    return this.#end;
  }

  /** The checksum of all lines up to its end, those of parts before it included. */
  get chain(): ChainHead {
    return { lines: this.#lines, link: this.#link };
  }

  /** What is known of it, to be stored. */
  snapshot(): PartSnapshot {
    return {
      bytes: this.#end,
      index: this.#index.snapshot(),
      skipped: [...this.#order.skipped],
      chain: this.chain,
    };
  }

  /** Takes in a line that was in the file when it was opened. */
  see({ bytes, offset }: LogLine): void {
    this.#order.see({ head: readHead(bytes), offset, line: (this.#seen += 1) });
    this.#grow(bytes, bytes.length, offset);
  }

  /** No more lines were in the file. */
  seen(): void {
    this.#order.finish();
  }

  /** Takes in an entry that was written at the end. */
  add(head: { readonly seq: number; readonly timestamp: string }, line: string): void {
    this.#index.add(head, this.#end);
    this.#grow(line, Buffer.byteLength(line), this.#end);
  }

  async scan(wanted: Wanted, visit: (entry: FoundEntry) => 'go on' | 'stop'): Promise<'done' | 'stopped'> {
    const { after, since_ms = 0, most_bytes = Number.MAX_SAFE_INTEGER } = wanted;
    const end = this.#end;
    const blocks = this.#index.blocksAfter(after);
    const earliest = this.#index.blockStart(Math.max(0, end - most_bytes));
    let outcome: 'done' | 'stopped' = 'done';
    await this.#open(async (file) => {
      for (const [at, block] of blocks.entries()) {
        if (block.latest_ms < since_ms || block.offset < earliest) continue;
        const range = { from: block.offset, to: blocks[at + 1]?.offset ?? end, chunk_bytes: READ_BYTES };
        await eachLine(file, range, ({ bytes, offset }) => {
          const head = this.#order.skipped.has(offset) ? undefined : readHead(bytes);
          if (head === undefined || head.seq <= after) return 'go on';
          if (visit({ head, bytes }) === 'go on') return 'go on';
          outcome = 'stopped';
          return 'stop';
        });
        if (outcome === 'stopped') return;
      }
    });
    return outcome;
  }

  #grow(line: string | Buffer, bytes: number, offset: number): void {
    this.#end = offset + bytes + 1;
    this.#lines += 1;
    this.#link = nextLink(this.#link, line);
  }

  /** A descriptor of its own: closing what writes it, or opening that again, does not disturb who reads. */
  async #open(use: (file: LogHandle) => Promise<void>): Promise<void> {
    const file = await this.#io.open(this.path, constants.O_RDONLY | constants.O_NOFOLLOW).catch((error: unknown) => {
      const isGone = error instanceof Error && 'code' in error && error.code === 'ENOENT';
      throw isGone ? new FilareError({ code: 'ended', message: `${this.path} is gone`, cause: error }) : error;
    });
    try {
      await use(file);
    } finally {
      await file.close();
    }
  }
}

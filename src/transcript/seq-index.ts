import type { EntryHead } from './entry-head.js';

/** Every how many entries the index holds one. */
export const BLOCK_ENTRIES = 256;

/** A run of up to BLOCK_ENTRIES entries that follow each other in the file. */
export interface Block {
  /** Of its first entry. */
  readonly seq: number;
  /** Byte offset of its first entry. */
  readonly offset: number;
  /** The latest time of its entries, in milliseconds since the epoch: clocks jump, so it need not be the last one's. */
  readonly latest_ms: number;
}

/** An index as it can be stored: blocks as [seq, offset, latest_ms]. */
export interface IndexSnapshot {
  readonly first: number;
  readonly last: number;
  /** Time of the first entry, in milliseconds since the epoch. */
  readonly first_ms: number;
  readonly in_last: number;
  readonly blocks: readonly (readonly [seq: number, offset: number, latest_ms: number])[];
}

/** Where in a transcript which entries are: three numbers for every BLOCK_ENTRIES, whatever their length. Holds on to no text of an entry. */
export class SeqIndex {
  readonly #blocks: { seq: number; offset: number; latest_ms: number }[] = [];
  #inLast = 0;
  #first = 0;
  #first_ms = 0;
  #last = 0;

  /** An empty index, or one that was stored. */
  constructor(stored?: IndexSnapshot) {
    if (stored === undefined) return;
    this.#blocks = stored.blocks.map(([seq, offset, latest_ms]) => ({ seq, offset, latest_ms }));
    this.#inLast = stored.in_last;
    this.#first = stored.first;
    this.#first_ms = stored.first_ms;
    this.#last = stored.last;
  }

  /** Seq of the first and of the last entry; 0 when there is none. */
  get first(): number {
    return this.#first;
  }

  get last(): number {
    return this.#last;
  }

  /** Time of the first entry, in milliseconds since the epoch; 0 when there is none. */
  get first_ms(): number {
    return this.#first_ms;
  }

  /** The index, to be stored. */
  snapshot(): IndexSnapshot {
    return {
      first: this.#first,
      first_ms: this.#first_ms,
      last: this.#last,
      in_last: this.#inLast,
      blocks: this.#blocks.map(({ seq, offset, latest_ms }) => [seq, offset, latest_ms] as const),
    };
  }

  /** Adds the entry at the end of the file; its seq must be greater than the last one's. */
  add(head: EntryHead, offset: number): void {
    const block = this.#blocks.at(-1);
    const time_ms = timeOf(head);
    if (block === undefined || this.#inLast === BLOCK_ENTRIES) {
      this.#blocks.push({ seq: head.seq, offset, latest_ms: time_ms });
      this.#inLast = 1;
    } else {
      this.#inLast += 1;
      if (time_ms > block.latest_ms) block.latest_ms = time_ms;
    }
    if (this.#first === 0) {
      this.#first = head.seq;
      this.#first_ms = time_ms;
    }
    this.#last = head.seq;
  }

  /** The blocks from the one on in which entries after `seq` begin. */
  blocksAfter(seq: number): readonly Block[] {
    return this.#blocks.slice(this.#lastWhere((block) => block.seq <= seq + 1));
  }

  /** The offset of the last block that begins at or before `offset`; 0 when there is none. */
  blockStart(offset: number): number {
    return this.#blocks[this.#lastWhere((block) => block.offset <= offset)]?.offset ?? 0;
  }

  /** Index of the last block for which `holds` (true for a first part of them, false for the rest) is true; 0 when there is none. */
  #lastWhere(holds: (block: Block) => boolean): number {
    let low = 0;
    let high = this.#blocks.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      const block = this.#blocks[middle];
      if (block !== undefined && holds(block)) low = middle + 1;
      else high = middle;
    }
    return Math.max(0, low - 1);
  }
}

/** A number, not the text: a piece of a line would keep the whole line in memory. What is no time is left out of no reading. */
export function timeOf(head: EntryHead): number {
  const time_ms = Date.parse(head.timestamp);
  return Number.isNaN(time_ms) ? Number.MAX_SAFE_INTEGER : time_ms;
}

import type { EntryHead } from './entry-head.js';

/** Every how many entries the index holds one. */
export const BLOCK_ENTRIES = 256;

/** A run of up to BLOCK_ENTRIES entries that follow each other in the file. */
export interface Block {
  /** Of its first entry. */
  readonly seq: number;
  /** Byte offset of its first entry. */
  readonly offset: number;
  /** The latest time of its entries: clocks jump, so it need not be the last one's. */
  readonly latest: string;
}

/** Where in a transcript which entries are: one small object for every BLOCK_ENTRIES, whatever their length. */
export class SeqIndex {
  readonly #blocks: { seq: number; offset: number; latest: string }[] = [];
  #inLast = 0;
  #first = 0;
  #last = 0;

  /** Seq of the first and of the last entry; 0 when there is none. */
  get first(): number {
    return this.#first;
  }

  get last(): number {
    return this.#last;
  }

  /** Adds the entry at the end of the file; its seq must be greater than the last one's. */
  add(head: EntryHead, offset: number): void {
    const block = this.#blocks.at(-1);
    if (block === undefined || this.#inLast === BLOCK_ENTRIES) {
      this.#blocks.push({ seq: head.seq, offset, latest: head.timestamp });
      this.#inLast = 1;
    } else {
      this.#inLast += 1;
      if (head.timestamp > block.latest) block.latest = head.timestamp;
    }
    if (this.#first === 0) this.#first = head.seq;
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

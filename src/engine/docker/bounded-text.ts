/** Text of bounded size from bytes of unbounded number; a character cut in half at the bound is left out. */
import { StringDecoder } from 'node:string_decoder';

/** Keeps the first `max_bytes`. */
export class TextHead {
  readonly #parts: Buffer[] = [];
  #room: number;
  #truncated = false;

  constructor(max_bytes: number) {
    this.#room = max_bytes;
  }

  /** True once something was left out. */
  get truncated(): boolean {
    return this.#truncated;
  }

  push(bytes: Buffer): void {
    if (bytes.length > this.#room) this.#truncated = true;
    const kept = bytes.subarray(0, this.#room);
    if (kept.length > 0) this.#parts.push(kept);
    this.#room -= kept.length;
  }

  text(): string {
    const bytes = Buffer.concat(this.#parts);
    return this.#truncated ? new StringDecoder('utf8').write(bytes) : bytes.toString('utf8');
  }
}

/** Keeps the last `max_bytes`. */
export class TextTail {
  readonly #max_bytes: number;
  #parts: Buffer[] = [];
  #size = 0;
  #truncated = false;

  constructor(max_bytes: number) {
    this.#max_bytes = max_bytes;
  }

  push(bytes: Buffer): void {
    this.#parts.push(bytes);
    this.#size += bytes.length;
    // Cut only now and then, so that many small pieces cost no copy each.
    if (this.#size > 2 * this.#max_bytes) this.#cut();
  }

  text(): string {
    const bytes = this.#cut();
    return (this.#truncated ? bytes.subarray(firstCharacter(bytes)) : bytes).toString('utf8');
  }

  #cut(): Buffer {
    const all = Buffer.concat(this.#parts);
    if (all.length > this.#max_bytes) this.#truncated = true;
    const kept = all.subarray(Math.max(0, all.length - this.#max_bytes));
    this.#parts = [kept];
    this.#size = kept.length;
    return kept;
  }
}

const CONTINUATION_MASK = 0b1100_0000;
const CONTINUATION = 0b1000_0000;
const MAX_CONTINUATIONS = 3;

function firstCharacter(bytes: Buffer): number {
  let at = 0;
  while (at < MAX_CONTINUATIONS && ((bytes[at] ?? 0) & CONTINUATION_MASK) === CONTINUATION) at += 1;
  return at;
}

import { isAscii, isUtf8 } from 'node:buffer';

import { MAX_LINE_BYTES, PREVIEW_BYTES } from './channel.js';
import type { JournalLine } from './channel.js';

const NEWLINE = 0x0a;
const NOTHING = Buffer.alloc(0);

/** How long a line may be, and what is kept of a longer one; bytes. */
export interface LineLimits {
  readonly max_line_bytes: number;
  readonly preview_bytes: number;
}

/**
 * Cuts consecutive chunks of a journal into lines. Never holds more than one line (max_line_bytes) besides the chunk; of a line that
 * outgrows this only the preview stays. Chunks may be reused by the caller once `push` has returned. A line's text may share the memory of its
 * batch: copy what is kept for long.
 */
export class JournalLines {
  readonly #limits: LineLimits;
  /** Offset of the first byte of the line that is not complete yet. */
  #start: number;
  /** Bytes of that line so far, and those of them that are held. */
  #length = 0;
  #held = NOTHING;
  #heldBytes = 0;

  constructor(from: number, limits: LineLimits = { max_line_bytes: MAX_LINE_BYTES, preview_bytes: PREVIEW_BYTES }) {
    this.#start = from;
    this.#limits = limits;
  }

  /** The lines that this chunk, which follows the one before, completes. */
  push(chunk: Buffer): JournalLine[] {
    const lines: JournalLine[] = [];
    let at = 0;
    if (this.#length > 0) {
      const newline = chunk.indexOf(NEWLINE);
      this.#hold(newline === -1 ? chunk : chunk.subarray(0, newline));
      if (newline === -1) return lines;
      lines.push(this.#release());
      at = newline + 1;
    }
    const end = chunk.lastIndexOf(NEWLINE) + 1;
    if (end > at) this.#split(chunk.subarray(at, end), lines);
    this.#hold(chunk.subarray(Math.max(at, end)));
    return lines;
  }

  /** Whole lines, in as few decodings as can be. */
  #split(region: Buffer, lines: JournalLine[]): void {
    const ascii = isAscii(region);
    if ((!ascii && !isUtf8(region)) || region.length > this.#limits.max_line_bytes) {
      this.#splitCarefully(region, lines);
      return;
    }
    const all = ascii ? region.toString('latin1') : region.toString('utf8');
    let offset = this.#start;
    for (let from = 0, to = all.indexOf('\n'); to !== -1; from = to + 1, to = all.indexOf('\n', from)) {
      const text = all.slice(from, to);
      const end = offset + (ascii ? text.length : Buffer.byteLength(text)) + 1;
      lines.push({ offset, end, text, damage: 'none' });
      offset = end;
    }
    this.#start = offset;
  }

  #splitCarefully(region: Buffer, lines: JournalLine[]): void {
    for (let from = 0, to = region.indexOf(NEWLINE); to !== -1; from = to + 1, to = region.indexOf(NEWLINE, from)) {
      lines.push(this.#line(region.subarray(from, to), to - from));
    }
  }

  /** Keeps the bytes of an incomplete line, in one block that doubles as it grows. */
  #hold(bytes: Buffer): void {
    const { max_line_bytes, preview_bytes } = this.#limits;
    this.#length += bytes.length;
    if (this.#length > max_line_bytes) {
      const missing = preview_bytes - this.#heldBytes;
      if (missing > 0) this.#keep(bytes.subarray(0, missing));
      if (this.#held.length > preview_bytes) this.#held = Buffer.from(this.#held.subarray(0, preview_bytes));
      this.#heldBytes = Math.min(this.#heldBytes, preview_bytes);
    } else {
      this.#keep(bytes);
    }
  }

  #keep(bytes: Buffer): void {
    const needed = this.#heldBytes + bytes.length;
    if (needed > this.#held.length) {
      const larger = Buffer.allocUnsafeSlow(
        Math.max(needed, Math.min(this.#held.length * 2, this.#limits.max_line_bytes)),
      );
      this.#held.copy(larger, 0, 0, this.#heldBytes);
      this.#held = larger;
    }
    bytes.copy(this.#held, this.#heldBytes);
    this.#heldBytes = needed;
  }

  #release(): JournalLine {
    const line = this.#line(this.#held.subarray(0, this.#heldBytes), this.#length);
    this.#held = NOTHING;
    this.#heldBytes = 0;
    this.#length = 0;
    return line;
  }

  #line(bytes: Buffer, length: number): JournalLine {
    const offset = this.#start;
    this.#start = offset + length + 1;
    const end = this.#start;
    if (length > this.#limits.max_line_bytes) return { offset, end, text: this.#preview(bytes), damage: 'too_long' };
    if (!isUtf8(bytes)) return { offset, end, text: this.#preview(bytes), damage: 'not_utf8' };
    return { offset, end, text: bytes.toString('utf8'), damage: 'none' };
  }

  #preview(bytes: Buffer): string {
    // `stream` leaves out a character that the cut went through.
    const shown = bytes.subarray(0, this.#limits.preview_bytes);
    return new TextDecoder('utf-8', { ignoreBOM: true }).decode(shown, { stream: shown.length < bytes.length });
  }
}

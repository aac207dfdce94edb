import { clipLine } from './clip-line.js';
import type { Output } from './output.js';
import type { Span } from './style.js';

/** Lines kept free at the bottom of the terminal. */
const SPARE_ROWS = 1;

/** A block of lines that is drawn again in place. What was printed before stays; what is printed after `leave` follows below. */
export class LiveScreen {
  readonly #out: Output;
  readonly #to: 'stdout' | 'stderr';
  #drawn = 0;
  #last = '';

  constructor(out: Output, to: 'stdout' | 'stderr') {
    this.#out = out;
    this.#to = to;
  }

  /** Shows these lines instead of the last ones; as many as the terminal holds, each cut to its width. */
  draw(lines: readonly (readonly Span[])[]): void {
    const { columns, rows } = this.#out.size;
    const most = Math.max(1, rows - SPARE_ROWS);
    const shown = lines.length <= most ? lines : [...lines.slice(0, most - 1), [`… ${lines.length - most + 1} more`]];
    const text = shown.map((line) => `${this.#out.render(clipLine(line, columns - 1), this.#to)}\n`).join('');
    if (text === this.#last) return;
    this.#put(`${this.#erasure()}${text}`);
    this.#last = text;
    this.#drawn = shown.length;
  }

  /** Takes the block away, as if it had never been. */
  erase(): void {
    this.#put(this.#erasure());
    this.#forget();
  }

  /** Leaves the block as it stands, without the `^C` that the terminal may have echoed below it. */
  leave(): void {
    if (this.#drawn > 0) this.#put(`${this.#erasure()}${this.#last}`);
    this.#forget();
  }

  #forget(): void {
    this.#drawn = 0;
    this.#last = '';
  }

  /** From the first column: a Ctrl-C that the terminal echoed has moved the cursor. */
  #erasure(): string {
    return this.#drawn === 0 ? '' : `\u001b[${this.#drawn}F\u001b[J`;
  }

  #put(text: string): void {
    if (this.#to === 'stdout') this.#out.write(text);
    else this.#out.writeError(text);
  }
}

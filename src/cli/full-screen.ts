import { clipLine } from './clip-line.js';
import type { Output } from './output.js';
import type { Span } from './style.js';

/** Where the cursor stands, counted from 0. */
export interface ScreenCursor {
  readonly row: number;
  readonly column: number;
}

/** Alternate screen, no cursor, no wrapping at the edge, pasted text in brackets. */
const ENTER = '\u001b[?1049h\u001b[?25l\u001b[?7l\u001b[?2004h\u001b[2J';
const LEAVE = '\u001b[?2004l\u001b[?7h\u001b[?25h\u001b[?1049l';

/**
 * The whole terminal, drawn line by line where something changed. `leave` gives it back as it was, cursor included, and may be called again; it is to be
 * called however the program ends.
 */
export class FullScreen {
  readonly #out: Output;
  #is_entered = false;
  #drawn: string[] = [];
  #cursor = '';

  constructor(out: Output) {
    this.#out = out;
  }

  enter(): void {
    this.#is_entered = true;
    this.#forget();
    this.#out.write(ENTER);
  }

  /** Shows these lines, as many and as wide as the terminal is; with a cursor where something is typed. */
  draw(lines: readonly (readonly Span[])[], cursor: ScreenCursor | null): void {
    if (!this.#is_entered) return;
    const { columns, rows } = this.#out.size;
    let text = '';
    for (let row = 0; row < rows; row += 1) {
      const line = this.#out.render(clipLine(lines[row] ?? [], columns), 'stdout').replaceAll(/[\n\t]/g, ' ');
      if (line === this.#drawn[row]) continue;
      this.#drawn[row] = line;
      text += `\u001b[${row + 1};1H\u001b[2K${line}`;
    }
    const place = cursor === null ? '\u001b[?25l' : `\u001b[${cursor.row + 1};${cursor.column + 1}H\u001b[?25h`;
    if (text === '' && place === this.#cursor) return;
    this.#cursor = place;
    this.#out.write(text + place);
  }

  /** Draws everything again the next time: the terminal has another size, or somebody else wrote to it. */
  redraw(): void {
    if (!this.#is_entered) return;
    this.#forget();
    this.#out.write('\u001b[2J');
  }

  /** Gives the terminal back. */
  leave(): void {
    if (!this.#is_entered) return;
    this.#is_entered = false;
    this.#out.write(LEAVE);
  }

  #forget(): void {
    this.#drawn = [];
    this.#cursor = '';
  }
}

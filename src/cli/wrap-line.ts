import { styledAs, textOf, type Span } from './style.js';
import { displayWidth } from './table.js';

const ASCII = /^[\x20-\x7e]*$/;
const TAB = '    ';

/**
 * A line as as many lines as it takes, each at most so many characters of display wide, broken where it must be: nothing is left out, for it may be what
 * somebody decides about. Text is expected to be safe; a tab becomes four spaces, a newline begins a new line.
 */
export function wrapLine(spans: readonly Span[], columns: number): Span[][] {
  const width = Math.max(2, columns);
  const lines: Span[][] = [[]];
  let used = 0;
  const next = (): void => {
    lines.push([]);
    used = 0;
  };
  for (const span of spans) {
    const parts = textOf(span).replaceAll('\t', TAB).split('\n');
    for (const [at, part] of parts.entries()) {
      if (at > 0) next();
      for (let rest = part; rest !== '';) {
        const kept = firstColumns(rest, width - used);
        if (kept === '') {
          next();
          continue;
        }
        lines.at(-1)?.push(styledAs(span, kept));
        used += displayWidth(kept);
        rest = rest.slice(kept.length);
      }
    }
  }
  return lines;
}

/** The beginning of a text that fits; marks that combine stay with their character. */
function firstColumns(text: string, columns: number): string {
  const start = text.slice(0, columns);
  if (ASCII.test(start)) {
    // The mark of a combined character may follow.
    const following = text.codePointAt(columns);
    if (following === undefined || following < 0x300) return start;
  }
  let kept = '';
  let used = 0;
  for (const char of text) {
    const wide = displayWidth(char);
    if (used + wide > columns) break;
    kept += char;
    used += wide;
  }
  return kept;
}

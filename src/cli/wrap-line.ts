import { styledAs, textOf, type Span } from './style.js';
import { displayWidth } from './table.js';

const ASCII = /^[\x20-\x7e]*$/;
const TAB = '    ';

/**
 * A line as as many lines as it takes, each at most so many characters of display wide: nothing is left out, for it may be what somebody decides about.
 * `words` breaks after a space where there is one, `exact` wherever the edge is. Text is expected to be safe; a tab becomes four spaces, a newline begins a
 * new line.
 */
export function wrapLine(spans: readonly Span[], columns: number, at_edge: 'words' | 'exact'): Span[][] {
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
        const fits = firstColumns(rest, width - used);
        const kept = at_edge === 'words' && fits.length < rest.length ? wholeWords(fits, used > 0) : fits;
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

/** The words of a text that were not cut; all of it where it is one long word, or where the next line can have it. */
function wholeWords(text: string, has_line_before: boolean): string {
  const end = text.lastIndexOf(' ') + 1;
  return end < text.length / 2 && !has_line_before ? text : text.slice(0, end);
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

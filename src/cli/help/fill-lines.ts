import { styledAs, textOf, type Span } from '../style.js';
import { displayWidth } from '../table.js';

/** Text as lines at most so wide, broken between words; `first` and `rest` stand before the first line and the others. A longer word has its line alone. */
export function fillLines(spans: readonly Span[], columns: number, first = '', rest = ''): Span[][] {
  const lines: Span[][] = [[first]];
  let used = displayWidth(first);
  let is_empty = true;
  for (const word of wordsOf(spans)) {
    const wide = word.reduce((sum, piece) => sum + displayWidth(textOf(piece)), 0);
    if (!is_empty && used + 1 + wide > columns) {
      lines.push([rest]);
      used = displayWidth(rest);
      is_empty = true;
    }
    lines.at(-1)?.push(...(is_empty ? [] : [' ']), ...word);
    used += wide + (is_empty ? 0 : 1);
    is_empty = false;
  }
  return lines;
}

/** Words, each as its pieces: `code`, with its comma, is one. */
function wordsOf(spans: readonly Span[]): Span[][] {
  const words: Span[][] = [];
  let is_open = false;
  for (const span of spans) {
    for (const part of textOf(span).split(/(\s+)/)) {
      if (part.trim() === '') is_open = part === '' && is_open;
      else if (is_open) words.at(-1)?.push(styledAs(span, part));
      else {
        words.push([styledAs(span, part)]);
        is_open = true;
      }
    }
  }
  return words;
}

import { styledAs, textOf, type Span } from './style.js';
import { cutText, displayWidth } from './table.js';

/** A line cut with `…` to at most so many characters of display. */
export function clipLine(spans: readonly Span[], columns: number): Span[] {
  const kept: Span[] = [];
  let left = columns;
  for (const span of spans) {
    if (left <= 0) break;
    const text = cutText(textOf(span), left);
    kept.push(styledAs(span, text));
    left -= displayWidth(text);
  }
  return kept;
}

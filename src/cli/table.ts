import { sanitize } from '../transcript/sanitize.js';
import { styledAs, textOf, type Span } from './style.js';

/** A column of a table. One that may `shrink` gives way when the terminal is narrow; at least MIN_SHRUNK characters stay. */
export interface Column {
  readonly title: string;
  readonly shrink?: boolean;
  readonly align?: 'right';
}

const GAP = 2;
const MIN_SHRUNK = 8;

/** A table as lines of spans: a bold head, columns as wide as their content, cut with `…` to fit `columns` characters where they may shrink. */
export function tableLines(head: readonly Column[], rows: readonly (readonly Span[])[], columns: number): Span[][] {
  const cells = rows.map((row) => row.map(oneLine));
  const widths = fit(
    head,
    head.map((column, at) => Math.max(column.title.length, ...cells.map((row) => displayWidth(textOf(row[at] ?? ''))))),
    columns,
  );
  const titles = head.map((column): Span => ({ text: column.title, style: 'bold' }));
  return [titles, ...cells].map((row) =>
    withoutTrailingSpace(
      head.flatMap((column, at) => {
        const cell = cut(row[at] ?? '', widths[at] ?? 0);
        const padding = ' '.repeat(Math.max(0, (widths[at] ?? 0) - displayWidth(textOf(cell))));
        if (column.align === 'right') return [padding, cell, at === head.length - 1 ? '' : ' '.repeat(GAP)];
        return at === head.length - 1 ? [cell] : [cell, padding + ' '.repeat(GAP)];
      }),
    ),
  );
}

function withoutTrailingSpace(spans: readonly Span[]): Span[] {
  const last = spans.findLastIndex((span) => textOf(span).trim() !== '');
  return spans.slice(0, last + 1);
}

function fit(head: readonly Column[], natural: readonly number[], columns: number): number[] {
  const widths = [...natural];
  let over = widths.reduce((sum, width) => sum + width, 0) + GAP * (head.length - 1) - columns;
  while (over > 0) {
    const widest = head.reduce((best, column, at) => {
      const width = widths[at] ?? 0;
      return column.shrink === true && width > MIN_SHRUNK && width > (widths[best] ?? 0) ? at : best;
    }, -1);
    if (widest === -1) break;
    widths[widest] = (widths[widest] ?? 0) - 1;
    over -= 1;
  }
  return widths;
}

function oneLine(span: Span): Span {
  const text = sanitize(textOf(span).replace(/\s+/g, ' ').trim());
  return styledAs(span, text);
}

function cut(span: Span, width: number): Span {
  const text = cutText(textOf(span), width);
  return styledAs(span, text);
}

/** Text cut with `…` to at most so many characters of display. */
export function cutText(text: string, width: number): string {
  if (displayWidth(text) <= width) return text;
  let kept = '';
  let used = 0;
  for (const char of text) {
    const wide = displayWidth(char);
    if (used + wide > width - 1) break;
    kept += char;
    used += wide;
  }
  return `${kept}…`;
}

/** How many columns of a terminal a text takes: two for wide characters, none for marks that combine. */
export function displayWidth(text: string): number {
  if (ASCII.test(text)) return text.length;
  let width = 0;
  for (const char of text) {
    if (/\p{Mn}|\p{Me}/u.test(char)) continue;
    width += WIDE.test(char) ? 2 : 1;
  }
  return width;
}

const ASCII = /^[\x20-\x7e]*$/;

const WIDE =
  /[\u1100-\u115f\u2e80-\u303e\u3041-\u33ff\u3400-\u4dbf\u4e00-\u9fff\ua000-\ua4cf\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe4f\uff00-\uff60\uffe0-\uffe6]|\p{Emoji_Presentation}/u;

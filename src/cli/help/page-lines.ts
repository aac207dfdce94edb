import { styled, textOf, type Span } from '../style.js';
import { displayWidth } from '../table.js';
import { fillLines } from './fill-lines.js';
import { inlineSpans } from './inline-spans.js';

const GAP = 2;

/**
 * A page of our documentation (the Markdown that `docs/` is written in: headings, paragraphs, lists, tables, fences) as lines for a terminal of so many
 * columns. Code keeps its lines; a table that does not fit is written row by row.
 */
export function pageLines(markdown: string, columns: number): Span[][] {
  const blocks = blocksOf(markdown.split('\n'));
  return blocks.flatMap((block, at) => [...(at === 0 ? [] : [[]]), ...linesOf(block, columns)]);
}

type Block =
  | { readonly kind: 'heading'; readonly depth: number; readonly text: string }
  | { readonly kind: 'text'; readonly text: string }
  | { readonly kind: 'list'; readonly items: readonly { readonly mark: string; readonly text: string }[] }
  | { readonly kind: 'table'; readonly rows: readonly (readonly string[])[] }
  | { readonly kind: 'code'; readonly lines: readonly string[] };

function linesOf(block: Block, columns: number): Span[][] {
  switch (block.kind) {
    case 'heading': {
      const text = inlineSpans(block.text).map(textOf).join('');
      return [[styled('bold', block.depth === 1 ? text.toUpperCase() : text)]];
    }
    case 'text':
      return fillLines(inlineSpans(block.text), columns);
    case 'list':
      return block.items.flatMap(({ mark, text }) => {
        const depth = mark.length - mark.trimStart().length;
        return fillLines(inlineSpans(text), columns, `  ${mark} `, ' '.repeat(depth + 3 + mark.trim().length));
      });
    case 'table':
      return tableOf(block.rows, columns);
    case 'code':
      return block.lines.map((line) => (line === '' ? [] : [`    ${line}`]));
  }
}

function blocksOf(lines: readonly string[]): Block[] {
  const blocks: Block[] = [];
  let at = 0;
  const take = (belongs: (line: string) => boolean): string[] => {
    const taken: string[] = [];
    for (; at < lines.length && belongs(lines[at] ?? ''); at += 1) taken.push(lines[at] ?? '');
    return taken;
  };
  while (at < lines.length) {
    const line = lines[at] ?? '';
    const fence = /^(`{3,})/.exec(line)?.[1];
    const heading = /^(#+) (.*)$/.exec(line);
    if (line.trim() === '') at += 1;
    else if (fence !== undefined) {
      at += 1;
      blocks.push({ kind: 'code', lines: take((text) => !text.startsWith(fence)) });
      at += 1;
    } else if (heading !== null) {
      blocks.push({ kind: 'heading', depth: heading[1]?.length ?? 1, text: heading[2] ?? '' });
      at += 1;
    } else if (line.startsWith('|')) {
      const rows = take((text) => text.startsWith('|')).map(cellsOf);
      blocks.push({ kind: 'table', rows: rows.filter((row) => !row.every((cell) => /^:?-+:?$/.test(cell))) });
    } else if (isItem(line)) {
      const taken = take((text) => isItem(text) || /^\s+\S/.test(text));
      blocks.push({ kind: 'list', items: itemsOf(taken) });
    } else {
      const text = take((next) => next.trim() !== '' && !/^(`{3}|#+ |\|)/.test(next) && !isItem(next));
      blocks.push({ kind: 'text', text: text.join(' ') });
    }
  }
  return blocks;
}

function isItem(line: string): boolean {
  return /^\s*(?:[-*]|\d+\.) /.test(line);
}

function itemsOf(lines: readonly string[]): { mark: string; text: string }[] {
  const items: { mark: string; text: string }[] = [];
  for (const line of lines) {
    const [, mark, text] = /^(\s*(?:[-*]|\d+\.)) (.*)$/.exec(line) ?? [];
    const open = items.at(-1);
    if (mark !== undefined) items.push({ mark, text: text ?? '' });
    else if (open !== undefined) open.text += ` ${line.trim()}`;
  }
  return items;
}

/** The cells of a row; a bar behind a backslash, or in code, is a bar. */
function cellsOf(row: string): string[] {
  return row
    .split(/(?<!\\)\|/)
    .slice(1, -1)
    .map((cell) => cell.trim().replaceAll('\\|', '|'));
}

function tableOf(rows: readonly (readonly string[])[], columns: number): Span[][] {
  const cells = rows.map((row) => row.map(inlineSpans));
  const widths = (cells[0] ?? []).map((_, at) => Math.max(...cells.map((row) => widthOf(row[at] ?? []))));
  const total = widths.reduce((sum, width) => sum + width, 0) + GAP * (widths.length - 1);
  if (total > columns) return rowByRow(cells, columns);
  return cells.flatMap((row, index) => {
    if (index === 0 && row.every((cell) => cell.length === 0)) return [];
    return [
      row.flatMap((cell, at): Span[] => {
        const padding = ' '.repeat((widths[at] ?? 0) - widthOf(cell) + GAP);
        return [
          ...(index === 0 ? asBold(cell) : cell),
          ...(row.slice(at + 1).every((later) => later.length === 0) ? [] : [padding]),
        ];
      }),
    ];
  });
}

/** Each row as a paragraph: its first cell, and below it the others, under the names of their columns when there are several. */
function rowByRow([head = [], ...rows]: readonly (readonly Span[][])[], columns: number): Span[][] {
  return rows.flatMap(([first = [], ...others], index) => [
    ...(index === 0 ? [] : [[]]),
    ...fillLines(first, columns),
    ...others.flatMap((cell, at) => {
      const title = (head[at + 1] ?? []).map(textOf).join('');
      if (cell.length === 0) return [];
      return fillLines(others.length > 1 && title !== '' ? [`${title}: `, ...cell] : cell, columns, '    ', '    ');
    }),
  ]);
}

function asBold(cell: readonly Span[]): Span[] {
  return cell.map((span) => styled('bold', textOf(span)));
}

function widthOf(cell: readonly Span[]): number {
  return cell.reduce((sum, span) => sum + displayWidth(textOf(span)), 0);
}

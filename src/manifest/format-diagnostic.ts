import { relative, sep } from 'node:path';
import type { Diagnostic } from './diagnostic.js';
import { displayCells, safeText, type DisplayCell } from './display-text.js';

/** How to show a diagnostic. */
export interface FormatOptions {
  /** Files below this folder are named relative to it. */
  readonly cwd?: string | undefined;
  /** Use terminal colours (default no). */
  readonly color?: boolean | undefined;
}

const MAX_COLUMNS = 110;
const KEPT_BEFORE_CARET = 70;
const COLORS = { mistake: '\u001b[31m', warning: '\u001b[33m', dim: '\u001b[2m', bold: '\u001b[1m', off: '\u001b[0m' };

/**
 * A diagnostic for people: `file:line:column: error: message`, the line itself, a caret under the place, what was expected, what to do.
 * Lines are joined with `\n`, without one at the end. Safe on a terminal whatever the file holds; long lines are cut around the caret.
 */
export function formatDiagnostic(diagnostic: Diagnostic, options: FormatOptions = {}): string {
  const paint = (color: keyof typeof COLORS, text: string): string =>
    options.color === true ? `${COLORS[color]}${text}${COLORS.off}` : text;
  const { severity, line, column } = diagnostic;
  const place = `${shownFile(diagnostic.file, options.cwd)}${line === 0 ? '' : `:${line}:${column}`}`;
  const word = severity === 'mistake' ? 'error' : 'warning';
  const lines = [`${paint('bold', `${place}:`)} ${paint(severity, `${word}:`)} ${safeText(diagnostic.message)}`];
  if (line !== 0) {
    const { text, caret } = aroundCaret(displayCells(diagnostic.source_line), column);
    const number = String(line);
    lines.push(`  ${paint('dim', `${number} |`)} ${text}`.trimEnd());
    lines.push(`  ${paint('dim', `${' '.repeat(number.length)} |`)} ${' '.repeat(caret)}${paint(severity, '^')}`);
  }
  if (diagnostic.expected !== undefined) lines.push(`  expected: ${safeText(diagnostic.expected)}`);
  if (diagnostic.hint !== undefined) lines.push(`  hint: ${safeText(diagnostic.hint)}`);
  return lines.join('\n');
}

/** Several diagnostics, an empty line between them. */
export function formatDiagnostics(diagnostics: readonly Diagnostic[], options: FormatOptions = {}): string {
  return diagnostics.map((diagnostic) => formatDiagnostic(diagnostic, options)).join('\n\n');
}

/** A file as people name it: relative to `cwd` when it lies below. */
export function shownFile(file: string, cwd: string | undefined): string {
  const near = cwd === undefined ? file : relative(cwd, file);
  return safeText(near === '' || near === '..' || near.startsWith(`..${sep}`) ? file : near);
}

function aroundCaret(cells: readonly DisplayCell[], column: number): { text: string; caret: number } {
  const before = cells.slice(0, column - 1);
  let caret = widthOf(before);
  let from = 0;
  if (widthOf(cells) > MAX_COLUMNS) {
    while (caret > KEPT_BEFORE_CARET && from < before.length) {
      caret -= cells[from]?.columns ?? 0;
      from += 1;
    }
  }
  let text = '';
  let columns = 0;
  let to = from;
  for (; to < cells.length; to += 1) {
    const cell = cells[to];
    if (cell === undefined || columns + cell.columns > MAX_COLUMNS) break;
    text += cell.text;
    columns += cell.columns;
  }
  const head = from === 0 ? '' : '…';
  return { text: `${head}${text}${to < cells.length ? '…' : ''}`, caret: caret + head.length };
}

function widthOf(cells: readonly DisplayCell[]): number {
  return cells.reduce((sum, cell) => sum + cell.columns, 0);
}

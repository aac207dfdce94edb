import { expect, test } from 'vitest';
import type { Diagnostic } from '../../src/manifest/diagnostic.js';
import { formatDiagnostic } from '../../src/manifest/format-diagnostic.js';

const diagnostic = (source_line: string, column: number, more: Partial<Diagnostic> = {}): Diagnostic => ({
  file: '/project/configs/agents/fleet.yml',
  line: 7,
  column,
  source_line,
  message: 'wrong',
  severity: 'mistake',
  ...more,
});
const caretLine = (source_line: string, column: number): string[] =>
  formatDiagnostic(diagnostic(source_line, column)).split('\n').slice(1);

test('shows file, line, column, the line, a caret, what was expected and what to do', () => {
  const text = formatDiagnostic(
    diagnostic('  role: 7', 9, {
      line: 12,
      message: 'role cannot be the number 7',
      expected: 'a word',
      hint: 'quote it',
    }),
    { cwd: '/project' },
  );
  expect(text).toBe(
    [
      'configs/agents/fleet.yml:12:9: error: role cannot be the number 7',
      '  12 |   role: 7',
      '     |         ^',
      '  expected: a word',
      '  hint: quote it',
    ].join('\n'),
  );
});

test('a file outside of the current folder is named in full; a file as a whole has no line', () => {
  const text = formatDiagnostic(diagnostic('', 0, { line: 0, severity: 'warning' }), { cwd: '/elsewhere' });
  expect(text).toBe('/project/configs/agents/fleet.yml: warning: wrong');
});

test('the caret stands under the place behind tabs, wide letters, emoji and accents', () => {
  expect(caretLine('\tid: x', 6)).toEqual(['  7 |     id: x', '    |         ^']);
  expect(caretLine('a\tid: x', 7)).toEqual(['  7 | a   id: x', '    |         ^']);
  expect(caretLine('目标: x', 5)).toEqual(['  7 | 目标: x', '    |       ^']);
  expect(caretLine('🚀🚀 x', 6)).toEqual(['  7 | 🚀🚀 x', '    |      ^']);
  expect(caretLine('e\u0301e\u0301 x', 6)).toEqual(['  7 | e\u0301e\u0301 x', '    |    ^']);
});

test('what a terminal would obey or hide is shown, and the caret still stands right', () => {
  expect(caretLine('\u001b[2Jx y', 6)).toEqual(['  7 | \\u{1b}[2Jx y', '    |           ^']);
  const hostile = '\u009b31m\u202e\u200b\u{e0041}\r\b\u007f';
  const text = formatDiagnostic(
    diagnostic(hostile, 1, { message: hostile, hint: hostile, expected: hostile, file: `/${hostile}` }),
  );

  expect(text.replaceAll('\n', '')).not.toMatch(/[\u0000-\u001f\u007f-\u009f\u202e\u200b\u{e0041}]/u);
});

test('a long line is cut around the caret', () => {
  const line = `${'a'.repeat(300)}X${'b'.repeat(300)}`;
  const [shown = '', caret = ''] = caretLine(line, 301);
  expect(shown.length).toBeLessThan(125);
  expect(shown[caret.indexOf('^')]).toBe('X');
  expect(shown).toMatch(/\| …a+Xb+…$/);
});

test('colours are there when asked for, and nowhere else', () => {
  expect(formatDiagnostic(diagnostic('x', 1))).not.toContain('\u001b');
  expect(formatDiagnostic(diagnostic('x', 1), { color: true })).toContain('\u001b[31merror:\u001b[0m');
  expect(formatDiagnostic(diagnostic('x', 1, { severity: 'warning' }), { color: true })).toContain(
    '\u001b[33m^\u001b[0m',
  );
});

import type { Diagnostic } from '../../src/manifest/diagnostic.js';
import { formatDiagnostic } from '../../src/manifest/format-diagnostic.js';
import type { TestProject } from './project.js';

const CARET = /^( *)\^ /;

/**
 * A manifest with what must be said about it: below a line, carets point at places in it, each with the message (and, after `=>`, the expectation or
 * hint). Messages about the file as a whole stand at the top, after `^^`. The project's folder is written `<project>`.
 */
export function withoutCarets(annotated: string): string {
  return annotated
    .split('\n')
    .filter((line) => !CARET.test(line) && !line.startsWith('^^ '))
    .join('\n');
}

/** The same manifest with carets for what was really said, at the places where the shown text has them. */
export function withCarets(
  manifest: string,
  said: readonly Diagnostic[],
  annotated: string,
  project: TestProject,
): string {
  const short = (text: string): string => text.replaceAll(project.root, '<project>').replaceAll(project.top, '<top>');
  const wanted = (text: string): boolean => annotated.includes(`=> ${text}`);
  const lines = manifest.split('\n').map((line, index) => [
    line,
    ...said
      .filter((one) => one.line === index + 1)
      .map((one) => {
        const notes = [one.expected, one.hint]
          .filter((note) => note !== undefined)
          .map(short)
          .filter(wanted);
        return `${' '.repeat(shownCaret(one))}^ ${short(one.message)}${notes.map((note) => ` => ${note}`).join('')}`;
      }),
  ]);
  const whole = said.filter((one) => one.line === 0).map((one) => `^^ ${short(one.message)}`);
  return [...whole, ...lines.flat()].join('\n');
}

/** How far the caret stands from the beginning of the line in the text that people see. */
function shownCaret(diagnostic: Diagnostic): number {
  const [head = '', line = '', caret = ''] = formatDiagnostic(diagnostic).split('\n');
  if (!head.startsWith(`${diagnostic.file}:${diagnostic.line}:${diagnostic.column}: `))
    throw new Error(`bad head: ${head}`);
  const gutter = `  ${diagnostic.line} | `.length;
  const at = caret.indexOf('^') - gutter;
  // Tabs and wide letters are shown otherwise than they are stored: format-diagnostic.test.ts is about them.
  if (!/^[ -~]*$/.test(diagnostic.source_line)) return at;
  if (line.slice(gutter).trimEnd() !== diagnostic.source_line.trimEnd()) throw new Error(`bad line: ${line}`);
  if (at !== diagnostic.column - 1) throw new Error(`the caret is at ${at}, the column is ${diagnostic.column}`);
  return at;
}

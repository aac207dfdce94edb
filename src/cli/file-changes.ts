import { showHidden } from '../transcript/sanitize.js';
import { styled, type Span, type Style } from './style.js';

/** A file that would be changed; `diff` is empty where none is known. */
export interface FileChange {
  readonly path: string;
  readonly kind: string;
  readonly diff: string;
}

/** The changes in the requested action of a prompt; what is none of ours is left out. */
export function fileChanges(changes: unknown): FileChange[] {
  if (!Array.isArray(changes)) return [];
  return changes.map((change: unknown) => {
    const facts: Readonly<Record<string, unknown>> = typeof change === 'object' && change !== null ? { ...change } : {};
    const text = (name: string): string => (typeof facts[name] === 'string' ? facts[name] : '');
    return { path: text('path'), kind: text('kind'), diff: text('diff') };
  });
}

/** The diff of one file, a line each: added green, removed red. Of a new or a deleted file, whose content Codex gives as it is, every line is marked. */
export function diffLines(change: FileChange): Span[][] {
  if (change.diff === '') return [];
  const is_unified = /^@@ /m.test(change.diff);
  const mark = is_unified ? '' : (WHOLE_FILE_MARKS[change.kind] ?? '');
  return change.diff
    .replace(/\n$/, '')
    .split('\n')
    .map((line) => {
      const marked = `${mark}${line}`;
      const style = STYLES[marked.charAt(0)];
      const text = showHidden(marked);
      return [style === undefined ? text : styled(style, text)];
    });
}

const WHOLE_FILE_MARKS: Readonly<Record<string, string>> = { add: '+', delete: '-' };

const STYLES: Readonly<Record<string, Style>> = { '+': 'green', '-': 'red', '@': 'cyan' };

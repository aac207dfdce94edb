import type { Assignment } from './read-script.js';
import type { Word } from './read-word.js';
import { shellInner } from './shell-inner.js';
import { RUNNERS, WRAPPERS, type Wrapping } from './wrappers.js';

/** What a command runs beside itself. */
export type Inner =
  | { readonly type: 'words'; readonly words: readonly Word[]; readonly assignments?: readonly Assignment[] }
  /** A script in a word: `bash -c 'ls'`. */
  | { readonly type: 'script'; readonly script: string }
  | { readonly type: 'hidden'; readonly why: string };

/** What a command runs, and whether it still counts as a plain one. */
export interface Wrapped {
  readonly inner: readonly Inner[];
  readonly is_plain: boolean;
}

const IS_ASSIGNMENT = /^([A-Za-z_]\w*)=(.*)$/s;

/** What a program is called: the last part of its path; null where that is not written out. */
export function programName(word: Word | undefined): string | null {
  if (word?.kind !== 'literal') return null;
  return word.text.slice(word.text.lastIndexOf('/') + 1);
}

/** What else a command runs by its nature; null for a command that only is itself. */
export function innerCommands(words: readonly Word[]): Wrapped | null {
  const name = programName(words[0]);
  if (name === null) return null;
  if (name === 'find' || name === 'fd' || name === 'fdfind') return ofFind(words);
  const shell = shellInner(name, words.slice(1));
  if (shell !== null) return { inner: shell, is_plain: false };
  const runner = RUNNERS.get(`${name} ${words[1]?.text ?? ''}`);
  if (runner !== undefined) return ofWrapping(`${name} ${words[1]?.text ?? ''}`, words.slice(2), runner);
  const wrapping = WRAPPERS.get(name);
  return wrapping === undefined ? null : ofWrapping(name, words.slice(1), wrapping);
}

function ofWrapping(name: string, words: readonly Word[], wrapping: Wrapping): Wrapped {
  const is_plain = wrapping.is_plain === true;
  const hidden = (why: string): Wrapped => ({ inner: [{ type: 'hidden', why: `${name} ${why}` }], is_plain: false });
  let own = wrapping.own_words ?? 0;
  const assignments: Assignment[] = [];
  for (let at = 0; at < words.length; at += 1) {
    const word = words[at];
    if (word?.kind !== 'literal') return hidden('runs what is not written out');
    const option = optionOf(word.text, wrapping);
    if (option === 'idle') return { inner: [], is_plain };
    if (option === 'unknown') return hidden(`has the option ${word.text}, which may change what it runs`);
    if (option === 'value') at += 1;
    if (option !== 'none') continue;
    const assignment = wrapping.sets_variables === true ? IS_ASSIGNMENT.exec(word.text) : null;
    if (assignment !== null) {
      assignments.push({ name: assignment[1] ?? '', value: { kind: 'literal', text: assignment[2] ?? '' } });
    } else if (own > 0) {
      own -= 1;
    } else {
      const more: Word[] = wrapping.adds_words === true ? [{ kind: 'hidden', text: null }] : [];
      return { inner: [{ type: 'words', words: [...words.slice(at), ...more], assignments }], is_plain };
    }
  }
  return { inner: [], is_plain };
}

function optionOf(text: string, wrapping: Wrapping): 'none' | 'flag' | 'value' | 'idle' | 'unknown' {
  if (!text.startsWith('-')) return 'none';
  if (text === '--') return 'flag';
  if (wrapping.idle?.includes(text) === true) return 'idle';
  if (wrapping.flags.includes(text) || /^-\d+$/.test(text)) return 'flag';
  if (wrapping.values.includes(text)) return 'value';
  const [name = ''] = text.split('=');
  if (text.startsWith('--'))
    return wrapping.values.includes(name) || wrapping.flags.includes(name) ? 'flag' : 'unknown';
  // The value in the same word, as in `-n19`; or several flags in one, as in `-nE`.
  if (wrapping.values.includes(text.slice(0, 2))) return 'flag';
  return Array.from(text.slice(1)).every((letter) => wrapping.flags.includes(`-${letter}`)) ? 'flag' : 'unknown';
}

const FIND_RUNS: ReadonlySet<string> = new Set([
  '-exec',
  '-execdir',
  '-ok',
  '-okdir',
  '-x',
  '-X',
  '--exec',
  '--exec-batch',
]);

function ofFind(words: readonly Word[]): Wrapped | null {
  const inner: Inner[] = [];
  for (let at = 1; at < words.length; at += 1) {
    const word = words[at];
    if (word?.kind !== 'literal' || !FIND_RUNS.has(word.text)) continue;
    const rest = words.slice(at + 1);
    const end = rest.findIndex((one) => one.text === ';' || one.text === '+');
    const run = end === -1 ? rest : rest.slice(0, end);
    const filled = run.map((one): Word => (one.text?.includes('{}') === true ? { kind: 'hidden', text: null } : one));
    inner.push({ type: 'words', words: filled });
    at += run.length;
  }
  if (inner.length > 0) return { inner, is_plain: false };
  return words.some((word) => word.kind === 'hidden')
    ? { inner: [{ type: 'hidden', why: 'find takes words that are not written out' }], is_plain: false }
    : null;
}

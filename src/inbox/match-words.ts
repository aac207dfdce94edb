import type { CommandPattern, PatternWord } from '../contract/command-pattern.js';
import { isOutside } from './container-place.js';
import type { Word } from './read-word.js';

/** `maybe`: it depends on words that are not written out. */
export type Match = 'yes' | 'maybe' | 'no';

/** Whether a rule that asks or rejects is about a command: the program may be named by its path too. */
export function matchesWords(pattern: CommandPattern, words: readonly Word[]): Match {
  const [program, ...rest] = words;
  if (program === undefined) return 'no';
  const named: Word =
    program.kind === 'literal' && pattern.words[0]?.[0].includes('/') !== true
      ? { kind: 'literal', text: program.text.slice(program.text.lastIndexOf('/') + 1) }
      : program;
  let best: Match = 'no';
  for (const args of withoutLeadingOptions(rest)) {
    const match = matchesExactly(pattern, [named, ...args]);
    if (match === 'yes') return 'yes';
    if (match === 'maybe') best = 'maybe';
  }
  return best;
}

const MAX_LEADING = 12;

/** The words as they are, and with options before the others left out, which may have taken a word each: `git -C src push` is a `git push`. */
function withoutLeadingOptions(words: readonly Word[]): (readonly Word[])[] {
  const ways = [words];
  for (let at = 0; at < Math.min(words.length, MAX_LEADING); at += 1) {
    if (!isOption(words[at]) && !isOption(words[at - 1])) break;
    ways.push(words.slice(at + 1));
  }
  return ways;
}

function isOption(word: Word | undefined): boolean {
  return word?.text?.startsWith('-') === true;
}

function matchesExactly(pattern: CommandPattern, words: readonly Word[]): Match {
  let match: Match = 'yes';
  for (let at = 0; at < pattern.words.length; at += 1) {
    const wanted = pattern.words[at];
    const word = words[at];
    // A hidden word may be any number of words.
    if (word?.kind === 'hidden') return 'maybe';
    if (word === undefined || wanted === undefined) return 'no';
    if (matchesWildcards(wanted, word.text)) continue;
    if (word.kind === 'literal') return 'no';
    match = 'maybe';
  }
  if (pattern.open_ended || words.length === pattern.words.length) return match;
  return words.slice(pattern.words.length).every((word) => word.kind === 'hidden') ? 'maybe' : 'no';
}

/**
 * Whether a rule that approves is about a plain command: wholly, with the program named, and with nothing behind a wildcard that could turn the command
 * into another one: an option (unless the wildcard begins with `-`), a way out of the workspace, an address that starts a helper.
 */
export function approvesWords(pattern: CommandPattern, words: readonly string[], cwd: string): boolean {
  if (pattern.words[0]?.length !== 1) return false;
  if (pattern.open_ended ? words.length < pattern.words.length : words.length !== pattern.words.length) return false;
  return words.every((word, at) => {
    const wanted = pattern.words[at] ?? ['', ''];
    if (wanted.length === 1) return word === wanted[0];
    return matchesWildcards(wanted, word) && isTame(word, wanted[0], cwd);
  });
}

function isTame(word: string, beginning: string, cwd: string): boolean {
  if (word.startsWith('-') && !beginning.startsWith('-')) return false;
  // `+main` and `:main` are to git push what --force and --delete are.
  if (/^[+:]/.test(word) || word.includes('::')) return false;
  // Each part of it that could be a path: after `=`, `:`, `,`, `@`, or the letter of an option, as in `-I/usr/include`.
  const parts = word
    .replace(/^(?:https?|ssh|git):\/\/[^/]*/i, 'address')
    .split(/[=:,@]|^-[A-Za-z]+(?=[/~])|^-[A-Za-z]/);
  return parts.every((part) => {
    if (part.split('/').includes('..')) return false;
    if (!/^[/~]/.test(part)) return true;
    return beginning.startsWith('/') || !isOutside(part, cwd);
  });
}

/** Whether a text is a word of a pattern. Linear in the text for each wildcard; `*` is any run of characters, none too. */
export function matchesWildcards(pattern: PatternWord, text: string): boolean {
  const [first, ...others] = pattern;
  const last = others.pop();
  if (last === undefined) return text === first;
  if (!text.startsWith(first) || text.length < first.length + last.length || !text.endsWith(last)) return false;
  let from = first.length;
  const end = text.length - last.length;
  for (const piece of others) {
    const at = text.indexOf(piece, from);
    if (at === -1 || at + piece.length > end) return false;
    from = at + piece.length;
  }
  return true;
}

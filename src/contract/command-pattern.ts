/** One word of a pattern: the pieces between its wildcards. One piece is a word as it stands; `a*b` is `['a', 'b']`; `*` is `['', '']`. */
export type PatternWord = readonly [string, ...string[]];

/** What a rule says a command must look like. */
export interface CommandPattern {
  readonly words: readonly PatternWord[];
  /** It ends in `**`: any number of further words, also none. */
  readonly open_ended: boolean;
}

/** Why a text is no pattern, to follow "the pattern". */
export interface PatternProblem {
  readonly problem: string;
}

const JOINS_OR_EXPANDS = /[|&;<>()$`]/;

/**
 * Reads the pattern of a rule: words, split and quoted as a shell does with words that hold nothing to expand. A `*` that is not quoted stands for any
 * run of characters of its word, a last word `**` for any number of words. No other sign has a meaning, and no regular expression is made.
 */
export function parseCommandPattern(text: string): CommandPattern | PatternProblem {
  const words: PatternWord[] = [];
  let at = 0;
  while (at < text.length) {
    if (text[at] === ' ' || text[at] === '\t') {
      at += 1;
      continue;
    }
    const word = readWord(text, at);
    if ('problem' in word) return word;
    words.push(word.pieces);
    at = word.end;
  }
  if (words.length === 0) return { problem: 'holds no word' };
  const rest = words.findIndex(isRest);
  if (rest === -1) return { words, open_ended: false };
  if (rest !== words.length - 1) return { problem: 'has `**` before its end: it stands for all further words' };
  return { words: words.slice(0, -1), open_ended: true };
}

/** A pattern that these words match, and no others; null where one of them holds a `*`, which nobody should take for a wildcard. */
export function patternOfWords(words: readonly string[]): string | null {
  if (words.some((word) => word.includes('*'))) return null;
  return words.map(quoted).join(' ');
}

function isRest(word: PatternWord): boolean {
  return word.length === 3 && word.every((piece) => piece === '');
}

interface Reading {
  readonly pieces: PatternWord;
  readonly end: number;
}

function readWord(text: string, start: number): Reading | PatternProblem {
  const before: string[] = [];
  let piece = '';
  let at = start;
  for (; at < text.length && text[at] !== ' ' && text[at] !== '\t'; at += 1) {
    const char = text.charAt(at);
    if (char === '*') {
      before.push(piece);
      piece = '';
    } else if (char === '\\') {
      at += 1;
      if (at === text.length) return { problem: 'ends in a lone backslash' };
      piece += text.charAt(at);
    } else if (char === "'" || char === '"') {
      const end = endOfQuote(text, at);
      if (end === -1) return { problem: `has a ${char} that is never closed` };
      const inside = text.slice(at + 1, end);
      piece += char === '"' ? inside.replaceAll(/\\(["\\$`])/g, '$1') : inside;
      at = end;
    } else if (JOINS_OR_EXPANDS.test(char)) {
      return { problem: `has ${char} outside quotes: it is for one command, word by word` };
    } else {
      piece += char;
    }
  }
  const [first = piece, ...others] = before;
  return { pieces: before.length === 0 ? [piece] : [first, ...others, piece], end: at };
}

function endOfQuote(text: string, start: number): number {
  const quote = text.charAt(start);
  for (let at = start + 1; at < text.length; at += 1) {
    if (quote === '"' && text[at] === '\\') at += 1;
    else if (text[at] === quote) return at;
  }
  return -1;
}

function quoted(word: string): string {
  return /^[A-Za-z0-9_@%+:,./=^~-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`;
}

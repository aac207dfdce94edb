/** The words of a script that is nothing but a program and words that mean only themselves, or why it is more. */
export type PlainWords = { readonly words: readonly string[] } | { readonly more: string };

/** Words of the shell, in bash, dash or zsh, that do not run a program of their name. */
const RESERVED: ReadonlySet<string> = new Set(
  `if then elif else fi for while until do done case esac select function time coproc repeat foreach end nocorrect noglob always in let declare typeset
  local export readonly unset test printf read mapfile readarray getopts wait eval exec source command builtin trap alias unalias set shopt setopt
  unsetopt enable bind hash emulate autoload zmodload zcompile`.split(/\s+/),
);
/** Words of the shell that are programs as well, and are safe where no word holds a subscript, which they evaluate. */
const WITHOUT_SUBSCRIPT: ReadonlySet<string> = new Set(['test', 'printf', 'read', 'unset', 'wait', 'getopts']);

const BARE = /^[A-Za-z0-9_@%+:,./=^~-]$/;
const PROGRAM = /^[A-Za-z0-9_.+/-]+$/;

/**
 * Reads a script without the grammar, and far stricter: one line of printable ASCII, a bare name of a program, words that are bare or quoted without
 * anything to expand. What this and the grammar read alike, every shell reads alike.
 */
export function plainWords(script: string): PlainWords {
  if (/[^ -~]/.test(script)) return { more: 'it has characters that are not printable ASCII, or more than one line' };
  const words: string[] = [];
  let at = 0;
  while (at < script.length) {
    if (script[at] === ' ') {
      at += 1;
      continue;
    }
    const word = readWord(script, at);
    if ('more' in word) return word;
    if (words.length === 0 && word.text !== script.slice(at, word.end)) {
      return { more: 'the name of the program is quoted' };
    }
    words.push(word.text);
    at = word.end;
  }
  const [program] = words;
  if (program === undefined) return { more: 'it is empty' };
  if (!PROGRAM.test(program) || program.startsWith('-')) return { more: `${program} is no plain name of a program` };
  if (RESERVED.has(program) && !WITHOUT_SUBSCRIPT.has(program)) return { more: `${program} is a word of the shell` };
  if (WITHOUT_SUBSCRIPT.has(program) && words.some((word) => word.includes('['))) {
    return { more: `${program} evaluates subscripts` };
  }
  return { words };
}

type Reading = { readonly text: string; readonly end: number } | { readonly more: string };

function readWord(script: string, start: number): Reading {
  let text = '';
  let at = start;
  while (at < script.length && script[at] !== ' ') {
    const char = script.charAt(at);
    if (char === "'" || char === '"') {
      const quoted = char === "'" ? singleQuoted(script, at) : doubleQuoted(script, at);
      if ('more' in quoted) return quoted;
      text += quoted.text;
      at = quoted.end;
    } else if (char === '\\') {
      if (at + 1 === script.length) return { more: 'it ends in a backslash' };
      text += script.charAt(at + 1);
      at += 2;
    } else {
      const why = whyNotBare(script, at, start);
      if (why !== null) return { more: why };
      text += char;
      at += 1;
    }
  }
  return { text, end: at };
}

/** Signs that some shell expands, at the place where they stand. */
function whyNotBare(script: string, at: number, start: number): string | null {
  const char = script.charAt(at);
  if (!BARE.test(char)) return `it has ${char} outside quotes`;
  // zsh expands `=program` and `^name`, all of them `~`, which after a sign may also begin a name of a home.
  if (at === start && /[=^~]/.test(char)) return `a word begins with ${char}`;
  if (char === '~' && !/[A-Za-z0-9^~]/.test(script.charAt(at - 1))) return 'it has ~ where a shell may expand it';
  return null;
}

function singleQuoted(script: string, at: number): Reading {
  const end = script.indexOf("'", at + 1);
  return end === -1 ? { more: 'a quote is never closed' } : { text: script.slice(at + 1, end), end: end + 1 };
}

function doubleQuoted(script: string, start: number): Reading {
  let text = '';
  for (let at = start + 1; at < script.length; at += 1) {
    const char = script.charAt(at);
    if (char === '"') return { text, end: at + 1 };
    if (char === '$' || char === '`') return { more: `it has ${char}, which double quotes do not keep from expanding` };
    if (char === '\\' && /["\\$`]/.test(script.charAt(at + 1))) at += 1;
    text += script.charAt(at);
  }
  return { more: 'a quote is never closed' };
}

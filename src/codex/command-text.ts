import { shellQuote } from '../contract/shell-quote.js';

/** What `bash -c 'script'` runs: the script, unquoted, when the command line is a shell with one script; else the command line as it is. */
export function scriptOf(command: string): string {
  const match = /^(?:\/[\w./-]*\/)?(?:ba|z|da|k)?sh +-l?c +/.exec(command);
  if (match === null) return command;
  return unquoteWord(command.slice(match[0].length)) ?? command;
}

/** The text of one POSIX shell word; null when it is not exactly one word, or more than quoting would happen in it. */
function unquoteWord(word: string): string | null {
  let text = '';
  let at = 0;
  while (at < word.length) {
    const char = word[at];
    if (char === "'") {
      const end = word.indexOf("'", at + 1);
      if (end === -1) return null;
      text += word.slice(at + 1, end);
      at = end + 1;
    } else if (char === '"') {
      const quoted = /^"((?:[^"\\$`]|\\.)*)"/s.exec(word.slice(at));
      if (quoted === null) return null;
      text += (quoted[1] ?? '').replaceAll(/\\([$`"\\\n])/g, '$1');
      at += quoted[0].length;
    } else if (char === '\\') {
      text += word[at + 1] ?? '';
      at += 2;
    } else {
      const plain = /^[^\s'"\\$`|&;<>()]+/.exec(word.slice(at));
      if (plain === null) return null;
      text += plain[0];
      at += plain[0].length;
    }
  }
  return text;
}

/** A command or other long text on one line, for a sentence: runs of white space become one space, the rest of a long one is counted. */
export function oneLine(text: string, max_chars: number): string {
  const flat = text.trim().replaceAll(/\s+/g, ' ');
  if (flat.length <= max_chars) return flat;
  const cut = flat.slice(0, max_chars).replace(/[\uD800-\uDBFF]$/, '');
  return `${cut}… (${flat.length - cut.length} more characters)`;
}

/** Words of a command as a shell would have to be given them. */
export function quoted(words: readonly string[]): string {
  return words.map(shellQuote).join(' ');
}

import { sanitize } from '../../transcript/sanitize.js';
import type { Key } from './key-decoder.js';

/** A line that is being typed; `cursor` counts characters of UTF-16 before it, never inside a pair. It may hold newlines that were pasted. */
export interface InputLine {
  readonly text: string;
  readonly cursor: number;
}

/** Most characters of a line. */
const MAX_LINE_CHARS = 100_000;

/** A line with this text, the cursor at its end. */
export function lineWith(text: string): InputLine {
  return { text, cursor: text.length };
}

/** The line after a key, or after a paste, whose characters that a terminal could obey are left out. Keys that edit nothing change nothing. */
export function editLine(line: InputLine, key: Key): InputLine {
  const { text, cursor } = line;
  if (key.type !== 'named') return insert(line, key.type === 'paste' ? sanitize(key.text) : key.text);
  const before = text.slice(0, cursor);
  const after = text.slice(cursor);
  switch (key.name) {
    case 'backspace':
      return { text: withoutLast(before) + after, cursor: withoutLast(before).length };
    case 'delete':
      return { text: before + after.slice(firstChar(after).length), cursor };
    case 'left':
      return { text, cursor: withoutLast(before).length };
    case 'right':
      return { text, cursor: cursor + firstChar(after).length };
    case 'home':
      return { text, cursor: 0 };
    case 'end':
      return lineWith(text);
    case 'ctrl_u':
      return { text: after, cursor: 0 };
    case 'ctrl_w': {
      const kept = before.replace(/\S+\s*$/, '');
      return { text: kept + after, cursor: kept.length };
    }
    default:
      return line;
  }
}

function insert({ text, cursor }: InputLine, added: string): InputLine {
  const fits = added.slice(0, Math.max(0, MAX_LINE_CHARS - text.length)).replace(/[\ud800-\udbff]$/, '');
  return { text: text.slice(0, cursor) + fits + text.slice(cursor), cursor: cursor + fits.length };
}

function withoutLast(text: string): string {
  return text.replace(/[\ud800-\udbff]?[\udc00-\udfff]$|[^]$/, '');
}

function firstChar(text: string): string {
  return text === '' ? '' : String.fromCodePoint(text.codePointAt(0) ?? 0);
}

/**
 * Text that may be written to a terminal. Agent output is hostile: escape sequences set the clipboard and titles, overwrite what was
 * printed, or hide it; invisible and bidirectional characters make a command read as another one.
 *
 * What comes out holds printable characters, newline and tab, nothing else. Whole escape sequences go (CSI, OSC, DCS, APC, PM, SOS, with
 * their payload), other control characters, DEL and C1 go, so do zero-width, bidirectional, tag, variation and filler characters; a lone
 * carriage return becomes a newline, a lone surrogate U+FFFD. A state machine, so that a sequence spread over pieces is still whole.
 */

/** A string sequence (OSC and its like) that is longer than this is over, in characters: a terminal would have lost patience too. */
export const MAX_SEQUENCE_CHARS = 65_536;

/** What may need work; text without any is safe as it is. */
const SUSPECT =
  /[^\t\n\x20-\x7e\u00a1-\u00ac\u00ae-\u034e\u0350-\u061b\u061d-\u115e\u1161-\u17b3\u17b6-\u180a\u1810-\u1fff\u2010-\u2027\u2030-\u205e\u2070-\u3163\u3165-\ud7ff\ue000-\ufdff\ufe10-\ufefe\uff00-\uff9f\uffa1-\uffef]/;

/** Code points that are not shown, or change how others are shown; pairs of first and last, ascending. */
const HIDDEN: readonly (readonly [first: number, last: number])[] = [
  [0xad, 0xad],
  [0x34f, 0x34f],
  [0x61c, 0x61c],
  [0x115f, 0x1160],
  [0x17b4, 0x17b5],
  [0x180b, 0x180f],
  [0x200b, 0x200f],
  [0x202a, 0x202e],
  [0x2060, 0x206f],
  [0x3164, 0x3164],
  [0xfe00, 0xfe0f],
  [0xfeff, 0xfeff],
  [0xffa0, 0xffa0],
  [0xfff0, 0xfffb],
  [0x1bca0, 0x1bca3],
  [0x1d173, 0x1d17a],
  [0xe0000, 0xe0fff],
];

/** The text, safe for a terminal. */
export function sanitize(text: string): string {
  if (!SUSPECT.test(text)) return text;
  const safe = new TerminalText();
  return safe.push(text) + safe.end();
}

/** The text with everything that `sanitize` would take away shown as `<U+001B>` instead: for what a person decides about. */
export function showHidden(text: string): string {
  if (!SUSPECT.test(text)) return text;
  let shown = '';
  for (const char of text) {
    const code = char.codePointAt(0) ?? 0;
    shown +=
      isPrintable(code) && !(code >= 0xd800 && code <= 0xdfff)
        ? char
        : `<U+${code.toString(16).toUpperCase().padStart(4, '0')}>`;
  }
  return shown;
}

type State = 'text' | 'escape' | 'intermediate' | 'csi' | 'string' | 'string_escape';

/** Makes a text safe that comes in pieces: the same characters come out however it is cut. */
export class TerminalText {
  #state: State = 'text';
  #length = 0;
  /** A carriage return, or half a surrogate pair, that the next character decides about. */
  #held = '';

  /** What may be shown now. */
  push(piece: string): string {
    if (this.#state === 'text' && this.#held === '' && !SUSPECT.test(piece)) return piece;
    const text = this.#held + piece;
    this.#held = '';
    let safe = '';
    for (let at = 0; at < text.length; at += 1) {
      const code = text.charCodeAt(at);
      if (code >= 0xd800 && code <= 0xdbff) {
        if (at + 1 === text.length) {
          this.#held = text.slice(at);
          break;
        }
        const next = text.charCodeAt(at + 1);
        if (next >= 0xdc00 && next <= 0xdfff) {
          safe += this.#take(text.codePointAt(at) ?? 0);
          at += 1;
          continue;
        }
      }
      if (code === 0x0d && this.#state === 'text') {
        if (at + 1 === text.length) {
          this.#held = '\r';
          break;
        }
        safe += text.charCodeAt(at + 1) === 0x0a ? '' : '\n';
        continue;
      }
      safe += this.#take(code);
    }
    return safe;
  }

  /** What was held back; the text is over. */
  end(): string {
    const held = this.#held;
    this.#held = '';
    const in_text = this.#state === 'text';
    this.#state = 'text';
    if (held === '\r') return '\n';
    return held !== '' && in_text ? '\ufffd' : '';
  }

  #take(code: number): string {
    switch (this.#state) {
      case 'text':
        return this.#inText(code);
      case 'escape':
        return this.#afterEscape(code);
      case 'intermediate':
        if (code >= 0x20 && code <= 0x2f) return '';
        this.#state = 'text';
        return code >= 0x30 && code <= 0x7e ? '' : this.#inText(code);
      case 'csi':
        return this.#inCsi(code);
      case 'string':
        return this.#inString(code);
      case 'string_escape':
        // ESC \ ends the string; any other ESC ends it too and begins a sequence of its own.
        this.#state = 'text';
        return code === 0x5c ? '' : this.#afterEscape(code);
    }
  }

  #inText(code: number): string {
    if (code === 0x1b) return this.#enter('escape');
    if (code === 0x9b) return this.#enter('csi');
    if (code === 0x90 || code === 0x98 || (code >= 0x9d && code <= 0x9f)) return this.#enter('string');
    if (code >= 0xd800 && code <= 0xdfff) return '\ufffd';
    if (code === 0x2028 || code === 0x2029 || code === 0x85) return '\n';
    return isPrintable(code) ? String.fromCodePoint(code) : '';
  }

  #afterEscape(code: number): string {
    this.#state = 'text';
    if (code === 0x5b) return this.#enter('csi');
    if (code === 0x50 || code === 0x58 || (code >= 0x5d && code <= 0x5f)) return this.#enter('string');
    if (code >= 0x20 && code <= 0x2f) return this.#enter('intermediate');
    if (code >= 0x30 && code <= 0x7e) return '';
    return this.#inText(code);
  }

  #inCsi(code: number): string {
    this.#length += 1;
    if (code >= 0x20 && code <= 0x3f && this.#length <= MAX_SEQUENCE_CHARS) return '';
    this.#state = 'text';
    return code >= 0x40 && code <= 0x7e ? '' : this.#inText(code);
  }

  #inString(code: number): string {
    this.#length += 1;
    if (code === 0x1b) {
      this.#state = 'string_escape';
      return '';
    }
    if (code === 0x07 || code === 0x9c || code === 0x18 || code === 0x1a) {
      this.#state = 'text';
      return '';
    }
    // A line's end ends it as well, so that an unfinished sequence cannot swallow the rest of a story.
    if (code !== 0x0a && code !== 0x0d && this.#length <= MAX_SEQUENCE_CHARS) return '';
    this.#state = 'text';
    return code === 0x0d ? '\n' : this.#inText(code);
  }

  #enter(state: State): string {
    this.#state = state;
    this.#length = 0;
    return '';
  }
}

function isPrintable(code: number): boolean {
  if (code === 0x09 || code === 0x0a) return true;
  if (code < 0x20 || (code >= 0x7f && code <= 0xa0)) return code === 0xa0;
  return !HIDDEN.some(([first, last]) => code >= first && code <= last);
}

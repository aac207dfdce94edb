/**
 * Keys from the bytes of a terminal in raw mode. Contract:
 * - the same keys come out however the bytes are cut into chunks, also inside a character or an escape sequence;
 * - what is pasted (bracketed paste) is one `paste`, never keys; an answer of the terminal, or a key that is not known, is `other`, never its letters;
 * - a lone Esc cannot be told from the beginning of a sequence: it waits until `flush`, which is called when nothing came for a while (`waits`).
 */

/** Keys with a name. `other`: one that means nothing here. */
export type KeyName =
  | 'up'
  | 'down'
  | 'left'
  | 'right'
  | 'page_up'
  | 'page_down'
  | 'home'
  | 'end'
  | 'delete'
  | 'enter'
  | 'tab'
  | 'backspace'
  | 'escape'
  | 'ctrl_c'
  | 'ctrl_l'
  | 'ctrl_u'
  | 'ctrl_w'
  | 'other';

/** One key, or one paste. `text` of a key is one character. */
export type Key =
  | { readonly type: 'text'; readonly text: string }
  | { readonly type: 'named'; readonly name: KeyName }
  | { readonly type: 'paste'; readonly text: string };

const ESC = '\u001b';
const PASTE_END = `${ESC}[201~`;
/** Most characters of one paste; the rest is dropped. */
const MAX_PASTE_CHARS = 1_000_000;
/** A sequence that is longer is none, in characters. */
const MAX_SEQUENCE_CHARS = 4096;

/** See the top of this file. */
export class KeyDecoder {
  readonly #bytes = new TextDecoder();
  /** What came and is not complete. */
  #rest = '';
  /** The text of a paste that goes on. */
  #paste: string | null = null;
  /** A lone Esc was given; a sequence that it began may still come. */
  #after_escape = false;

  /** What the next bytes are needed for; null when all that came is decoded. */
  get waits(): 'escape' | 'paste' | null {
    if (this.#paste !== null) return 'paste';
    return this.#rest === '' ? null : 'escape';
  }

  /** The keys that this chunk completes. */
  push(chunk: Uint8Array | string): Key[] {
    const came = typeof chunk === 'string' ? chunk : this.#bytes.decode(chunk, { stream: true });
    const goes_on = this.#after_escape && /^[[O]/.test(came);
    if (came !== '') this.#after_escape = false;
    this.#rest = `${this.#rest}${goes_on ? ESC : ''}${came}`;
    const keys: Key[] = [];
    while (this.#rest !== '' && this.#step(keys));
    return keys;
  }

  /** Nothing came for a while: what waits is taken as it is. */
  flush(): Key[] {
    if (this.#paste !== null) {
      const text = this.#paste + this.#rest;
      this.#paste = null;
      this.#rest = '';
      return [{ type: 'paste', text }];
    }
    const rest = this.#rest;
    this.#rest = '';
    this.#after_escape = rest === ESC;
    if (rest === '') return [];
    return [named(rest === ESC ? 'escape' : 'other')];
  }

  /** Takes one key from the beginning of what came; false when more must come. */
  #step(keys: Key[]): boolean {
    if (this.#paste !== null) return this.#inPaste(keys);
    if (this.#rest.startsWith(ESC)) return this.#sequence(keys);
    const char = String.fromCodePoint(this.#rest.codePointAt(0) ?? 0);
    this.#rest = this.#rest.slice(char.length);
    keys.push(keyOf(char));
    return true;
  }

  #sequence(keys: Key[]): boolean {
    const found = SEQUENCE.exec(this.#rest);
    if (found === null) {
      if (BEGINNING.test(this.#rest) && this.#rest.length <= MAX_SEQUENCE_CHARS) return false;
      // None that a terminal would send: what does not belong to it counts again.
      const broken = /^\u001b[[O]?[\u0020-\u003f]*/.exec(this.#rest)?.[0] ?? ESC;
      this.#rest = this.#rest.slice(broken.length);
      keys.push(named('other'));
      return true;
    }
    const [whole] = found;
    if (whole === `${ESC}${ESC}`) {
      this.#rest = this.#rest.slice(1);
      keys.push(named('escape'));
      return true;
    }
    this.#rest = this.#rest.slice(whole.length);
    if (whole === `${ESC}[200~`) this.#paste = '';
    else if (whole !== PASTE_END) keys.push(named(SEQUENCES.get(plainSequence(whole)) ?? 'other'));
    return true;
  }

  #inPaste(keys: Key[]): boolean {
    const end = this.#rest.indexOf(PASTE_END);
    // The end may be cut: its beginning is kept back.
    const taken = end === -1 ? this.#rest.length - beginningAtEnd(this.#rest, PASTE_END) : end;
    this.#paste = `${this.#paste ?? ''}${this.#rest.slice(0, taken)}`.slice(0, MAX_PASTE_CHARS);
    if (end === -1) {
      this.#rest = this.#rest.slice(taken);
      return false;
    }
    keys.push({ type: 'paste', text: this.#paste });
    this.#rest = this.#rest.slice(end + PASTE_END.length);
    this.#paste = null;
    return true;
  }
}

/** CSI, its form of the Linux console, SS3, strings (answers of the terminal), two Esc, and Alt with a character. */
const SEQUENCE =
  /^\u001b(?:\[\[[^]|\[[\u0020-\u003f]*[\u0040-\u005a\u005c-\u007e]|O[^\u001b]|[\]P_^X][^\u0007\u001b]*(?:\u0007|\u001b\\)|\u001b|[^[O\]P_^X\u001b])/u;
/** What may become one. */
const BEGINNING = /^\u001b(?:\[\[?[\u0020-\u003f]*|O|[\]P_^X][^\u0007\u001b]*\u001b?)?$/;

const SEQUENCES: ReadonlyMap<string, KeyName> = new Map<string, KeyName>([
  ['[A', 'up'],
  ['[B', 'down'],
  ['[C', 'right'],
  ['[D', 'left'],
  ['[H', 'home'],
  ['[F', 'end'],
  ['[1~', 'home'],
  ['[7~', 'home'],
  ['[4~', 'end'],
  ['[8~', 'end'],
  ['[3~', 'delete'],
  ['[5~', 'page_up'],
  ['[6~', 'page_down'],
  ['OM', 'enter'],
]);

/** Without Esc and modifiers; SS3 as the CSI that it stands for. */
function plainSequence(whole: string): string {
  const plain = whole.slice(1).replace(/^(\[\d*);\d+/, '$1');
  return plain.replace(/^\[1(?=[A-H])/, '[').replace(/^O(?=[A-DHF])/, '[');
}

const CONTROLS: Readonly<Record<string, KeyName>> = {
  '\u0001': 'home',
  '\u0003': 'ctrl_c',
  '\u0005': 'end',
  '\b': 'backspace',
  '\t': 'tab',
  '\n': 'enter',
  '\u000c': 'ctrl_l',
  '\r': 'enter',
  '\u0015': 'ctrl_u',
  '\u0017': 'ctrl_w',
  '\u007f': 'backspace',
};

function keyOf(char: string): Key {
  if (/[\u0000-\u001f\u007f-\u009f]/.test(char)) return named(CONTROLS[char] ?? 'other');
  return { type: 'text', text: char };
}

function named(name: KeyName): Key {
  return { type: 'named', name };
}

/** How many characters at the end of a text are the beginning of `what`. */
function beginningAtEnd(text: string, what: string): number {
  for (let count = Math.min(text.length, what.length - 1); count > 0; count -= 1) {
    if (what.startsWith(text.slice(-count))) return count;
  }
  return 0;
}

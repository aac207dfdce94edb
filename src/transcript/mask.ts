import { formsOf } from './mask-forms.js';

/** Values shorter than this are not masked: they would hide ordinary words. In characters. */
export const MIN_SECRET_LENGTH = 6;

/** Values of env files that are no secrets, and that would make a story hard to read if they were masked. */
const ORDINARY_VALUES: ReadonlySet<string> = new Set(
  'production development staging testing localhost 127.0.0.1 0.0.0.0 verbose warning enabled disabled default C.UTF-8 en_US.UTF-8 xterm-256color'.split(
    ' ',
  ),
);

/** Hides known secrets in text that people read. */
export interface Masker {
  /** The text with every secret, plain or encoded (see formsOf), replaced by `[masked:NAME]`. */
  mask(text: string): string;
  /** Masks text that comes in pieces: what might be the beginning of a secret is held back until more is known. `held`: what another one held back. */
  stream(held?: string): StreamMask;
}

/** Masks one text that comes in pieces; the pieces together are what `mask` makes of the whole. */
export interface StreamMask {
  /** What may be shown now. */
  push(text: string): string;
  /** What was held back; the text is over. */
  end(): string;
  /** What is held back now, unmasked: to go on with it later. */
  readonly held: string;
}

/** A masker for the values given, by the name under which each is shown. Of two names with one value the first is shown. */
export function createMasker(secrets: Readonly<Record<string, string>>): Masker {
  const names = new Map<string, string>();
  for (const [name, value] of Object.entries(secrets)) {
    if (value.length < MIN_SECRET_LENGTH || ORDINARY_VALUES.has(value)) continue;
    for (const form of formsOf(value)) if (!names.has(form)) names.set(form, name);
  }
  if (names.size === 0) return { mask: (text) => text, stream: (held) => new NoMask(held) };
  const forms = new SecretForms(names);
  return { mask: (text) => forms.mask(text, true).shown, stream: (held) => new HoldingMask(forms, held) };
}

/** All forms of all secrets, and where they are in a text. */
class SecretForms {
  readonly #names: ReadonlyMap<string, string>;
  readonly #pattern: RegExp;
  readonly #longest: number;
  /** Forms by their first character. */
  readonly #byFirst = new Map<string, string[]>();

  constructor(names: ReadonlyMap<string, string>) {
    this.#names = names;
    // Of forms that begin at one place the longest is taken.
    const forms = [...names.keys()].sort((a, b) => b.length - a.length);
    this.#longest = forms[0]?.length ?? 0;
    this.#pattern = new RegExp(forms.map((form) => form.replaceAll(/[.*+?^${}()|[\]\\/-]/g, '\\$&')).join('|'), 'g');
    for (const form of forms) {
      const first = form.charAt(0);
      this.#byFirst.set(first, [...(this.#byFirst.get(first) ?? []), form]);
    }
  }

  /** Masks a text; one that is not `over` only as far as more text could not change it. */
  mask(text: string, over: boolean): { readonly shown: string; readonly held: string } {
    if (over) return { shown: text.replace(this.#pattern, (form) => this.#placeholder(form)), held: '' };
    let shown = '';
    let at = 0;
    for (;;) {
      this.#pattern.lastIndex = at;
      const found = this.#pattern.exec(text);
      const open = this.#opensAt(text, at, found === null ? text.length - 1 : found.index);
      if (open !== -1) return { shown: shown + text.slice(at, open), held: text.slice(open) };
      if (found === null) return { shown: shown + text.slice(at), held: '' };
      shown += text.slice(at, found.index) + this.#placeholder(found[0]);
      at = found.index + found[0].length;
    }
  }

  /** The first place from `from` to `to` from which the text to its end is the beginning, and not all, of a form; -1 where there is none. */
  #opensAt(text: string, from: number, to: number): number {
    for (let at = Math.max(from, text.length - this.#longest + 1); at <= to; at += 1) {
      const candidates = this.#byFirst.get(text.charAt(at));
      if (candidates === undefined) continue;
      const rest = text.length - at;
      if (candidates.some((form) => form.length > rest && form.startsWith(text.slice(at)))) return at;
    }
    return -1;
  }

  #placeholder(form: string): string {
    return `[masked:${this.#names.get(form) ?? 'secret'}]`;
  }
}

/** Holds nothing back, but what one that knew secrets had held back. */
class NoMask implements StreamMask {
  held: string;

  constructor(held = '') {
    this.held = held;
  }

  push(text: string): string {
    return this.end() + text;
  }

  end(): string {
    const { held } = this;
    this.held = '';
    return held;
  }
}

class HoldingMask implements StreamMask {
  readonly #forms: SecretForms;
  #held: string;

  constructor(forms: SecretForms, held = '') {
    this.#forms = forms;
    this.#held = held;
  }

  get held(): string {
    return this.#held;
  }

  push(text: string): string {
    const { shown, held } = this.#forms.mask(this.#held + text, false);
    this.#held = held;
    return shown;
  }

  end(): string {
    const { shown } = this.#forms.mask(this.#held, true);
    this.#held = '';
    return shown;
  }
}

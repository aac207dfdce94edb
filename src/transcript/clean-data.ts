import type { Masker } from './mask.js';

/** Longest text of one entry, and most text in its data, in characters; the rest is in the journal. */
export const MAX_ENTRY_TEXT = 1024 * 1024;
/** Most elements of one list, and most fields of one object, in an entry's data. */
export const MAX_DATA_ENTRIES = 10_000;

/** The text without secrets; a long one is cut, which is said. */
export function cleanText(text: string, masker: Masker): string {
  return cut(masker.mask(text), MAX_ENTRY_TEXT);
}

/** A value without secrets, names of fields included, its text bounded in sum. */
export function cleanData(data: Readonly<Record<string, unknown>>, masker: Masker): Record<string, unknown> {
  return new Cleaning(masker).record(data);
}

class Cleaning {
  readonly #masker: Masker;
  #left = MAX_ENTRY_TEXT;

  constructor(masker: Masker) {
    this.#masker = masker;
  }

  record(data: object): Record<string, unknown> {
    const clean: Record<string, unknown> = {};
    let count = 0;
    for (const [key, value] of Object.entries(data)) {
      if ((count += 1) > MAX_DATA_ENTRIES) break;
      // A field of that name would not be one.
      if (key !== '__proto__') clean[this.#text(key)] = this.#value(value);
    }
    return clean;
  }

  #value(value: unknown): unknown {
    if (typeof value === 'string') return this.#text(value);
    if (typeof value !== 'object' || value === null) return value;
    if (Array.isArray(value)) return value.slice(0, MAX_DATA_ENTRIES).map((one) => this.#value(one));
    return this.record(value);
  }

  #text(text: string): string {
    const clean = cut(this.#masker.mask(text), Math.max(this.#left, 0));
    this.#left -= clean.length;
    return clean;
  }
}

function cut(text: string, max_chars: number): string {
  if (text.length <= max_chars) return text;
  const kept = text.slice(0, max_chars).replace(/[\ud800-\udbff]$/, '');
  return `${kept}… (${text.length - kept.length} more characters are in the journal)`;
}

/** Values shorter than this are not masked: they would hide ordinary words. */
export const MIN_SECRET_LENGTH = 6;

/** Hides known secrets in text that people read. */
export interface Masker {
  /** The text with every secret, plain, base64 or URL-encoded, replaced by `[masked:NAME]`. */
  mask(text: string): string;
  /** Masks text that comes in pieces: what might be the beginning of a secret is held back until more is known. */
  stream(): StreamMask;
}

/** Masks one text that comes in pieces. */
export interface StreamMask {
  /** What may be shown now. */
  push(text: string): string;
}

/** A masker for the values given, by the name under which each is shown. */
export function createMasker(secrets: Readonly<Record<string, string>>): Masker {
  const names = new Map<string, string>();
  for (const [name, value] of Object.entries(secrets)) {
    if (value.length < MIN_SECRET_LENGTH) continue;
    for (const form of formsOf(value)) if (!names.has(form)) names.set(form, name);
  }
  if (names.size === 0) return { mask: (text) => text, stream: () => ({ push: (text) => text }) };
  const forms = [...names.keys()].sort((a, b) => b.length - a.length);
  const pattern = new RegExp(forms.map((form) => form.replaceAll(/[.*+?^${}()|[\]\\/]/g, '\\$&')).join('|'), 'g');
  const mask = (text: string): string => text.replace(pattern, (found) => `[masked:${names.get(found) ?? 'secret'}]`);
  return { mask, stream: () => new HoldingMask(mask, forms) };
}

/** The value as it may appear: plain, percent-encoded, JSON-escaped, and inside base64 at each of the three alignments. */
function formsOf(value: string): readonly string[] {
  const bytes = Buffer.from(value, 'utf8');
  const escaped = JSON.stringify(value).slice(1, -1);
  const forms = [value, encodeURIComponent(value), escaped, bytes.toString('hex')];
  for (let shift = 0; shift < 3; shift += 1) {
    const padded = Buffer.concat([Buffer.alloc(shift), bytes]);
    const whole = padded.subarray(0, padded.length - (padded.length % 3)).toString('base64');
    // The first characters mix with what stands before the value.
    const core = whole.slice(shift === 0 ? 0 : 4);
    if (core.length >= MIN_SECRET_LENGTH + 2) forms.push(core, core.replaceAll('+', '-').replaceAll('/', '_'));
  }
  return [...new Set(forms)];
}

class HoldingMask implements StreamMask {
  readonly #mask: (text: string) => string;
  readonly #forms: readonly string[];
  readonly #longest: number;
  #held = '';

  constructor(mask: (text: string) => string, forms: readonly string[]) {
    this.#mask = mask;
    this.#forms = forms;
    this.#longest = Math.max(...forms.map((form) => form.length));
  }

  push(text: string): string {
    const masked = this.#mask(this.#held + text);
    const keep = this.#beginningOfSecret(masked);
    this.#held = masked.slice(masked.length - keep);
    return masked.slice(0, masked.length - keep);
  }

  /** Length of the longest end of the text that is the beginning of a secret. */
  #beginningOfSecret(text: string): number {
    for (let length = Math.min(this.#longest - 1, text.length); length > 0; length -= 1) {
      const end = text.slice(text.length - length);
      if (this.#forms.some((form) => form.startsWith(end))) return length;
    }
    return 0;
  }
}

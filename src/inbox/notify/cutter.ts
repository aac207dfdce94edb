/** How much of free text is kept. */
export interface CutLimit {
  /** Characters (UTF-16 units) of one text. */
  readonly chars: number;
  /** Characters of all texts together. */
  readonly all_chars: number;
  /** Values in one list or mapping, counted all the way down. */
  readonly values: number;
}

/** Cuts what is too long, and knows whether it had to. */
export interface Cutter {
  text(text: string): string;
  /** The first texts of a list, each cut. */
  texts(texts: readonly string[]): string[];
  /** A mapping as JSON has it, cut all the way down; what JSON does not know becomes null. */
  record(value: Readonly<Record<string, unknown>>): Record<string, unknown>;
  /** Whether anything was left out. */
  readonly cut: boolean;
}

/** Deeper than this nothing is kept: nobody reads it, and a circle would have no end. */
const MAX_DEPTH = 12;

/** A cutter for one document. Long texts end in `… (123 more characters)`, long lists and mappings in `… (123 more)`. */
export function cutter(limit: CutLimit): Cutter {
  let cut = false;
  let left_chars = limit.all_chars;

  function text(whole: string): string {
    const most = Math.min(limit.chars, left_chars);
    left_chars -= Math.min(whole.length, most);
    if (whole.length <= most) return whole;
    cut = true;
    const last = whole.charCodeAt(most - 1);
    // Half a pair is no character.
    const end = last >= 0xd800 && last <= 0xdbff ? most - 1 : most;
    return `${whole.slice(0, end)}… (${whole.length - end} more characters)`;
  }

  function texts(whole: readonly string[]): string[] {
    if (whole.length > limit.values) cut = true;
    return whole.slice(0, limit.values).map(text);
  }

  function record(whole: Readonly<Record<string, unknown>>): Record<string, unknown> {
    return mapping(whole, { values: limit.values }, 0);
  }

  function mapping(whole: object, left: { values: number }, depth: number): Record<string, unknown> {
    const entries = Object.entries(whole);
    const kept: [string, unknown][] = [];
    for (const [key, part] of entries) {
      if (left.values <= 0) break;
      kept.push([text(key), value(part, left, depth + 1)]);
    }
    const more = entries.length - kept.length;
    if (more > 0) {
      cut = true;
      kept.push(['…', `${more} more`]);
    }
    return Object.fromEntries(kept);
  }

  function list(whole: readonly unknown[], left: { values: number }, depth: number): unknown[] {
    const kept: unknown[] = [];
    for (const part of whole) {
      if (left.values <= 0) break;
      kept.push(value(part, left, depth + 1));
    }
    const more = whole.length - kept.length;
    if (more > 0) {
      cut = true;
      kept.push(`… (${more} more)`);
    }
    return kept;
  }

  function value(whole: unknown, left: { values: number }, depth: number): unknown {
    left.values -= 1;
    if (typeof whole === 'string') return text(whole);
    if (typeof whole === 'number' || typeof whole === 'boolean') return whole;
    if (typeof whole !== 'object' || whole === null) return null;
    if (depth >= MAX_DEPTH) {
      cut = true;
      return '…';
    }
    return Array.isArray(whole) ? list(whole, left, depth) : mapping(whole, left, depth);
  }

  return {
    text,
    texts,
    record,
    get cut() {
      return cut;
    },
  };
}

import { isAlias, isMap, isScalar, isSeq, type Pair, type Scalar, type YAMLMap } from 'yaml';
import type { Findings } from './diagnostic.js';
import type { Located, LocatedEntry, LocatedMap } from './located.js';
import { lineOf, type Place, type SourceText } from './source-text.js';

/** Values of a manifest after aliases are followed; an alias bomb ends here. */
export const MAX_VALUES = 100_000;
/** A list that holds itself through an alias is found by this depth at the latest. */
const MAX_ALIAS_DEPTH = 100;

const PLAIN_TAGS = new Set([
  '!',
  ...['str', 'int', 'float', 'bool', 'null', 'map', 'seq'].map((name) => `tag:yaml.org,2002:${name}`),
]);
const NOTHING = { kind: 'scalar', value: null, inner_offset: undefined } as const;
const BROKEN = { ...NOTHING, broken: true } as const;

/**
 * The parsed document as values that know their places. Follows aliases and `<<`, both bounded. Mistakes: a key twice in a mapping, a
 * key that is not text, an unknown tag or alias, `<<` with something else than mappings. Undefined when it grows past the bounds.
 */
export function locateDocument(contents: unknown, source: SourceText, findings: Findings): Located | undefined {
  const reader = new Reader(source, findings);
  const located = reader.read(contents, 0);
  return reader.overflowed ? undefined : located;
}

class Reader {
  readonly #source: SourceText;
  readonly #findings: Findings;
  readonly #anchors = new Map<string, unknown>();
  readonly #open = new Set<unknown>();
  #count = 0;
  #inAlias = 0;
  overflowed = false;

  constructor(source: SourceText, findings: Findings) {
    this.#source = source;
    this.#findings = findings;
  }

  read(node: unknown, depth: number): Located {
    const place = this.#placeOf(node);
    this.#count += 1;
    if (this.overflowed) return { ...BROKEN, place };
    if (this.#count > MAX_VALUES || depth > MAX_ALIAS_DEPTH) {
      this.overflowed = true;
      this.#findings.mistake(place, {
        message: `aliases make the file grow past ${MAX_VALUES} values`,
        hint: 'write the repeated part once, under defaults',
      });
      return { ...BROKEN, place };
    }
    if (isAlias(node)) return this.#readAlias(node.source, place, depth);
    this.#refuseTag(node, place);
    if (this.#inAlias === 0 && hasAnchor(node)) this.#anchors.set(node.anchor, node);
    this.#open.add(node);
    const located = this.#readNode(node, place, depth);
    this.#open.delete(node);
    return located;
  }

  #readNode(node: unknown, place: Place, depth: number): Located {
    if (isMap(node)) return this.#readMap(node, place, depth);
    if (isSeq(node)) return { kind: 'list', items: node.items.map((item) => this.read(item, depth + 1)), place };
    if (isScalar(node)) return this.#readScalar(node, place);
    return { ...NOTHING, place };
  }

  #readAlias(name: string, place: Place, depth: number): Located {
    const target = this.#anchors.get(name);
    if (target === undefined || this.#open.has(target)) {
      this.#findings.mistake(
        place,
        target === undefined
          ? { message: `*${name} refers to nothing`, hint: `mark the value to repeat with &${name}, above this line` }
          : { message: `*${name} stands inside the value that it refers to`, hint: 'a value cannot hold itself' },
      );
      return { ...BROKEN, place };
    }
    this.#inAlias += 1;
    const located = this.read(target, depth + 1);
    this.#inAlias -= 1;
    return located;
  }

  #readScalar(node: Scalar, place: Place): Located {
    const value: unknown = node.value;
    if (typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean' || value === null) {
      return {
        kind: 'scalar',
        value,
        place,
        inner_offset: this.#innerOffset(value, place.offset),
        written: node.source,
      };
    }
    // Only a refused tag gives something else (bytes, a date): it has been said.
    return { ...BROKEN, place };
  }

  #innerOffset(value: unknown, offset: number | undefined): number | undefined {
    if (typeof value !== 'string' || value === '' || offset === undefined) return undefined;
    return [offset, offset + 1].find((at) => this.#source.text.startsWith(value, at));
  }

  #readMap(node: YAMLMap, place: Place, depth: number): LocatedMap {
    const entries = new Map<string, LocatedEntry>();
    const merged: LocatedMap[] = [];
    for (const pair of node.items) {
      const key = this.#readKey(pair);
      if (key === undefined) continue;
      const value = pair.value === null ? { ...NOTHING, place: key.place } : this.read(pair.value, depth + 1);
      if (key.merges) {
        merged.push(...this.#mergeable(value));
        continue;
      }
      const first = entries.get(key.name);
      if (first === undefined) entries.set(key.name, { key: key.place, value });
      else this.#sayTwice(key.name, key.place, first.key);
    }
    for (const map of merged) {
      for (const [key, entry] of map.entries) if (!entries.has(key)) entries.set(key, entry);
    }
    return { kind: 'map', entries, place };
  }

  #readKey(pair: Pair): { name: string; place: Place; merges: boolean } | undefined {
    const { key } = pair;
    const place = this.#placeOf(key);
    if (!isScalar(key) || key.value === null || typeof key.value === 'object') {
      this.#findings.mistake(place, { message: 'a key must be plain text', expected: 'name: value' });
      return undefined;
    }
    this.#refuseTag(key, place);
    const name = typeof key.value === 'string' ? key.value : (key.source ?? JSON.stringify(key.value));
    if (name === '__proto__') {
      this.#findings.mistake(place, { message: '"__proto__" cannot be a key', hint: 'take another name' });
      return undefined;
    }
    return { name, place, merges: name === '<<' && key.type === 'PLAIN' };
  }

  #mergeable(value: Located): LocatedMap[] {
    const parts = value.kind === 'list' ? value.items : [value];
    return parts.flatMap((part) => {
      if (part.kind === 'map') return [part];
      this.#findings.mistake(part.place, {
        message: '<< merges mappings only',
        expected: '<<: *name, or <<: [*one, *other]',
      });
      return [];
    });
  }

  #sayTwice(name: string, place: Place, first: Place): void {
    this.#findings.mistake(place, {
      message: `"${name}" is given twice in this mapping`,
      hint: `keep one; the first is on line ${lineOf(this.#source, first.offset ?? 0)}`,
    });
  }

  #refuseTag(node: unknown, place: Place): void {
    if (typeof node !== 'object' || node === null || !('tag' in node)) return;
    const { tag } = node;
    if (typeof tag !== 'string' || PLAIN_TAGS.has(tag)) return;
    const shown = tag.startsWith('tag:yaml.org,2002:') ? `!!${tag.slice('tag:yaml.org,2002:'.length)}` : tag;
    this.#findings.mistake(place, {
      message: `the tag ${shown} is not known here`,
      hint: 'remove it: only text, numbers, lists and mappings are read',
    });
  }

  #placeOf(node: unknown): Place {
    const hasRange = typeof node === 'object' && node !== null && 'range' in node && Array.isArray(node.range);
    const start: unknown = hasRange ? (node.range as unknown[])[0] : undefined;
    return { source: this.#source, offset: typeof start === 'number' ? start : undefined };
  }
}

function hasAnchor(node: unknown): node is { anchor: string } {
  return typeof node === 'object' && node !== null && 'anchor' in node && typeof node.anchor === 'string';
}

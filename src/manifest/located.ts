import type { Place } from './source-text.js';

/** A value of a manifest that knows where it was written. Aliases and merge keys are already followed. */
export type Located = LocatedScalar | LocatedList | LocatedMap;

/** Text, number, true/false or nothing. */
export interface LocatedScalar {
  readonly kind: 'scalar';
  readonly value: string | number | boolean | null;
  readonly place: Place;
  /** Offset of the value's first character, when the file holds the value letter by letter. */
  readonly inner_offset: number | undefined;
  /** How a number or true/false was written. */
  readonly written?: string | undefined;
  /** It stands for something that could not be read; that has been said. */
  readonly broken?: true;
}

/** A list. */
export interface LocatedList {
  readonly kind: 'list';
  readonly items: readonly Located[];
  readonly place: Place;
}

/** A mapping; each entry also knows where its key is. */
export interface LocatedMap {
  readonly kind: 'map';
  readonly entries: ReadonlyMap<string, LocatedEntry>;
  readonly place: Place;
}

/** One entry of a mapping. */
export interface LocatedEntry {
  readonly key: Place;
  readonly value: Located;
}

/** The way to a value: keys and list indices. */
export type Path = readonly (string | number)[];

/** The value without its places. */
export function plain(node: Located): unknown {
  switch (node.kind) {
    case 'scalar':
      return node.value;
    case 'list':
      return node.items.map(plain);
    case 'map':
      return Object.fromEntries([...node.entries].map(([key, entry]) => [key, plain(entry.value)]));
  }
}

/** The value at a path, or undefined. */
export function valueAt(node: Located, path: Path): Located | undefined {
  let at: Located | undefined = node;
  for (const step of path) {
    if (at?.kind === 'map') at = at.entries.get(String(step))?.value;
    else if (at?.kind === 'list' && typeof step === 'number') at = at.items[step];
    else return undefined;
  }
  return at;
}

/** Where the value at a path is written, or the nearest thing above it that is written. */
export function placeAt(node: Located, path: Path): Place {
  for (let length = path.length; length > 0; length -= 1) {
    const found = valueAt(node, path.slice(0, length));
    if (found !== undefined) return found.place;
  }
  return node.place;
}

/** Where the key of the last step of a path is written, or the place of its value. */
export function keyPlaceAt(node: Located, path: Path): Place {
  const parent = valueAt(node, path.slice(0, -1));
  const key = path.at(-1);
  if (parent?.kind === 'map' && key !== undefined) {
    const entry = parent.entries.get(String(key));
    if (entry !== undefined) return entry.key;
  }
  return placeAt(node, path);
}

/** `upper` over `lower`: mappings are merged key by key, everything else (lists too) is replaced. */
export function mergeOver(lower: LocatedMap, upper: LocatedMap): LocatedMap {
  const entries = new Map(lower.entries);
  for (const [key, entry] of upper.entries) {
    const below = entries.get(key)?.value;
    const value = below?.kind === 'map' && entry.value.kind === 'map' ? mergeOver(below, entry.value) : entry.value;
    entries.set(key, { key: entry.key, value });
  }
  return { kind: 'map', entries, place: upper.place };
}

/** Without the entries whose value is nothing (`goal:`), which says "not given"; values at `keep` (dotted paths) stay as they are. */
export function withoutNothing(map: LocatedMap, keep: ReadonlySet<string>, path = ''): LocatedMap {
  const entries = new Map<string, LocatedEntry>();
  for (const [key, entry] of map.entries) {
    const here = path === '' ? key : `${path}.${key}`;
    const { value } = entry;
    if (value.kind === 'scalar' && value.value === null) continue;
    const below = value.kind === 'map' && !keep.has(here) ? withoutNothing(value, keep, here) : value;
    entries.set(key, { key: entry.key, value: below });
  }
  return { ...map, entries };
}

/** `{name}`, but neither bash's `${name}` nor just's `{{name}}`. */
const PLACEHOLDER = /(?<![${])\{([A-Za-z_][A-Za-z0-9_-]*)\}(?!\})/g;

/** The names in `{braces}` of a text, in the order of their first appearance. */
export function placeholdersOf(text: string): string[] {
  return [...new Set([...text.matchAll(PLACEHOLDER)].flatMap(([, name]) => name ?? []))];
}

/** The same of every text in a value. */
export function placeholdersIn(value: unknown): string[] {
  if (typeof value === 'string') return placeholdersOf(value);
  if (typeof value !== 'object' || value === null) return [];
  return [...new Set(Object.values(value).flatMap(placeholdersIn))];
}

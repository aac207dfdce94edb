/** What `{{name}}` in a script stands for. Digits are captures of the part's `matches`, 0 the whole match. */
export const VARIABLES = ['agent', 'role', 'text', 'turn', 'last_output'] as const;

/** Values by name; a name that is missing is left empty. */
export type Values = Readonly<Record<string, string>>;

const VARIABLE = /(\\?)\{\{(\w+)\}\}/g;
const PLAIN_WORD = /^[\w@%+=:,./-]+$/;

/** The text with every `{{name}}` replaced; `\{{name}}` stays, without its backslash. */
export function fill(text: string, values: Values): string {
  return text.replace(VARIABLE, (whole, escaped: string, name: string) =>
    escaped ? whole.slice(1) : (values[name] ?? ''),
  );
}

/** Like `fill`, for a command line: each value goes in as one shell word, so that no message can change what the command does. */
export function fillCommand(text: string, values: Values): string {
  return text.replace(VARIABLE, (whole, escaped: string, name: string) =>
    escaped ? whole.slice(1) : shellWord(values[name] ?? ''),
  );
}

/** Like `fill`, for every string inside a JSON value. */
export function fillDeep(value: unknown, values: Values): unknown {
  if (typeof value === 'string') return fill(value, values);
  if (Array.isArray(value)) return value.map((entry) => fillDeep(entry, values));
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, entry]) => [key, fillDeep(entry, values)]));
}

/** The names used in a text, without the escaped ones. */
export function variablesIn(text: string): string[] {
  return [...text.matchAll(VARIABLE)].flatMap(([, escaped, name]) => (escaped || name === undefined ? [] : [name]));
}

function shellWord(value: string): string {
  return PLAIN_WORD.test(value) ? value : `'${value.replaceAll("'", String.raw`'\''`)}'`;
}

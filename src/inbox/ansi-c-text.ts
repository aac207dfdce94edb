const NAMED: Readonly<Record<string, string>> = {
  a: '\u0007',
  b: '\b',
  e: '\u001b',
  E: '\u001b',
  f: '\f',
  n: '\n',
  r: '\r',
  t: '\t',
  v: '\v',
  '\\': '\\',
  "'": "'",
  '"': '"',
  '?': '?',
};
const ESCAPE =
  /\\(?:x(?<hex>[0-9A-Fa-f]{1,2})|u(?<short>[0-9A-Fa-f]{1,4})|U(?<long>[0-9A-Fa-f]{1,8})|(?<octal>[0-7]{1,3})|c(?<control>.)|(?<named>.))/gsu;

/** What bash makes of the inside of `$'…'`; null where an escape is none that it knows, or makes no character. */
export function ansiCText(inside: string): string | null {
  const characters: (string | null)[] = [];
  const text = inside.replaceAll(ESCAPE, (_, ...rest: readonly unknown[]) => {
    const found = rest.at(-1) as Readonly<Record<string, string | undefined>>;
    const char = characterOf(found);
    characters.push(char);
    return char ?? '';
  });
  // A NUL ends the string there, and what follows is something else than it looks like.
  return characters.includes(null) || characters.includes('\0') ? null : text;
}

function characterOf(found: Readonly<Record<string, string | undefined>>): string | null {
  const { hex, short, long, octal, control, named } = found;
  const sixteen = hex ?? short ?? long;
  if (sixteen !== undefined) return fromCode(Number.parseInt(sixteen, 16));
  if (octal !== undefined) return fromCode(Number.parseInt(octal, 8) % 256);
  if (control !== undefined) return fromCode(control.charCodeAt(0) % 32);
  return named === undefined || !Object.hasOwn(NAMED, named) ? null : (NAMED[named] ?? null);
}

function fromCode(code: number): string | null {
  return code <= 0x10ffff ? String.fromCodePoint(code) : null;
}

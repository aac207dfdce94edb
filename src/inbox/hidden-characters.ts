/**
 * Control characters but tab and line feed, what is invisible, turns the direction of text, is a space that is not U+0020, is nobody's (private use,
 * half a surrogate pair), or is a letter without ink.
 */
const HIDDEN =
  /(?![\t\n ])[\p{Cc}\p{Cf}\p{Cs}\p{Co}\p{Z}\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180f\u2800\u3164\uffa0]/u;

/** The first character of a text that a person does not see, or does not see as what it is, like `U+200B`; null where all can be seen. */
export function hiddenCharacter(text: string): string | null {
  const found = HIDDEN.exec(text)?.[0];
  if (found === undefined) return null;
  return `U+${(found.codePointAt(0) ?? 0).toString(16).toUpperCase().padStart(4, '0')}`;
}

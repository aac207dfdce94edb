/**
 * The same JSON text in ASCII: every character above 0x7e as \uXXXX. Half a surrogate pair, plain or already written as an escape, becomes
 * U+FFFD: Codex skips a line that holds one without a word, and a message would be lost.
 */
export function asciiLine(json: string): string {
  // Surrogates matched with the `u` flag are lone ones: a pair is one character to it.
  const whole = json.replace(/\p{Surrogate}/gu, '\ufffd').replace(/[^\0-\x7e]/g, escape);
  return /\\u[dD][89a-fA-F]/.test(whole) ? whole.replace(ESCAPES, mend) : whole;
}

function escape(unit: string): string {
  return `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`;
}

/** A pair of surrogate escapes, a lone one, or any other escape (so that the backslash of `\\ud800` is not taken for the start of one). */
const ESCAPES = /\\u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}|\\u[dD][89a-fA-F][0-9a-fA-F]{2}|\\[^]/g;

function mend(found: string): string {
  return found.length === 6 ? '\\ufffd' : found;
}

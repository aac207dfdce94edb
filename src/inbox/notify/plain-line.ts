/** What is not shown or changes how others are shown: controls, escapes, bidirectional and invisible characters, half pairs, line ends. */
const UNSEEN =
  /[\p{C}\p{Zl}\p{Zp}\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180f\u3164\ufe00-\ufe0f\uffa0\u{e0100}-\u{e01ef}]+/gu;

/** One line of printable text without anything a program could obey: what is not printable becomes a space, and what is longer than `max_chars` ends in `…`. */
export function plainLine(text: string, max_chars: number): string {
  // Enough of a long text that spaces taken out leave enough, and no more: it may be megabytes.
  const head = text.slice(0, max_chars * 4);
  const line = head.replaceAll(UNSEEN, ' ').replaceAll(/\s+/g, ' ').trim();
  const chars = Array.from(line);
  if (chars.length <= max_chars && head.length === text.length) return line;
  return `${chars
    .slice(0, max_chars - 1)
    .join('')
    .trimEnd()}…`;
}

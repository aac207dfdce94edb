/** The text of a file, with what is needed to say where in it something is. */
export interface SourceText {
  /** Absolute path. */
  readonly file: string;
  readonly text: string;
  /** Offset of the first character of each line. */
  readonly line_starts: readonly number[];
  /** What may be shown of a line; must keep the columns before a place that is reported. */
  readonly shown: (line: string) => string;
}

/** One place of a file. `offset` is in UTF-16 units; undefined means the file as a whole. */
export interface Place {
  readonly source: SourceText;
  readonly offset: number | undefined;
}

/** Characters of a line that a diagnostic carries. */
const MAX_SHOWN_LINE_CHARS = 4096;

/** Prepares a file's text. `shown` hides what must not be repeated in a message; without it only passwords in addresses are hidden. */
export function sourceText(file: string, text: string, shown: (line: string) => string = hidePasswords): SourceText {
  const line_starts = [0];
  for (let at = text.indexOf('\n'); at !== -1; at = text.indexOf('\n', at + 1)) line_starts.push(at + 1);
  return { file, text, line_starts, shown };
}

/** File, line and column (both from 1; 0 and 0 for the file as a whole) and the line itself. */
export function placeIn(place: Place): { file: string; line: number; column: number; source_line: string } {
  const { source, offset } = place;
  if (offset === undefined) return { file: source.file, line: 0, column: 0, source_line: '' };
  const at = Math.min(Math.max(offset, 0), source.text.length);
  const line = lineOf(source, at);
  const start = source.line_starts[line - 1] ?? 0;
  const end = source.line_starts[line] ?? source.text.length;
  const whole = source.text.slice(start, end).replace(/\r?\n$/, '');
  return {
    file: source.file,
    line,
    column: at - start + 1,
    source_line: source.shown(whole).slice(0, MAX_SHOWN_LINE_CHARS),
  };
}

/** The line of an offset, from 1. */
export function lineOf(source: SourceText, offset: number): number {
  let low = 0;
  let high = source.line_starts.length;
  while (high - low > 1) {
    const middle = (low + high) >> 1;
    if ((source.line_starts[middle] ?? 0) <= offset) low = middle;
    else high = middle;
  }
  return low + 1;
}

function hidePasswords(line: string): string {
  return line.replaceAll(/(:\/\/)[^/@\s"']*@/g, '$1***@');
}

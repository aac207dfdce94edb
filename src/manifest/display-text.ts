/** A character as a terminal may show it, and how many columns it takes there. */
export interface DisplayCell {
  readonly text: string;
  readonly columns: number;
}

const TAB_COLUMNS = 4;
const ESCAPED = /[\p{Cc}\p{Cf}\p{Cs}\p{Co}\p{Cn}\p{Zl}\p{Zp}]/u;
const COMBINING = /\p{M}/u;
/** East Asian wide and fullwidth blocks, and emoji (Unicode 15, UAX 11), as pairs of first and last code point. */
const WIDE: readonly (readonly [number, number])[] = [
  [0x1100, 0x115f],
  [0x231a, 0x231b],
  [0x23e9, 0x23ec],
  [0x2e80, 0x303e],
  [0x3041, 0xa4cf],
  [0xa960, 0xa97f],
  [0xac00, 0xd7a3],
  [0xf900, 0xfaff],
  [0xfe30, 0xfe6f],
  [0xff00, 0xff60],
  [0xffe0, 0xffe6],
  [0x1f300, 0x1f64f],
  [0x1f680, 0x1f6ff],
  [0x1f900, 0x1faff],
  [0x20000, 0x3fffd],
];

/**
 * Text as cells for a terminal: tabs become spaces up to the next stop, characters that a terminal would obey or hide become `\u{…}`, wide ones
 * count two columns and combining ones none. Cell n is character n (of UTF-16 units, the second half of a pair is empty).
 */
export function displayCells(text: string): DisplayCell[] {
  const cells: DisplayCell[] = [];
  let column = 0;
  for (const character of text) {
    const cell = cellOf(character, column);
    column += cell.columns;
    cells.push(cell);
    if (character.length === 2) cells.push({ text: '', columns: 0 });
  }
  return cells;
}

/** Text that is safe on a terminal, on one line. */
export function safeText(text: string): string {
  return displayCells(text)
    .map((cell) => cell.text)
    .join('');
}

function cellOf(character: string, column: number): DisplayCell {
  if (character === '\t') return spaces(TAB_COLUMNS - (column % TAB_COLUMNS));
  const code = character.codePointAt(0) ?? 0;
  if (ESCAPED.test(character)) {
    const text = `\\u{${code.toString(16)}}`;
    return { text, columns: text.length };
  }
  if (COMBINING.test(character)) return { text: character, columns: 0 };
  return { text: character, columns: WIDE.some(([first, last]) => code >= first && code <= last) ? 2 : 1 };
}

function spaces(columns: number): DisplayCell {
  return { text: ' '.repeat(columns), columns };
}

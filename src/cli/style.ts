/** How a piece of text may look. The only escape sequences that the command line ever writes come from here. */
export type Style = 'bold' | 'dim' | 'red' | 'green' | 'yellow' | 'blue' | 'magenta' | 'cyan';

/** A piece of a line: plain, or styled. Its text may be anything; it is made safe when it is written. */
export type Span = string | { readonly text: string; readonly style: Style };

const SGR: Readonly<Record<Style, readonly [open: number, close: number]>> = {
  bold: [1, 22],
  dim: [2, 22],
  red: [31, 39],
  green: [32, 39],
  yellow: [33, 39],
  blue: [34, 39],
  magenta: [35, 39],
  cyan: [36, 39],
};

/** A styled piece. */
export function styled(style: Style, text: string): Span {
  return { text, style };
}

/** The plain text of a piece. */
export function textOf(span: Span): string {
  return typeof span === 'string' ? span : span.text;
}

/** Another text in the style of a piece. */
export function styledAs(span: Span, text: string): Span {
  return typeof span === 'string' ? text : { text, style: span.style };
}

/** Safe text wrapped in the style's own sequences. */
export function paint(style: Style, safe: string): string {
  const [open, close] = SGR[style];
  return `\u001b[${open}m${safe}\u001b[${close}m`;
}

/** Whether to colour: `NO_COLOR` forbids, `FORCE_COLOR` (not `0`) demands, else only a terminal that is not `dumb`. */
export function wantsColor(env: Readonly<Record<string, string | undefined>>, is_terminal: boolean): boolean {
  if ((env['NO_COLOR'] ?? '') !== '') return false;
  const force = env['FORCE_COLOR'];
  if (force !== undefined) return force !== '0' && force !== 'false';
  return is_terminal && env['TERM'] !== 'dumb';
}

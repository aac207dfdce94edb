import { styled, textOf, type Span } from '../style.js';

const INLINE =
  /`([^`]+)`|\*\*(.+?)\*\*|\[((?:`[^`]*`|[^\]])+)\]\(([^)]*)\)|\\([!-/:-@[-`{-~])|(?<![\w\\])_([^_]+)_(?!\w)/;

/** One text of Markdown as spans: code in colour, what is strong in bold, links as their text, with the address of those that lead out. */
export function inlineSpans(text: string): Span[] {
  const found = INLINE.exec(text);
  if (found === null) return text === '' ? [] : [text];
  const [whole, code, strong, link, address = '', escaped, stressed] = found;
  const before = text.slice(0, found.index);
  return [...(before === '' ? [] : [before]), ...inner(), ...inlineSpans(text.slice(found.index + whole.length))];

  function inner(): Span[] {
    if (code !== undefined) return [styled('cyan', code)];
    if (strong !== undefined) return inlineSpans(strong).map((span) => styled('bold', textOf(span)));
    if (link !== undefined) return [...inlineSpans(link), ...(/^https?:/.test(address) ? [` <${address}>`] : [])];
    return [escaped ?? stressed ?? ''];
  }
}

import type { Prompt } from '../../contract/session.js';
import { promptFields } from '../prompt-fields.js';
import { styled, type Span } from '../style.js';
import { wrapLine } from '../wrap-line.js';

/** Column of the values. */
const NAME_CHARS = 11;

/** The facts of a prompt in lines of at most so many columns; with `whole` all of them. */
export function detailLines(prompt: Prompt, columns: number, whole: boolean): Span[][] {
  const fields = promptFields(
    { ...prompt, decision: null },
    { detail: whole ? 'whole' : 'brief', full: whole, more: 'd shows all' },
  );
  return fields.flatMap(({ name, lines, is_exact }) =>
    lines
      .flatMap((line) => wrapLine(line, columns - NAME_CHARS, is_exact === true ? 'exact' : 'words'))
      .map((line, at): Span[] => [styled('dim', (at === 0 ? name : '').padEnd(NAME_CHARS)), ...line]),
  );
}

/** Keeps the lines of the prompt that was asked for last: one of a megabyte is wrapped once, not at every key. */
export class DetailCache {
  #of: readonly [prompt: Prompt, columns: number, whole: boolean] | undefined;
  #lines: readonly (readonly Span[])[] = [];

  lines(prompt: Prompt | undefined, columns: number, whole: boolean): readonly (readonly Span[])[] {
    if (prompt === undefined) return [];
    const [of, at, all] = this.#of ?? [];
    if (of !== prompt || at !== columns || all !== whole) {
      this.#of = [prompt, columns, whole];
      this.#lines = detailLines(prompt, columns, whole);
    }
    return this.#lines;
  }
}

import { showHidden } from '../../transcript/sanitize.js';
import { styled, type Span } from '../style.js';
import { displayWidth } from '../table.js';
import type { InboxMode } from './inbox-state.js';

/** Characters kept free for the text, however narrow the terminal is. */
const MIN_TEXT_COLUMNS = 8;

/** The line that is being typed, as much of it as fits around the cursor, and the cursor's column. A secret answer is shown as dots. */
export function renderInput(
  mode: Extract<InboxMode, { type: 'line' }>,
  columns: number,
): { readonly line: Span[]; readonly column: number } {
  const { prompt, purpose, line, over } = mode;
  const label =
    over !== null
      ? 'closed'
      : purpose === 'answer'
        ? `answer ${prompt.prompt_id}`
        : `reject ${prompt.prompt_id}, reason`;
  const room = columns - MIN_TEXT_COLUMNS - 2;
  const head = `${label.slice(0, Math.max(0, room))}: `;
  const show = isSecret(mode) ? (text: string): string => '•'.repeat(Array.from(text).length) : shownInLine;
  const width = columns - displayWidth(head) - 1;
  const before = lastColumns(show(line.text.slice(0, line.cursor)), width);
  return {
    line: [styled(over === null ? 'cyan' : 'red', head), before, show(line.text.slice(line.cursor)).slice(0, width)],
    column: displayWidth(head) + displayWidth(before),
  };
}

/** On one line: a newline that was pasted is shown as an arrow. */
function shownInLine(text: string): string {
  return showHidden(text.replaceAll('\n', '⏎').replaceAll('\t', ' '));
}

function isSecret({ prompt, purpose }: Extract<InboxMode, { type: 'line' }>): boolean {
  const { questions } = prompt.requested_action;
  if (purpose !== 'answer' || !Array.isArray(questions)) return false;
  return questions.some(
    (question: unknown) =>
      typeof question === 'object' && question !== null && 'secret' in question && question.secret === true,
  );
}

/** The end of a text, at most so many characters of display. */
function lastColumns(text: string, width: number): string {
  // No character is narrower than one column unless it combines: twice as many are more than enough to look at.
  const chars = Array.from(text.slice(-4 * width));
  let used = 0;
  let from = chars.length;
  while (from > 0) {
    const wide = displayWidth(chars[from - 1] ?? '');
    if (used + wide > width) break;
    used += wide;
    from -= 1;
  }
  return chars.slice(from).join('');
}

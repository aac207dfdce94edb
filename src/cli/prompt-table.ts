import type { Prompt } from '../contract/session.js';
import { showHidden } from '../transcript/sanitize.js';
import { sayAge, sayDuration } from './duration.js';
import { styled, type Span } from './style.js';
import { tableLines } from './table.js';
import { asksWords } from './asks-words.js';

/** Most characters of a summary that can be of use in a line. */
const SUMMARY_CHARS = 1000;

/** The inbox as a table; its answers are the words to type after `feedback`, or after `feedback answer PROMPT`. */
export function promptTable(
  prompts: readonly Prompt[],
  options: { readonly now_ms: number; readonly columns: number },
): Span[][] {
  const head = [
    { title: 'PROMPT' },
    { title: 'AGENT', shrink: true },
    { title: 'KIND' },
    { title: 'SEV' },
    { title: 'AGE', align: 'right' as const },
    { title: 'DEADLINE', align: 'right' as const },
    { title: 'ANSWERS', shrink: true },
    { title: 'ASKS', shrink: true },
  ];
  const rows = prompts.map((prompt): Span[] => [
    styled('yellow', prompt.prompt_id),
    styled('bold', prompt.id),
    prompt.kind,
    severitySpan(prompt),
    sayAge(prompt.created_at, options.now_ms),
    deadlineSpan(prompt, options.now_ms),
    prompt.kind === 'approval' ? 'approve, reject' : prompt.choices.join(', '),
    showHidden(asksWords(prompt).slice(0, SUMMARY_CHARS)),
  ]);
  return tableLines(head, rows, options.columns);
}

/** How much depends on a prompt: critical in red, info hardly to be seen. */
export function severitySpan(prompt: Pick<Prompt, 'severity'>): Span {
  const style = { info: 'dim', warning: 'yellow', critical: 'red' } as const;
  return styled(style[prompt.severity], prompt.severity);
}

/** How long there is to decide: `in 4m10s`, `overdue`, or `-`. */
export function deadlineSpan(prompt: Pick<Prompt, 'deadline'>, now_ms: number): Span {
  if (prompt.deadline === null) return styled('dim', '-');
  const left_ms = Date.parse(prompt.deadline) - now_ms;
  if (Number.isNaN(left_ms)) return prompt.deadline;
  return left_ms <= 0 ? styled('red', 'overdue') : styled('yellow', `in ${sayDuration(Math.max(1000, left_ms))}`);
}

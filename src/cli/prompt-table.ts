import type { Prompt } from '../contract/session.js';
import { showHidden } from '../transcript/sanitize.js';
import { sayAge } from './duration.js';
import { styled, type Span } from './style.js';
import { tableLines } from './table.js';

/** The inbox as a table; its answers are the words to type after `feedback`, or after `feedback answer PROMPT`. */
export function promptTable(
  prompts: readonly Prompt[],
  options: { readonly now_ms: number; readonly columns: number },
): Span[][] {
  const head = [
    { title: 'PROMPT' },
    { title: 'AGENT', shrink: true },
    { title: 'KIND' },
    { title: 'AGE', align: 'right' as const },
    { title: 'ANSWERS', shrink: true },
    { title: 'ASKS', shrink: true },
  ];
  const rows = prompts.map((prompt): Span[] => [
    styled('yellow', prompt.prompt_id),
    styled('bold', prompt.id),
    prompt.severity === 'critical' ? styled('red', prompt.kind) : prompt.kind,
    sayAge(prompt.created_at, options.now_ms),
    prompt.kind === 'approval' ? 'approve, reject' : prompt.choices.join(', '),
    showHidden(prompt.summary),
  ]);
  return tableLines(head, rows, options.columns);
}

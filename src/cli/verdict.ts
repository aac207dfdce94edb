import { FilareError } from '../contract/errors.js';
import type { Prompt } from '../contract/session.js';
import { showHidden } from '../transcript/sanitize.js';

/** What a person may decide about an approval. `cancel` also ends the turn. */
export type Verdict = 'approve' | 'reject' | 'cancel';

/**
 * The choice that a verdict is for a prompt. Where it is not offered, and for a question, which nobody can approve, it is `usage`. Rejecting what can only
 * be cancelled cancels it.
 */
export function choiceOf(prompt: Prompt, verdict: Verdict): string {
  if (prompt.kind === 'question') throw isQuestion(prompt, verdict);
  const choice = WANTED[verdict].find((word) => prompt.choices.includes(word));
  if (choice !== undefined) return choice;
  throw new FilareError({
    code: 'usage',
    message: `${prompt.prompt_id} of ${prompt.id} cannot be ${DONE[verdict]}: it takes ${prompt.choices.map(showHidden).join(', ')}`,
    hint: `filare-agents feedback show ${prompt.prompt_id}`,
    details: { prompt_id: prompt.prompt_id, choices: prompt.choices },
  });
}

const WANTED: Readonly<Record<Verdict, readonly string[]>> = {
  approve: ['accept'],
  reject: ['decline', 'cancel'],
  cancel: ['cancel'],
};

const DONE: Readonly<Record<Verdict, string>> = { approve: 'approved', reject: 'rejected', cancel: 'cancelled' };

function isQuestion(prompt: Prompt, verdict: Verdict): FilareError {
  const example = prompt.suggested_reply ?? prompt.choices[0] ?? 'TEXT';
  return new FilareError({
    code: 'usage',
    message: `${prompt.id} asks a question, which cannot be ${DONE[verdict]}: ${showHidden(prompt.summary)}`,
    hint: `filare-agents feedback answer ${prompt.prompt_id} ${/^[\w.-]+$/.test(example) ? example : 'TEXT'}`,
    details: { prompt_id: prompt.prompt_id, choices: prompt.choices },
  });
}

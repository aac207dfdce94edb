import type { Fleet } from '../client/fleet.js';
import { FilareError } from '../contract/errors.js';
import type { Prompt } from '../contract/session.js';

/** Which prompts: named, or all that match. */
export interface PromptFilter {
  readonly ids: readonly string[];
  readonly all?: true | undefined;
  /** Text in summary, command, category or agent id; case is ignored. */
  readonly match?: string | undefined;
  /** Of this agent or session. */
  readonly agent?: string | undefined;
}

/** The prompts that were chosen. */
export interface ChosenPrompts {
  /** As they were typed, or those that matched, oldest first. */
  readonly ids: readonly string[];
  readonly by_filter: boolean;
  /** Everything that is open. */
  readonly open: readonly Prompt[];
  /** Questions that matched: they are not for approving or rejecting. */
  readonly questions: readonly Prompt[];
}

/** Chooses prompts; nothing, or both names and a filter, is `usage`. */
export async function choosePrompts(fleet: Fleet, filter: PromptFilter): Promise<ChosenPrompts> {
  const { ids, all, match, agent } = filter;
  const by_filter = all === true || match !== undefined || agent !== undefined;
  if (by_filter === ids.length > 0) {
    throw new FilareError({
      code: 'usage',
      message: by_filter
        ? 'name prompts, or choose them with --all, --match and --agent, not both'
        : 'which prompt? Name one or more, or say --all, --match TEXT or --agent ID',
      hint: 'filare-agents feedback list shows them',
    });
  }
  if (!by_filter) return { ids: [...new Set(ids)], by_filter, open: await fleet.prompts(), questions: [] };
  const open = await fleet.prompts(agent);
  const matching = open.filter((prompt) => match === undefined || matches(prompt, match));
  return {
    ids: matching.filter((prompt) => prompt.kind === 'approval').map((prompt) => prompt.prompt_id),
    by_filter,
    open,
    questions: matching.filter((prompt) => prompt.kind === 'question'),
  };
}

function matches(prompt: Prompt, text: string): boolean {
  const { command, script } = prompt.requested_action;
  const wanted = text.toLowerCase();
  return [prompt.summary, prompt.id, command, script, ...prompt.categories].some(
    (part) => typeof part === 'string' && part.toLowerCase().includes(wanted),
  );
}

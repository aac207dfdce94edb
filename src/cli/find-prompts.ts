import type { Fleet } from '../client/fleet.js';
import { FilareError } from '../contract/errors.js';
import type { Prompt, PromptRecord } from '../contract/session.js';
import { closedFailure } from './decision-words.js';

/** The one that was meant: an exact id, or the only one that begins so; undefined when there is none, `usage` when there are several. */
export function meant<T>(things: readonly T[], id: string, idOf: (thing: T) => string, noun: string): T | undefined {
  const exact = things.find((thing) => idOf(thing) === id);
  const begun = things.filter((thing) => idOf(thing).startsWith(id));
  if (exact !== undefined || begun.length <= 1) return exact ?? begun[0];
  const candidates = begun.map(idOf);
  throw new FilareError({
    code: 'usage',
    message: `${id} is the beginning of ${begun.length} ${noun}s: ${candidates.join(', ')}`,
    hint: 'type more of it',
    details: { candidates },
  });
}

/**
 * A prompt by its id, or by a beginning that is unique among those that are `open`; one that is closed only by its id. `of_agent`: the command that takes
 * an agent's id instead, for who gave one.
 */
export async function findPrompt(
  fleet: Fleet,
  open: readonly Prompt[],
  id: string,
  of_agent = 'feedback list',
): Promise<PromptRecord> {
  const found = meant(open, id, (prompt) => prompt.prompt_id, 'prompt');
  if (found !== undefined) return { ...found, decision: null };
  try {
    return await fleet.prompt(id);
  } catch (error) {
    if (!(error instanceof FilareError && error.code === 'not_found')) throw error;
    throw new FilareError({
      code: 'not_found',
      message: `no prompt ${id} is open, nor is one of that id known`,
      hint: await hintOf(fleet, open, id, of_agent),
      cause: error,
    });
  }
}

/** An agent may have been named in place of its prompts. */
async function hintOf(fleet: Fleet, open: readonly Prompt[], id: string, of_agent: string): Promise<string> {
  const isMeant = (one: { readonly id: string; readonly session_id: string }): boolean =>
    one.id === id || one.session_id === id;
  if (open.some(isMeant)) return `${id} is an agent; for what it asks: filare-agents ${of_agent} ${id}`;
  const rows = await fleet.sessions({ all: true });
  return rows.some(isMeant) ? `${id} is an agent, and asks nothing now` : 'filare-agents feedback list';
}

/** As `findPrompt`, of one that can be decided: a closed one is `conflict` or `ended`, with the decision that stands. */
export async function findOpenPrompt(
  fleet: Fleet,
  open: readonly Prompt[],
  id: string,
  of_agent?: string,
): Promise<Prompt> {
  const { decision, ...prompt } = await findPrompt(fleet, open, id, of_agent);
  if (decision !== null) throw closedFailure(prompt.prompt_id, decision);
  return prompt;
}

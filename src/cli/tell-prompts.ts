import type { Fleet } from '../client/fleet.js';
import type { Prompt } from '../contract/session.js';
import type { CliContext } from './context.js';
import { styled } from './style.js';

/** Whose prompts to tell. */
export interface PromptsOf {
  readonly fleet: Pick<Fleet, 'watch' | 'prompts'>;
  readonly session_ids: readonly string[];
  /** Prompts that are known already. */
  readonly known?: readonly string[];
}

/**
 * Does work that waits for sessions. Until it is over each prompt of theirs that is open is told once, on standard error: without a word it would wait for a
 * person who does not know of it. The work's outcome is answered; that nothing can be watched does not end it.
 */
export async function tellingPrompts<T>(context: CliContext, of: PromptsOf, work: () => Promise<T>): Promise<T> {
  const over = new AbortController();
  const telling = tellPrompts(context, of, over.signal).catch(() => undefined);
  try {
    return await work();
  } finally {
    over.abort();
    await telling;
  }
}

async function tellPrompts({ out }: CliContext, of: PromptsOf, signal: AbortSignal): Promise<void> {
  const said = new Set(of.known);
  const tell = ({ prompt_id, session_id, id }: Prompt): void => {
    if (signal.aborted || said.has(prompt_id) || !of.session_ids.includes(session_id)) return;
    said.add(prompt_id);
    out.note(styled('bold', id), ' waits for a decision: ', styled('bold', `filare-agents feedback show ${prompt_id}`));
  };
  // Those that are open already come first.
  for await (const event of of.fleet.watch({ signal })) {
    if (event.type === 'prompt') tell(event.prompt);
    else if (event.type === 'reconnected') (await of.fleet.prompts()).forEach(tell);
  }
}

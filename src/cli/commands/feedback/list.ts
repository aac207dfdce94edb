import type { CommandUnknownOpts } from '@commander-js/extra-typings';
import type { Fleet } from '../../../client/fleet.js';
import type { Prompt } from '../../../contract/session.js';
import { newCommand } from '../../command.js';
import type { CliContext } from '../../context.js';
import { promptTable } from '../../prompt-table.js';

/** `feedback list [ID…]`: what waits for a person. */
export function listPromptsCommand(context: CliContext): CommandUnknownOpts {
  return newCommand('list', 'All open prompts of all sessions, or of those named', [
    'filare-agents feedback list',
    'filare-agents feedback list docs',
    'filare-agents feedback list --json',
  ])
    .argument('[id...]', 'agent ids, session ids, or unique beginnings of them')
    .action(async (ids) => {
      await using fleet = await context.openFleet();
      const prompts = await promptsOf(fleet, ids);
      if (context.globals.json === true) context.out.json(prompts);
      else if (context.globals.quiet === true) for (const prompt of prompts) context.out.line(prompt.prompt_id);
      else if (prompts.length === 0) context.out.note('no agent waits for anybody');
      else {
        const columns = context.out.is_terminal ? context.out.size.columns : Number.MAX_SAFE_INTEGER;
        for (const line of promptTable(prompts, { now_ms: context.now_ms(), columns })) context.out.line(...line);
      }
    });
}

/** Open prompts of the sessions named, of all when none is, oldest first. */
async function promptsOf(fleet: Fleet, refs: readonly string[]): Promise<Prompt[]> {
  if (refs.length === 0) return fleet.prompts();
  const found = (await Promise.all(refs.map((ref) => fleet.prompts(ref)))).flat();
  const once = new Map(found.map((prompt) => [prompt.prompt_id, prompt]));
  return [...once.values()].sort((a, b) => a.created_at.localeCompare(b.created_at));
}

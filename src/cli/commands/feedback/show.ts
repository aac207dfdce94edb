import type { CommandUnknownOpts } from '@commander-js/extra-typings';
import { newCommand } from '../../command.js';
import type { CliContext } from '../../context.js';
import { findPrompt } from '../../find-prompts.js';
import { promptFields } from '../../prompt-fields.js';
import { styled } from '../../style.js';

/** Column of the values. */
const NAME_CHARS = 12;

/** `feedback show PROMPT`: everything that a person needs to decide, and once it is decided how. */
export function showPromptCommand(context: CliContext): CommandUnknownOpts {
  return newCommand('show', 'One prompt, open or decided, with everything that it would do', [
    'filare-agents feedback show PROMPT',
    'filare-agents feedback show PROMPT --full',
  ])
    .argument('<prompt>', 'prompt id, or a beginning that is unique among open ones')
    .option('--full', 'all of it, however long diffs and texts are')
    .action(async (id, options) => {
      await using fleet = await context.openFleet();
      const prompt = await findPrompt(fleet, await fleet.prompts(), id);
      if (context.globals.json === true) {
        context.out.json(prompt);
        return;
      }
      const fields = promptFields(prompt, { detail: 'whole', full: options.full === true, more: 'add --full' });
      for (const { name, lines } of fields) {
        lines.forEach((line, at) => {
          context.out.line(styled('dim', (at === 0 ? name : '').padEnd(NAME_CHARS)), ...line);
        });
      }
    });
}

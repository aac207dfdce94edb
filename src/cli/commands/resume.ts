import type { CommandUnknownOpts } from '@commander-js/extra-typings';
import { newCommand } from '../command.js';
import type { CliContext } from '../context.js';
import { chosenRefs, eachRef, requireChoice } from '../each-ref.js';
import { stateWords } from '../fleet-table.js';
import { styled } from '../style.js';

/** `resume ID…`: lets paused sessions go on. */
export function resumeCommand(context: CliContext): CommandUnknownOpts {
  return newCommand('resume', 'Let paused sessions go on; an open question of the pause is closed', [
    'filare-agents resume docs',
    'filare-agents resume --all',
  ])
    .argument('[id...]', 'agent ids, session ids, or unique beginnings of them')
    .option('-a, --all', 'every session that has not ended')
    .action(async (ids, options) => {
      requireChoice(ids, options.all);
      await using fleet = await context.openFleet();
      const refs = await chosenRefs(fleet, ids, options.all);
      if (refs.length === 0) context.out.note(`no session is running in ${fleet.project.root}`);
      await eachRef(context, {
        refs,
        verb: 'resume',
        act: (ref) => fleet.resume(ref, { by: 'operator' }),
        say: (row) => context.out.line(styled('bold', row.id), ` ${stateWords(row)}`),
      });
    });
}

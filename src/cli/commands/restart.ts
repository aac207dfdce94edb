import type { CommandUnknownOpts } from '@commander-js/extra-typings';
import { newCommand } from '../command.js';
import type { CliContext } from '../context.js';
import { chosenRefs, eachRef, requireChoice } from '../each-ref.js';
import { styled } from '../style.js';

/** `restart ID…`: a new container for the same session, on the same thread. */
export function restartCommand(context: CliContext): CommandUnknownOpts {
  return newCommand('restart', 'A new attempt: a fresh container for the same session, on the same Codex thread', [
    'filare-agents restart docs',
    'filare-agents restart --all',
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
        verb: 'restart',
        act: (ref) => fleet.restart(ref),
        say: (row) => context.out.line(styled('bold', row.id), ` attempt ${row.attempt}, ${row.phase}`),
      });
    });
}

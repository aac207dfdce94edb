import type { CommandUnknownOpts } from '@commander-js/extra-typings';
import { newCommand } from '../command.js';
import type { CliContext } from '../context.js';
import { eachRef } from '../each-ref.js';
import { styled } from '../style.js';

/** `interrupt ID…`: ends the running turn. */
export function interruptCommand(context: CliContext): CommandUnknownOpts {
  return newCommand('interrupt', 'End the running turn and nothing else: the agent stays, and waits for what you say', [
    'filare-agents interrupt docs',
  ])
    .argument('<id...>', 'agent ids, session ids, or unique beginnings of them')
    .action(async (ids) => {
      await using fleet = await context.openFleet();
      await eachRef(context, {
        refs: [...new Set(ids)],
        verb: 'interrupt',
        act: (ref) => fleet.interrupt(ref),
        say: (row) => context.out.line(styled('bold', row.id), ' interrupted'),
      });
    });
}

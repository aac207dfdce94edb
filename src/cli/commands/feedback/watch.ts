import type { CommandUnknownOpts } from '@commander-js/extra-typings';
import { newCommand } from '../../command.js';
import type { CliContext } from '../../context.js';

/** `feedback watch`: the inbox as it lives. */
export function watchPromptsCommand(context: CliContext): CommandUnknownOpts {
  return newCommand(
    'watch',
    'The inbox as it lives: on a terminal read and decide prompts with single keys (? shows them); elsewhere a line for each that opens or closes',
    ['filare-agents feedback watch', 'filare-agents feedback watch --no-bell', 'filare-agents feedback watch --json'],
  )
    .option('--no-bell', 'do not ring for new prompts')
    .action(async (options) => {
      const { stdin, out, globals, env } = context;
      await using fleet = await context.openFleet();
      const on_terminal = stdin.isTTY === true && out.is_terminal && globals.json !== true && env['TERM'] !== 'dumb';
      if (on_terminal) {
        const { runInbox } = await import('../../inbox/run-inbox.js');
        await runInbox(context, fleet, { bell: options.bell });
      } else {
        const { printInbox } = await import('../../inbox/print-inbox.js');
        await printInbox(context, fleet);
      }
    });
}

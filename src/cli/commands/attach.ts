import type { CommandUnknownOpts } from '@commander-js/extra-typings';
import { FilareError } from '../../contract/errors.js';
import { newCommand } from '../command.js';
import type { CliContext } from '../context.js';
import { runTerminal } from '../run-terminal.js';

const NOTES = `
What you approve, decline, write or interrupt there is recorded as by "operator (attach)". Settings, other threads
and commands of your own are refused there; the refusal names the command that does it. /quit leaves; the session goes on.
`;

/** `attach ID`: Codex's own terminal interface, on the running session. */
export function attachCommand(context: CliContext): CommandUnknownOpts {
  return newCommand(
    'attach',
    "Codex's own terminal interface, on a running session; leaving it changes nothing there",
    ['filare-agents attach docs'],
  )
    .argument('<id>', 'agent id, session id, or a unique beginning of one')
    .addHelpText('after', NOTES)
    .action(async (id) => {
      if (context.stdin.isTTY !== true || context.stdout.isTTY !== true) {
        throw new FilareError({
          code: 'usage',
          message: 'attach needs a terminal',
          hint: `without one: filare-agents tail ${id}, send ${id} TEXT, feedback list`,
        });
      }
      await runTerminal(context, id, 'attach');
      context.out.note(`detached; the session goes on: filare-agents attach ${id}`);
    });
}

import type { CommandUnknownOpts } from '@commander-js/extra-typings';
import { newCommand } from '../command.js';
import type { CliContext } from '../context.js';
import { runTerminal } from '../run-terminal.js';

/** `shell ID [-- CMD ARG…]`: a shell, or one command, in the agent's container. */
export function shellCommand(context: CliContext): CommandUnknownOpts {
  return newCommand(
    'shell',
    "A shell, or after -- one command, in the container of a running agent, as the agent's own user; its exit code is yours",
    [
      'filare-agents shell docs',
      'filare-agents shell docs -- git log --oneline -3',
      'filare-agents shell docs -- tar -cz . > docs.tar.gz',
      'echo "git log --oneline -3" | filare-agents shell docs',
    ],
  )
    .argument('<id>', 'agent id, session id, or a unique beginning of one')
    .argument('[command...]', 'after --: a program and its arguments, as they are; no shell reads them')
    .addHelpText(
      'after',
      '\nWhen standard input or output is no terminal there is none inside either: no prompts, no echo, bytes as they are, standard error apart.',
    )
    .action((id, command) => runTerminal(context, id, 'shell', command.length === 0 ? undefined : command));
}

/** `login ID`: Codex's own login, in the agent's container. */
export function loginCommand(context: CliContext): CommandUnknownOpts {
  return newCommand('login', "Codex's own device login, kept in this one agent's Codex home", [
    'filare-agents login docs',
  ])
    .argument('<id>', 'agent id, session id, or a unique beginning of one')
    .action((id) => runTerminal(context, id, 'login'));
}

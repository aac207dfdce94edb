import type { CommandUnknownOpts } from '@commander-js/extra-typings';
import { Argument } from '@commander-js/extra-typings';
import { newCommand } from '../command.js';
import { completionScript, SHELLS } from '../completion-script.js';
import type { CliContext } from '../context.js';

/** `completion SHELL`. */
export function completionCommand(context: CliContext): CommandUnknownOpts {
  return newCommand('completion', 'A script that completes commands, options and the names of live agents', [
    'source <(filare-agents completion bash)',
    'filare-agents completion zsh > "${fpath[1]}/_filare-agents"',
    'filare-agents completion fish > ~/.config/fish/completions/filare-agents.fish',
  ])
    .addArgument(new Argument('<shell>', 'bash, zsh or fish').choices(SHELLS))
    .action((shell) => {
      const script = completionScript(shell);
      if (context.globals.json === true) context.out.json({ shell, script });
      else context.out.write(script);
    });
}

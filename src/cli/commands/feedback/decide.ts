import { Option, type CommandUnknownOpts } from '@commander-js/extra-typings';
import { newCommand } from '../../command.js';
import type { CliContext } from '../../context.js';
import { decidePrompts } from '../../decide-prompts.js';

const PROMPT_ARGUMENT = 'prompt ids, or beginnings that are unique among open ones';
const EXIT_CODES =
  '\nExit codes: 0 decided · 2 nobody to ask, or not offered · 3 no such prompt · 4 decided already, or changed since';

/** `feedback approve PROMPT…`. */
export function approveCommand(context: CliContext): CommandUnknownOpts {
  return newCommand('approve', 'Let agents do what they ask for: once, for this session, or always', [
    'filare-agents feedback approve PROMPT',
    'filare-agents feedback approve PROMPT --for-session',
    'filare-agents feedback approve --agent docs --match "npm test"',
    'filare-agents feedback approve --all --yes',
  ])
    .argument('[prompt...]', PROMPT_ARGUMENT)
    .option('-a, --all', 'every open approval')
    .option('-m, --match <text>', 'those with the text in summary, command, category or agent id')
    .option('--agent <id>', 'those of one agent or session')
    .addOption(
      new Option('--for-session', 'also write the rule that is shown, for the rest of the session').conflicts('always'),
    )
    .option('--always', 'also write the rule that is shown, for later sessions of the agent too')
    .option('--reason <text>', 'why; it is recorded')
    .option('-y, --yes', 'do not ask')
    .addHelpText('after', EXIT_CODES)
    .action((ids, options) => {
      const scope = options.forSession === true ? 'session' : options.always === true ? 'always' : undefined;
      return decidePrompts(context, { ...options, ids, verdict: 'approve', ...(scope === undefined ? {} : { scope }) });
    });
}

/** `feedback reject PROMPT…`. */
export function rejectCommand(context: CliContext): CommandUnknownOpts {
  return newCommand('reject', 'Refuse what agents ask for; with --cancel their turns end as well', [
    'filare-agents feedback reject PROMPT --reason "not on a Friday"',
    'filare-agents feedback reject PROMPT --cancel',
    'filare-agents feedback reject --match "git push" --yes',
  ])
    .argument('[prompt...]', PROMPT_ARGUMENT)
    .option('-a, --all', 'every open approval')
    .option('-m, --match <text>', 'those with the text in summary, command, category or agent id')
    .option('--agent <id>', 'those of one agent or session')
    .option('--cancel', 'end the turn as well, where that is offered')
    .option('--reason <text>', 'why; the agent is told, and it is recorded')
    .option('-y, --yes', 'do not ask')
    .addHelpText('after', EXIT_CODES)
    .action((ids, options) =>
      decidePrompts(context, { ...options, ids, verdict: options.cancel === true ? 'cancel' : 'reject' }),
    );
}

import type { CommandUnknownOpts } from '@commander-js/extra-typings';
import { newCommand, withSubcommands } from '../command.js';
import type { CliContext } from '../context.js';
import { answerCommand } from './feedback/answer.js';
import { approveCommand, rejectCommand } from './feedback/decide.js';
import { listPromptsCommand } from './feedback/list.js';
import { forgetCommand, rulesCommand } from './feedback/rules.js';
import { showPromptCommand } from './feedback/show.js';
import { watchPromptsCommand } from './feedback/watch.js';
import { suggestCommand } from './policy-suggest.js';

/** `feedback …`: the inbox. */
export function feedbackCommand(context: CliContext): CommandUnknownOpts {
  const group = newCommand('feedback', 'The inbox: what agents ask a person to decide', [
    'filare-agents feedback watch',
    'filare-agents feedback list',
    'filare-agents feedback approve PROMPT --for-session',
    'filare-agents feedback answer PROMPT "Use the second one"',
  ]);
  return withSubcommands(group, [
    listPromptsCommand(context),
    showPromptCommand(context),
    approveCommand(context),
    rejectCommand(context),
    answerCommand(context),
    watchPromptsCommand(context),
    rulesCommand(context),
    forgetCommand(context),
    suggestCommand(context),
  ]);
}

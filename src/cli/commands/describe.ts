import type { CommandUnknownOpts } from '@commander-js/extra-typings';
import { newCommand } from '../command.js';
import type { CliContext } from '../context.js';
import { describeLines } from '../describe-lines.js';

/** `describe ID`: everything of one session. */
export function describeCommand(context: CliContext): CommandUnknownOpts {
  return newCommand(
    'describe',
    'Everything of one session: state, places, open prompts, queued messages, attempts, last entries',
    ['filare-agents describe docs', 'filare-agents describe docs --json | jq .row.thread_id'],
  )
    .argument('<id>', 'agent id, session id, or a unique beginning of one')
    .action(async (id) => {
      await using fleet = await context.openFleet();
      const detail = await fleet.describe(id);
      if (context.globals.json === true) context.out.json(detail);
      else if (context.globals.quiet === true) context.out.line(detail.row.session_id);
      else for (const line of describeLines(detail, context.now_ms())) context.out.line(...line);
    });
}

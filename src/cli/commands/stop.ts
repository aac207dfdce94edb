import type { CommandUnknownOpts } from '@commander-js/extra-typings';
import type { StoppedSession } from '../../contract/session.js';
import { newCommand } from '../command.js';
import type { CliContext } from '../context.js';
import { parseDuration } from '../duration.js';
import { eachOne, refsThatMayRun, requireChoice } from '../each-ref.js';
import { styled } from '../style.js';

/** `stop ID…`: the container goes, the record stays. */
export function stopCommand(context: CliContext): CommandUnknownOpts {
  return newCommand('stop', 'Stop sessions: their containers go, their records, workspaces and branches stay', [
    'filare-agents stop docs',
    'filare-agents stop feature docs --grace 30s',
    'filare-agents stop --all',
  ])
    .argument('[id...]', 'agent ids, session ids, or unique beginnings of them')
    .option('-a, --all', 'every session that has not ended')
    .option('--grace <duration>', 'how long a container may take to end by itself (default: 10s)')
    .action(async (ids, options) => {
      requireChoice(ids, options.all);
      const grace_ms = options.grace === undefined ? undefined : parseDuration(options.grace, '--grace');
      await using fleet = await context.openFleet();
      const refs = await refsThatMayRun(fleet, ids, options.all);
      if (refs.length === 0) context.out.note(`no session is running in ${fleet.project.root}`);
      await eachOne(context, {
        refs,
        verb: 'stop',
        act: (ref) => fleet.stop(ref, { grace_ms }),
        say: (row) => context.out.line(styled('bold', row.id), ` ${row.phase} `, styled('dim', row.session_id)),
        warn: (row) => sayWarnings(context, row),
        id: (row) => row.session_id,
      });
    });
}

/** What was not done for its work, on standard error whatever the output is: nobody reads the transcript of what has ended well. */
function sayWarnings({ out }: CliContext, { id, warnings }: StoppedSession): void {
  for (const { message, hint } of warnings) {
    out.complain(styled('yellow', 'warning'), `: ${id}: ${message}`);
    if (hint !== null) out.complain('  ', styled('cyan', 'try'), `: ${hint}`);
  }
}

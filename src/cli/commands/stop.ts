import type { CommandUnknownOpts } from '@commander-js/extra-typings';
import { asFilareError } from '../../contract/errors.js';
import type { StoppedSession } from '../../contract/session.js';
import { newCommand } from '../command.js';
import type { CliContext } from '../context.js';
import { parseDuration } from '../duration.js';
import { chosenRefs, eachOne, requireChoice } from '../each-ref.js';
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
      const refs = await chosenRefs(fleet, ids, options.all, { unreadable: true });
      if (refs.length === 0) context.out.note(`no session is running in ${fleet.project.root}`);
      const interrupted: string[] = [];
      const act = (ref: string): Promise<StoppedSession> =>
        fleet.stop(ref, { grace_ms }).catch((failure: unknown) => {
          if (asFilareError(failure).code === 'interrupted') interrupted.push(ref);
          throw failure;
        });
      try {
        await eachOne(context, {
          refs,
          verb: 'stop',
          act,
          say: (row) => context.out.line(styled('bold', row.id), ` ${row.phase} `, styled('dim', row.session_id)),
          warn: (row) => sayWarnings(context, row),
          id: (row) => row.session_id,
        });
      } finally {
        if (interrupted.length > 0) sayGoesOn(context, interrupted);
      }
    });
}

/** Ctrl-C ends the waiting alone: the daemon was told to stop them, and what it would have answered is to be found elsewhere. */
function sayGoesOn({ out }: CliContext, refs: readonly string[]): void {
  const where = refs.length === 1 ? `filare-agents describe ${refs.join('')}` : 'filare-agents list --all';
  out.note(
    `no longer waiting: the daemon goes on stopping ${refs.join(', ')}; what of the work is not brought home is said in `,
    styled('bold', where),
  );
}

/** What was not done for its work, on standard error whatever the output is: nobody reads the transcript of what has ended well. */
function sayWarnings({ out }: CliContext, { id, warnings }: StoppedSession): void {
  for (const { message, hint } of warnings) {
    out.complain(styled('yellow', 'warning'), `: ${id}: ${message}`);
    if (hint !== null) out.complain('  ', styled('cyan', 'try'), `: ${hint}`);
  }
}

import type { CommandUnknownOpts } from '@commander-js/extra-typings';
import { newCommand } from '../command.js';
import type { CliContext } from '../context.js';
import { stateWords } from '../fleet-table.js';
import { styled } from '../style.js';

/** `resume-all`: after a crash or a reboot. */
export function resumeAllCommand(context: CliContext): CommandUnknownOpts {
  return newCommand(
    'resume-all',
    'After a crash or a reboot: take up what runs, and bring back at once what should run, on the same threads',
    ['filare-agents resume-all', 'filare-agents resume-all --json'],
  )
    .addHelpText(
      'after',
      '\nAny command that needs the daemon takes up what runs. This one also ends the wait of sessions that back off. Safe to repeat.',
    )
    .action(async () => {
      await using fleet = await context.openFleet();
      const { sessions, begun } = await fleet.resumeAll();
      if (context.globals.json === true) context.out.json({ sessions, begun });
      else if (sessions.length === 0) context.out.note(`no session should be running in ${fleet.project.root}`);
      else {
        for (const row of sessions) {
          if (context.globals.quiet === true) context.out.line(row.session_id);
          else {
            const how = begun.includes(row.session_id) ? styled('green', 'brought back') : styled('dim', 'as it was');
            context.out.line(styled('bold', row.id), ` attempt ${row.attempt}, ${stateWords(row)}  `, how);
          }
        }
      }
    });
}

import type { CommandUnknownOpts } from '@commander-js/extra-typings';
import { AGENT_NAME } from '../../contract/agent-name.js';
import { FilareError } from '../../contract/errors.js';
import { newCommand } from '../command.js';
import type { CliContext } from '../context.js';
import { stateWords } from '../fleet-table.js';
import { readMessage } from '../message-input.js';
import { styled } from '../style.js';

/** `fork ID --as NEW`: a second session from the same point. */
export function forkCommand(context: CliContext): CommandUnknownOpts {
  return newCommand(
    'fork',
    'A second session from the point at which one stands: its workspace copied, its thread forked; both go on by themselves',
    [
      'filare-agents fork feature --as feature-2',
      'filare-agents fork feature --as try-sqlite --message "Do it with SQLite instead"',
      'filare-agents fork feature-20300101T120000Z-ab12 --as again',
    ],
  )
    .argument('<id>', 'agent id, session id, or a unique beginning of one')
    .requiredOption('--as <id>', 'id of the new agent; its workspace is .filare/workspaces/<id>')
    .option('-m, --message <text>', 'its first message; - reads standard input; without one it waits')
    .addHelpText('after', '\nExit codes: 0 forked · 3 no such session · 4 a turn runs, or the id is taken')
    .action(async (id, options) => {
      const { out, globals } = context;
      if (!AGENT_NAME.test(options.as))
        throw new FilareError({
          code: 'usage',
          message: `${JSON.stringify(options.as)} is not an id for an agent`,
          hint: 'letters, digits, - and _, at most 40, the first a letter or a digit',
        });
      const message =
        options.message === undefined
          ? undefined
          : (await readMessage({ words: [options.message], files: [], stdin: context.stdin, cwd: context.cwd })).text;
      await using fleet = await context.openFleet();
      const row = await fleet.fork(id, { as: options.as, message });
      if (globals.json === true) out.json(row);
      else if (globals.quiet === true) out.line(row.session_id);
      else out.line(styled('bold', row.id), ` forked from ${id}: ${stateWords(row)} `, styled('dim', row.session_id));
    });
}

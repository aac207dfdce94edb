import type { CommandUnknownOpts } from '@commander-js/extra-typings';
import type { SessionRow } from '../../contract/session.js';
import { newCommand } from '../command.js';
import type { CliContext } from '../context.js';
import { fleetTable } from '../fleet-table.js';

/** `list`: the sessions. Kept light: it must be there at once. */
export function listCommand(context: CliContext): CommandUnknownOpts {
  return newCommand('list', 'List the sessions: phase, activity, health, open prompts, tokens, age', [
    'filare-agents list',
    'filare-agents list --all --json',
    'filare-agents list --watch',
  ])
    .option('-a, --all', 'also sessions that have ended')
    .option('-w, --watch', 'keep the list up to date until Ctrl-C; with --json one row a line for every change')
    .action(async (options) => {
      await using fleet = await context.openFleet();
      if (options.watch === true) {
        const { watchList } = await import('../watch-list.js');
        await watchList(context, fleet, options.all === true);
        return;
      }
      const rows = await fleet.sessions({ all: options.all === true });
      if (context.globals.json === true) context.out.json(rows);
      else if (context.globals.quiet === true) for (const row of rows) context.out.line(row.session_id);
      else printTable(context, rows, options.all === true, fleet.project.root);
    });
}

function printTable(context: CliContext, rows: readonly SessionRow[], all: boolean, root: string): void {
  if (rows.length === 0) {
    context.out.note(
      all
        ? `no session yet in ${root}: filare-agents up starts the agents of configs/agents`
        : `no session is running in ${root}: filare-agents up, or list --all for ended ones`,
    );
    return;
  }
  const columns = context.out.is_terminal ? context.out.size.columns : Number.MAX_SAFE_INTEGER;
  const table = fleetTable(rows, { now_ms: context.now_ms(), columns, session_ids: all });
  for (const line of table) context.out.line(...line);
}

import type { CommandUnknownOpts } from '@commander-js/extra-typings';
import type { CleanupItem } from '../../contract/api-shapes.js';
import { FilareError } from '../../contract/errors.js';
import { askYes, canAsk } from '../ask.js';
import { newCommand } from '../command.js';
import type { CliContext } from '../context.js';
import { plural } from '../fleet-table.js';
import { styled, type Span } from '../style.js';
import { tableLines } from '../table.js';

const LOOKING = 'looking at engine, processes, mounts, sockets and disk';

/** `cleanup`: what sessions left behind and nobody needs. */
export function cleanupCommand(context: CliContext): CommandUnknownOpts {
  return newCommand(
    'cleanup',
    'Remove what sessions left behind and nobody needs; only what carries our labels or stands in our ledger',
    ['filare-agents cleanup --dry-run', 'filare-agents cleanup --yes', 'filare-agents cleanup --workspaces --dry-run'],
  )
    .option('--dry-run', 'only say what would be removed')
    .option('-y, --yes', 'do not ask')
    .option(
      '--workspaces',
      'also workspaces below .filare/workspaces whose sessions have ended and whose work was brought home',
    )
    .option(
      '--force',
      'also when that is more than half of all that carries the label of this project; with --workspaces: also work that was not brought home, which is then lost',
    )
    .option('--no-input', 'never ask: without --yes that is a mistake')
    .action(async (options) => {
      const { globals } = context;
      await using fleet = await context.openFleet({ begins: true });
      const how = {
        ...(options.force === true ? { force: true } : {}),
        ...(options.workspaces === true ? { workspaces: true } : {}),
      };
      const note = (text: string): void => {
        if (globals.json !== true) context.out.note(text);
      };
      if (options.dryRun === true) {
        note(LOOKING);
        sayItems(context, await fleet.cleanup({ dry_run: true, ...how }));
        return;
      }
      if (options.yes !== true) {
        if (!options.input || !canAsk(context) || globals.json === true) {
          throw new FilareError({
            code: 'usage',
            message: 'cleanup removes things, and there is nobody to ask',
            hint: 'look with --dry-run, then say --yes',
          });
        }
        note(LOOKING);
        const planned = await fleet.cleanup({ dry_run: true, ...how });
        sayItems(context, planned);
        const removable = planned.filter((item) => item.action === 'would_remove').length;
        if (removable === 0 || !(await askYes(context, `Remove ${plural(removable, 'thing')}?`))) return;
      }
      note('removing what nobody needs');
      const items = await fleet.cleanup({ dry_run: false, ...how });
      sayItems(context, items);
      const removed = items.filter((item) => item.action === 'removed').length;
      note(`${plural(removed, 'thing')} removed, ${String(items.length - removed)} kept`);
    });
}

function sayItems(context: CliContext, items: readonly CleanupItem[]): void {
  const { out, globals } = context;
  if (globals.json === true) {
    out.json(items);
    return;
  }
  if (items.length === 0) {
    out.note('there is nothing to clean up');
    return;
  }
  const head = [
    { title: 'ACTION' },
    { title: 'KIND' },
    { title: 'NAME', shrink: true },
    { title: 'SESSION', shrink: true },
    { title: 'WHY', shrink: true },
  ];
  const rows = items.map((item): Span[] => [
    item.action === 'kept' ? styled('dim', 'kept') : styled('yellow', item.action.replace('_', ' ')),
    item.kind,
    item.name,
    item.session_id ?? '-',
    item.reason,
  ]);
  const columns = out.is_terminal ? out.size.columns : Number.MAX_SAFE_INTEGER;
  for (const line of tableLines(head, rows, columns)) out.line(...line);
}

import type { Fleet } from '../client/fleet.js';
import type { CliContext } from './context.js';
import { fleetTable, fleetTotals } from './fleet-table.js';
import { FleetView } from './fleet-view.js';
import { LiveScreen } from './live-screen.js';
import { styled } from './style.js';

/** Keeps the list up to date until Ctrl-C, or until nobody reads it: a table drawn in place on a terminal, with `--json` a line for every change. */
export async function watchList(context: CliContext, fleet: Fleet, all: boolean): Promise<void> {
  const view = await FleetView.open(fleet, all);
  const screen = new LiveScreen(context.out, 'stdout');
  const show = (): void => {
    if (context.globals.json === true) return;
    const rows = view.rows;
    const options = { now_ms: context.now_ms(), columns: context.out.size.columns, session_ids: all };
    if (context.out.is_terminal) screen.draw([...fleetTable(rows, options), [], fleetTotals(rows)]);
  };
  try {
    for await (const change of view.changes({ signal: context.out.gone, tick_ms: TICK_MS })) {
      if (change !== 'tick' && change !== 'all') {
        if (context.globals.json === true) context.out.jsonLine(change);
        else if (!context.out.is_terminal)
          for (const line of plainLines(change, context.now_ms())) context.out.line(...line);
      }
      show();
    }
  } finally {
    screen.leave();
  }
}

/** How often ages are drawn again, in milliseconds. */
const TICK_MS = 1000;

function plainLines(row: Parameters<typeof fleetTable>[0][number], now_ms: number): ReturnType<typeof fleetTable> {
  const [, line] = fleetTable([row], { now_ms, columns: Number.MAX_SAFE_INTEGER, session_ids: true });
  return line === undefined ? [] : [[styled('dim', `${new Date(now_ms).toISOString()} `), ...line]];
}

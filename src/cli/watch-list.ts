import type { Fleet } from '../client/fleet.js';
import type { SessionRow } from '../contract/session.js';
import type { CliContext } from './context.js';
import { DAEMON_AWAY, DAEMON_AWAY_LINE, DAEMON_BACK_LINE } from './daemon-away.js';
import { fleetTable, fleetTotals, stateWords } from './fleet-table.js';
import { FleetView } from './fleet-view.js';
import { LiveScreen } from './live-screen.js';
import { styled } from './style.js';

/** How often ages are drawn again, in milliseconds. */
const TICK_MS = 1000;

/**
 * Keeps the list up to date until Ctrl-C, or until nobody reads it: a table drawn in place on a terminal, elsewhere a line for every session and
 * then for every change, with `--json` its row.
 */
export async function watchList(context: CliContext, fleet: Fleet, all: boolean): Promise<void> {
  const { out } = context;
  const view = await FleetView.open(fleet, all);
  const in_place = out.is_terminal && context.globals.json !== true;
  const screen = new LiveScreen(out, 'stdout');
  let is_away = false;
  try {
    for await (const change of view.changes({ signal: out.gone, tick_ms: TICK_MS, patient: in_place })) {
      const was_away: boolean = is_away;
      is_away = change === 'lost' || (is_away && change === 'tick');
      if (is_away !== was_away && !in_place) out.note(is_away ? DAEMON_AWAY_LINE : DAEMON_BACK_LINE);
      if (in_place) {
        const options = { now_ms: context.now_ms(), columns: out.size.columns - 1, session_ids: all };
        const away = is_away ? [DAEMON_AWAY] : [];
        screen.draw([...fleetTable(view.rows, options), [], fleetTotals(view.rows), ...away]);
      } else if (change === 'all') view.rows.forEach((row) => sayRow(context, row));
      else if (change !== 'tick' && change !== 'lost') sayRow(context, change);
    }
  } finally {
    screen.leave();
  }
}

function sayRow(context: CliContext, row: SessionRow): void {
  if (context.globals.json === true) context.out.jsonLine(row);
  else {
    const now = new Date(context.now_ms()).toISOString();
    context.out.line(styled('dim', `${now} `), styled('bold', row.id), ` ${row.session_id}: ${stateWords(row)}`);
  }
}

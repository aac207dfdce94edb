import { isOver } from '../contract/phase.js';
import type { Fleet } from '../client/fleet.js';
import { FilareError } from '../contract/errors.js';
import type { CliContext } from './context.js';
import { DAEMON_AWAY, DAEMON_AWAY_LINE, DAEMON_BACK_LINE } from './daemon-away.js';
import { fleetTable, fleetTotals, stateWords } from './fleet-table.js';
import { FleetView } from './fleet-view.js';
import { LiveScreen } from './live-screen.js';
import { styled, type Span } from './style.js';

/** How often ages are drawn again, in milliseconds. */
const TICK_MS = 1000;

const HINT: Span[] = [styled('dim', 'Ctrl-C leaves this view; the agents keep running')];

/** What to watch, and until when. */
export interface LiveView {
  readonly fleet: Fleet;
  /** Ids of the sessions that the view ends with when all of them have. */
  readonly session_ids: readonly string[];
  /** Ends the view. */
  readonly signal: AbortSignal;
  readonly show: boolean;
}

/**
 * The fleet as it lives: a table drawn in place on a terminal, a line for every change elsewhere. Ends with the signal, when nobody reads it any
 * more, or when every session of `session_ids` has ended.
 */
export async function liveView(context: CliContext, live: LiveView): Promise<void> {
  const { out } = context;
  const view = await FleetView.open(live.fleet, false);
  const screen = new LiveScreen(out, 'stdout');
  const said = new Map<string, string>();
  let is_away = false;
  const draw = (): void => {
    if (!live.show) return;
    if (out.is_terminal) screen.draw([...tableOf(context, view), ...(is_away ? [DAEMON_AWAY] : []), HINT]);
    else for (const row of view.rows) sayOnce(context, said, row.id, row.session_id, stateWords(row));
  };
  try {
    const signal = AbortSignal.any([live.signal, out.gone]);
    for await (const change of view.changes({ signal, tick_ms: TICK_MS, patient: live.show && out.is_terminal })) {
      const was_away: boolean = is_away;
      is_away = change === 'lost' || (is_away && change === 'tick');
      if (is_away !== was_away && live.show && !out.is_terminal)
        out.note(is_away ? DAEMON_AWAY_LINE : DAEMON_BACK_LINE);
      if (change !== 'tick' || out.is_terminal) draw();
      const ours = view.rows.filter((row) => live.session_ids.includes(row.session_id));
      if (ours.length > 0 && ours.every(isOver)) return;
    }
  } catch (error) {
    if (!(error instanceof FilareError && error.code === 'interrupted')) throw error;
  } finally {
    if (live.show && out.is_terminal) screen.draw(tableOf(context, view));
    screen.leave();
  }
}

function tableOf(context: CliContext, view: FleetView): Span[][] {
  const { rows } = view;
  const options = { now_ms: context.now_ms(), columns: context.out.size.columns - 1 };
  return [...fleetTable(rows, options), [], fleetTotals(rows)];
}

function sayOnce(context: CliContext, said: Map<string, string>, id: string, session_id: string, words: string): void {
  if (said.get(session_id) === words) return;
  said.set(session_id, words);
  context.out.line(styled('dim', `${new Date(context.now_ms()).toISOString()} `), styled('bold', id), `: ${words}`);
}

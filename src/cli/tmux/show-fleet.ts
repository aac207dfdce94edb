/**
 * What the pane of the table runs: the fleet as it lives, and the keeper of the other panes. Contract:
 * - every look at the fleet (a change, or a second gone by) is followed by one at the panes; the two are brought in line (next-change.ts);
 * - two of them never work against each other: only the one in the oldest pane keeps;
 * - it ends with its pane. Without it the other panes go on as they are; opening the view again brings it back.
 */
import type { Fleet } from '../../client/fleet.js';
import { DaemonUnreachable } from '../../client/http-request.js';
import { asFilareError } from '../../contract/errors.js';
import type { SessionRow } from '../../contract/session.js';
import { isOver } from '../../contract/phase.js';
import type { CliContext } from '../context.js';
import { fleetTable, fleetTotals } from '../fleet-table.js';
import { FleetView } from '../fleet-view.js';
import { FullScreen } from '../full-screen.js';
import { styled, type Span } from '../style.js';
import { arrange, type ViewPlace } from './arrange.js';
import { FLEET, INBOX, readView } from './view-panes.js';
import { againAfter, hasNoDaemon, NOBODY_ANSWERS } from './wait-for-daemon.js';

/** How often ages are drawn and panes looked at, in milliseconds. */
const TICK_MS = 1000;

/** See the top of this file. */
export async function showFleet(context: CliContext, place: ViewPlace): Promise<void> {
  const { out, interrupts, stdout } = context;
  const signal = AbortSignal.any([interrupts.signal, out.gone]);
  const screen = new FullScreen(out);
  const keeper = new Keeper(place, context.env['TMUX_PANE']);
  let rows: readonly SessionRow[] = [];
  let trouble: string | null = null;
  const draw = (): void => screen.draw(tableLines(context, rows, trouble), null);
  const resize = (): void => {
    screen.redraw();
    draw();
  };
  screen.enter();
  stdout.on('resize', resize);
  try {
    while (!signal.aborted) {
      try {
        await using fleet = await context.openFleet({ start_daemon: false });
        const view = await FleetView.open(fleet, false);
        trouble = null;
        for await (const change of view.changes({ signal, tick_ms: TICK_MS })) {
          ({ rows } = view);
          draw();
          await keeper.keep(fleet, rows, change === 'all');
        }
      } catch (error) {
        const failure = asFilareError(error);
        trouble = error instanceof DaemonUnreachable || hasNoDaemon(failure) ? NOBODY_ANSWERS : failure.message;
        draw();
        await againAfter(signal);
      }
    }
  } finally {
    stdout.off('resize', resize);
    screen.leave();
  }
}

/** Keeps the panes of agents, and knows those of sessions that ended while nobody looked. */
class Keeper {
  readonly #place: ViewPlace;
  readonly #own_pane: string | undefined;
  readonly #given = new Set<string>();
  /** Sessions with a pane that are not among those that live; null: forgotten. */
  readonly #ended = new Map<string, SessionRow | null>();

  constructor(place: ViewPlace, own_pane: string | undefined) {
    this.#place = place;
    this.#own_pane = own_pane;
  }

  async keep(fleet: Fleet, live: readonly SessionRow[], is_anew: boolean): Promise<void> {
    const { tmux, project } = this.#place;
    if (is_anew) this.#ended.clear();
    const { panes } = await readView(tmux, project);
    if (panes.find(({ shows }) => shows === FLEET)?.pane_id !== this.#own_pane) return;
    const known = new Set(live.map((row) => row.session_id));
    for (const { shows } of panes) {
      if (shows === FLEET || shows === INBOX || known.has(shows) || this.#ended.has(shows)) continue;
      this.#ended.set(shows, await rowOf(fleet, shows));
    }
    const ended = [...this.#ended.values()].flatMap((row) => (row === null || known.has(row.session_id) ? [] : [row]));
    await arrange(this.#place, [...live, ...ended], this.#given);
  }
}

async function rowOf(fleet: Fleet, session_id: string): Promise<SessionRow | null> {
  try {
    return (await fleet.describe(session_id)).row;
  } catch (error) {
    if (asFilareError(error).code === 'not_found') return null;
    throw error;
  }
}

function tableLines(context: CliContext, rows: readonly SessionRow[], trouble: string | null): Span[][] {
  const { columns, rows: height } = context.out.size;
  // One that failed stays to be seen, until its agent is started again.
  const shown = rows.filter(
    (row, at) => !isOver(row) || (row.phase === 'failed' && !rows.slice(at + 1).some(({ id }) => id === row.id)),
  );
  const table = shown.length === 0 ? [] : fleetTable(shown, { now_ms: context.now_ms(), columns });
  const lines = [
    ...(trouble === null ? [] : [[styled('yellow', trouble)]]),
    ...(shown.length === 0 ? [[styled('dim', 'no agent is running: filare-agents up')]] : [fleetTotals(shown)]),
    ...table,
  ];
  return lines.length <= height ? lines : [...lines.slice(0, height - 1), [`… ${lines.length - height + 1} more`]];
}

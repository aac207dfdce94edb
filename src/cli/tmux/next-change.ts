/**
 * What is the next thing to change in the view, so that every agent that lives has one pane? Pure: the view and the fleet as they are, in. Policy:
 * - an agent that lives has a pane; one that a person closed stays closed (`given`) until the view is opened again;
 * - the pane of a stopped agent goes, that of a failed one stays to be read, until it is closed or the agent is started again, which takes its place;
 * - a window holds as many panes as can be read (at most MAX_PANES), the next agent goes to the next window;
 * - a window in which a person has made one pane large is left alone until it is small again.
 */
import type { SessionRow } from '../../contract/session.js';
import { isOver } from '../../contract/phase.js';
import { FLEET, INBOX, type View, type ViewPane, type ViewWindow } from './view-panes.js';

/** Most panes of a window. */
const MAX_PANES = 9;
/** A pane is wider and higher than that, its title included, or its window takes no more. In characters. */
const MIN_COLUMNS = 38;
const MIN_ROWS = 8;

/** One change. `into` null: a new window. */
export type ViewChange =
  | { readonly type: 'open'; readonly row: SessionRow; readonly into: string | null }
  | { readonly type: 'take_over'; readonly pane_id: string; readonly row: SessionRow }
  | { readonly type: 'move'; readonly pane_id: string; readonly into: string | null }
  | { readonly type: 'close'; readonly pane_id: string };

/** What is known. */
export interface Situation {
  readonly view: View;
  /** Of every session that has a pane and is not forgotten, and every one that lives. */
  readonly rows: readonly SessionRow[];
  /** Sessions that have had a pane. */
  readonly given: ReadonlySet<string>;
  /** Panes that were started again just now: one that ends at once is not started for ever. */
  readonly tried: ReadonlySet<string>;
}

/** See the top of this file; null when all is as it should be. */
export function nextChange(situation: Situation): ViewChange | null {
  const { view, rows, given, tried } = situation;
  const agents = view.panes.filter((pane) => pane.shows !== INBOX && pane.shows !== FLEET);
  const touchable = (pane: ViewPane): boolean => !windowOf(view, pane).zoomed;
  const twice = agents.find((pane, at) => agents.findIndex(({ shows }) => shows === pane.shows) < at);
  if (twice !== undefined) return { type: 'close', pane_id: twice.pane_id };

  const row_of = new Map(rows.map((row) => [row.session_id, row]));
  const shown = new Set(agents.map(({ shows }) => shows));
  const without_pane = rows.filter((row) => !isOver(row) && !shown.has(row.session_id) && !given.has(row.session_id));
  for (const pane of agents) {
    const row = row_of.get(pane.shows);
    const heir = without_pane.find(({ id }) => id === row?.id);
    if (row !== undefined && isOver(row) && heir !== undefined) {
      return { type: 'take_over', pane_id: pane.pane_id, row: heir };
    }
    if (row !== undefined && !isOver(row) && pane.dead && !tried.has(pane.pane_id)) {
      return { type: 'take_over', pane_id: pane.pane_id, row };
    }
    if ((row === undefined || row.phase === 'stopped') && touchable(pane)) {
      return { type: 'close', pane_id: pane.pane_id };
    }
  }

  const windows = agentWindows(view);
  const surplus = agents.findLast((pane, at) => {
    const window = windowOf(view, pane);
    const is_first = agents.findIndex(({ window_id }) => window_id === pane.window_id) === at;
    return !is_first && windows.includes(window) && !window.zoomed && window.panes > roomOf(window);
  });
  const free = windows.find((window) => !window.zoomed && window.panes < roomOf(window))?.window_id ?? null;
  if (surplus !== undefined) return { type: 'move', pane_id: surplus.pane_id, into: free };
  const [row] = without_pane;
  return row === undefined ? null : { type: 'open', row, into: free };
}

/** Windows that hold agents, and neither inbox nor table. */
export function agentWindows(view: View): ViewWindow[] {
  const home = new Set(view.panes.flatMap(({ shows, window_id }) => (isHome(shows) ? [window_id] : [])));
  return view.windows.filter(({ window_id }) => !home.has(window_id));
}

function isHome(shows: string): boolean {
  return shows === INBOX || shows === FLEET;
}

/** How many panes of that window can be read, laid out as tmux tiles: rows and columns are added in turn. At least one. */
export function roomOf(window: Pick<ViewWindow, 'columns' | 'rows'>): number {
  let room = 1;
  for (let panes = 2; panes <= MAX_PANES; panes += 1) {
    let [across, down] = [1, 1];
    while (across * down < panes) {
      down += 1;
      if (across * down < panes) across += 1;
    }
    const is_readable = window.columns / across > MIN_COLUMNS && window.rows / down > MIN_ROWS;
    if (is_readable) room = panes;
  }
  return room;
}

function windowOf(view: View, pane: ViewPane): ViewWindow {
  const found = view.windows.find(({ window_id }) => window_id === pane.window_id);
  if (found === undefined) throw new Error(`pane ${pane.pane_id} is in no window`);
  return found;
}

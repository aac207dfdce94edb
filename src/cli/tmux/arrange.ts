import { fileURLToPath } from 'node:url';
import type { ProjectPaths } from '../../contract/project.js';
import type { SessionRow } from '../../contract/session.js';
import { agentWindows, nextChange, type ViewChange } from './next-change.js';
import { paneColor, paneTitle } from './pane-title.js';
import type { TmuxServer } from './tmux-server.js';
import { adoptPane, dressWindow, readView, titlePane, type Shows, type View } from './view-panes.js';

/** Most changes of one round: a fleet is no bigger than that, and a mistake of ours ends. */
const MAX_CHANGES = 1000;

/** What the window of inbox and table is called, after what goes before it in a session that is not ours alone. */
export const HOME_NAME = 'inbox';

/** A view on its tmux server, and what its panes run. */
export interface ViewPlace {
  readonly tmux: TmuxServer;
  readonly project: ProjectPaths;
  readonly env: Readonly<Record<string, string | undefined>>;
}

/** Brings the panes of agents in line with the fleet, step by step, looking again after each; answers with the view as it is then. */
export async function arrange(place: ViewPlace, rows: readonly SessionRow[], given: Set<string>): Promise<View> {
  const { tmux, project } = place;
  const tried = new Set<string>();
  for (let changes = 0; changes < MAX_CHANGES; changes += 1) {
    const view = await readView(tmux, project);
    for (const { shows } of view.panes) given.add(shows);
    const change = view.panes.length === 0 ? null : nextChange({ view, rows, given, tried });
    if (change === null) return await entitle(place, view, rows);
    if (change.type === 'take_over') tried.add(change.pane_id);
    await make(place, view, change);
  }
  throw new Error(`the panes are not in order after ${MAX_CHANGES} changes`);
}

/** What a new pane runs until it is one of the view. What it shows begins then, so that it may end at once and the pane is still there to say why. */
export const PLACEHOLDER = ['--', 'sleep', '60'];

/** Commands that make a pane one of the view, and begin in it what it shows. */
export function beginPane(place: ViewPlace, pane_id: string, shows: Shows): string[][] {
  return [
    ...adoptPane(pane_id, place.project, shows),
    ['respawn-pane', '-k', '-t', pane_id, '--', ...paneCommand(place, shows)],
  ];
}

/** The command line of what a pane shows: this program, with the surroundings that it finds its daemon by. No shell reads it. */
function paneCommand(place: ViewPlace, shows: Shows): string[] {
  const program = fileURLToPath(new URL('../../../bin/filare-agents.js', import.meta.url));
  const names = ['XDG_RUNTIME_DIR', 'NO_COLOR', 'FORCE_COLOR'];
  const unset = names.flatMap((name) => (place.env[name] === undefined ? ['-u', name] : []));
  const set = names.flatMap((name) => (place.env[name] === undefined ? [] : [`${name}=${place.env[name]}`]));
  const self = [process.execPath, program, '--project', place.project.root];
  return ['/usr/bin/env', ...unset, ...set, ...self, 'tmux', '--show', shows];
}

async function make(place: ViewPlace, view: View, change: ViewChange): Promise<void> {
  const { tmux } = place;
  switch (change.type) {
    case 'open': {
      const shows = change.row.session_id;
      const [window_id, pane_id] = await openPane(place, view, change.into);
      await tmux.run(
        ...beginPane(place, pane_id, shows),
        ...titlePane(pane_id, paneTitle(change.row), paneColor(change.row)),
        tile(window_id),
      );
      return;
    }
    case 'take_over': {
      const { pane_id, row } = change;
      await tmux.run(...beginPane(place, pane_id, row.session_id));
      return;
    }
    case 'move': {
      const from = view.panes.find(({ pane_id }) => pane_id === change.pane_id)?.window_id;
      if (change.into === null) {
        const { tmux_session } = placeOfNext(view);
        const move = ['break-pane', '-d', '-s', change.pane_id, '-t', `${tmux_session}:`, '-n', nextName(view)];
        const window_id = await tmux.run([...move, '-P', '-F', '#{window_id}']);
        await tmux.run(...dressWindow(window_id.trim()));
      } else {
        // Panes leave a crowded window from its end: each stands before those that left earlier.
        const first = view.panes.find(({ window_id }) => window_id === change.into)?.pane_id ?? change.into;
        await tmux.run(['join-pane', '-d', '-b', '-s', change.pane_id, '-t', first], tile(change.into));
      }
      if (from !== undefined) await tmux.tryRun(tile(from));
      return;
    }
    case 'close': {
      const window_id = view.panes.find(({ pane_id }) => pane_id === change.pane_id)?.window_id;
      // A person may have closed it in the meantime, and the last pane of a window takes it along.
      await tmux.tryRun(['kill-pane', '-t', change.pane_id]);
      if (window_id !== undefined) await tmux.tryRun(tile(window_id));
      return;
    }
  }
}

/** A pane beside others, or in a window of its own; answers with window and pane. */
async function openPane(
  place: ViewPlace,
  view: View,
  into: string | null,
): Promise<[window_id: string, pane_id: string]> {
  const { tmux } = place;
  const answer = ['-d', '-P', '-F', '#{window_id} #{pane_id}'];
  // Behind the last one, so that they stand in the order in which they came.
  const last = view.panes.findLast(({ window_id }) => window_id === into)?.pane_id;
  // Where tmux finds no room after all, it is a window of its own.
  const beside =
    into === null || last === undefined
      ? undefined
      : await tmux.tryRun(['split-window', ...answer, '-t', last, ...PLACEHOLDER], tile(into));
  if (beside !== undefined) return idsOf(beside);
  const target = `${placeOfNext(view).tmux_session}:`;
  const made = await tmux.run(['new-window', ...answer, '-t', target, '-n', nextName(view), ...PLACEHOLDER]);
  const [window_id, pane_id] = idsOf(made);
  await tmux.run(...dressWindow(window_id));
  return [window_id, pane_id];
}

function idsOf(said: string): [window_id: string, pane_id: string] {
  const [window_id = '', pane_id = ''] = said.trim().split(' ');
  return [window_id, pane_id];
}

/** A new window goes where the view is already. */
function placeOfNext(view: View): { readonly tmux_session: string } {
  const [window] = view.windows;
  if (window === undefined) throw new Error('the view has no window');
  return window;
}

/** Named as the window of the inbox is: `agents`, or `shop-agents` beside `shop-inbox`. */
function nextName(view: View): string {
  const home = view.windows.find(({ name }) => name.endsWith(HOME_NAME));
  const prefix = home?.name.slice(0, -HOME_NAME.length) ?? '';
  const taken = new Set(agentWindows(view).map(({ name }) => name));
  for (let number = 1; ; number += 1) {
    const name = `${prefix}agents${number === 1 ? '' : `-${number}`}`;
    if (!taken.has(name)) return name;
  }
}

function tile(window_id: string): string[] {
  return ['select-layout', '-t', window_id, 'tiled'];
}

/** Puts the titles right that are not. */
async function entitle(place: ViewPlace, view: View, rows: readonly SessionRow[]): Promise<View> {
  const row_of = new Map(rows.map((row) => [row.session_id, row]));
  const panes = view.panes.map((pane) => {
    const row = row_of.get(pane.shows);
    return row === undefined ? pane : { ...pane, title: paneTitle(row), row };
  });
  for (const [at, pane] of panes.entries()) {
    if (!('row' in pane) || pane.title === view.panes[at]?.title) continue;
    await place.tmux.tryRun(...titlePane(pane.pane_id, pane.title, paneColor(pane.row)));
  }
  return { ...view, panes };
}

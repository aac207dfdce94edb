/**
 * The view of a project on a tmux server. Contract:
 * - a project has one view on a server: opening it again finds it, and mends what is missing in it;
 * - inside tmux it is windows of the session one is in, else a session of its own;
 * - closing it, by whatever means, ends what shows, and nothing that is shown.
 */
import { basename } from 'node:path';
import type { SessionRow } from '../../contract/session.js';
import { arrange, beginPane, HOME_NAME, PLACEHOLDER, type ViewPlace } from './arrange.js';
import { plainTitle } from './pane-title.js';
import { dressWindow, FLEET, INBOX, readView, titlePane, type Shows, type View } from './view-panes.js';

/** Lines of the table, of so many of its window. */
const TABLE_SHARE = 0.4;
const TABLE_MIN_ROWS = 5;

/** Where a new view is made. */
export interface OpenOptions {
  /** The session to use; made when it is not there. */
  readonly session?: string | undefined;
  /** Tmux's id of the session that one is in. */
  readonly inside?: string | undefined;
  /** Size of a session that is made, in characters. */
  readonly columns: number;
  readonly rows: number;
}

/** A view that is open. */
export interface OpenedView {
  readonly view: View;
  readonly tmux_session: string;
  readonly session_name: string;
  /** The window with inbox and table. */
  readonly home: string;
  /** This call made it. */
  readonly created: boolean;
}

/** See the top of this file. `rows`: the sessions that live. */
export async function openView(
  place: ViewPlace,
  rows: readonly SessionRow[],
  options: OpenOptions,
): Promise<OpenedView> {
  const { tmux, project } = place;
  const before = await readView(tmux, project);
  const created = before.panes.length === 0;
  const inbox = paneOf(before, INBOX) ?? (await openInbox(place, before, options));
  // The keeper comes last: until then the panes of agents are ours to make.
  await arrange(place, rows, new Set());
  await openTable(place, inbox.window_id);
  const view = await readView(tmux, project);
  const name = await tmux.run(['display-message', '-p', '-t', inbox.pane_id, '#{session_id} #{session_name}']);
  const [tmux_session = '', ...words] = name.trim().split(' ');
  return { view, tmux_session, session_name: words.join(' '), home: inbox.window_id, created };
}

/** Closes the view; answers how many panes it had. Windows and panes that a person made stay. */
export async function closeView(place: Pick<ViewPlace, 'tmux' | 'project'>): Promise<number> {
  const { panes } = await readView(place.tmux, place.project);
  // The table first: it keeps the others.
  const in_order = [...panes].sort((a, b) => Number(b.shows === FLEET) - Number(a.shows === FLEET));
  for (const { pane_id } of in_order) await place.tmux.tryRun(['kill-pane', '-t', pane_id]);
  return panes.length;
}

/** The name of a project's session, of letters and digits of any script, which need no quoting anywhere. */
export function sessionName(root: string): string {
  const name = basename(root)
    .replace(/[^\p{L}\p{M}\p{N}_]+/gu, '-')
    .replace(/^-|-$/g, '');
  return `filare-${name === '' ? 'project' : name}`;
}

/** What the windows of a view are called in a session that is somebody else's. */
function windowPrefix(root: string): string {
  return `${sessionName(root).slice('filare-'.length)}-`;
}

function paneOf(view: View, shows: Shows): { readonly pane_id: string; readonly window_id: string } | undefined {
  return view.panes.find((pane) => pane.shows === shows);
}

async function openInbox(
  place: ViewPlace,
  before: View,
  options: OpenOptions,
): Promise<{ readonly pane_id: string; readonly window_id: string }> {
  const { tmux, project } = place;
  const answer = ['-P', '-F', '#{window_id} #{pane_id}'];
  const name = ['-n', `${options.inside === undefined ? '' : windowPrefix(project.root)}${HOME_NAME}`];
  const table = paneOf(before, FLEET);
  const session = before.windows[0]?.tmux_session ?? options.inside ?? (await sessionOf(place, options));
  const made =
    table !== undefined
      ? await tmux.run(['split-window', '-d', '-b', ...answer, '-t', table.pane_id, ...PLACEHOLDER])
      : session.startsWith('$')
        ? await tmux.run(['new-window', '-d', ...answer, '-t', `${session}:`, ...name, ...PLACEHOLDER])
        : await tmux.run([
            ...['new-session', '-d', ...answer, '-s', session],
            ...['-x', String(options.columns), '-y', String(options.rows), ...name, ...PLACEHOLDER],
          ]);
  const [window_id = '', pane_id = ''] = made.trim().split(' ');
  await tmux.run(
    ...dressWindow(window_id),
    ...beginPane(place, pane_id, INBOX),
    ...titlePane(pane_id, 'inbox', 'default'),
  );
  return { pane_id, window_id };
}

/** The session to make windows in: tmux's id of one that is there, or the name of one to make. */
async function sessionOf(place: ViewPlace, options: OpenOptions): Promise<string> {
  const { tmux, project } = place;
  const named = options.session ?? sessionName(project.root);
  const id = await idOf(place, named);
  if (id === undefined) return named;
  if (options.session !== undefined) return id;
  // Another project of the same name has its view there.
  const keys = await tmux.run(['list-panes', '-s', '-t', id, '-F', '#{@filare_project}']);
  if (!keys.split('\n').some((key) => key !== '' && key !== project.key)) return id;
  const own = `${named}-${project.key.slice(0, 6)}`;
  return (await idOf(place, own)) ?? own;
}

async function idOf({ tmux }: ViewPlace, name: string): Promise<string | undefined> {
  // `=`: that very name, not one that begins so.
  const said = await tmux.tryRun(['list-panes', '-s', '-t', `=${name}:`, '-F', '#{session_id}']);
  return said?.split('\n')[0];
}

/** The table below the inbox, begun anew where it is there: it keeps the panes of agents, and forgets which ones were closed. */
async function openTable(place: ViewPlace, home: string): Promise<void> {
  const { tmux, project } = place;
  const there = paneOf(await readView(tmux, project), FLEET);
  if (there !== undefined) {
    await tmux.run(...beginPane(place, there.pane_id, FLEET));
    return;
  }
  const rows = Number(await tmux.run(['display-message', '-p', '-t', home, '#{window_height}']));
  const lines = String(Math.max(TABLE_MIN_ROWS, Math.floor(rows * TABLE_SHARE)));
  const split = ['split-window', '-d', '-v', '-l', lines, '-P', '-F', '#{pane_id}', '-t', home] as const;
  const pane_id = (await tmux.run([...split, ...PLACEHOLDER])).trim();
  await tmux.run(
    ...beginPane(place, pane_id, FLEET),
    ...titlePane(pane_id, plainTitle(`fleet ${basename(project.root)}`), 'default'),
  );
}

import type { ProjectPaths } from '../../contract/project.js';
import type { TmuxServer } from './tmux-server.js';

/** What a pane of the view shows: the inbox, the table of the fleet, or the session of that id. */
export type Shows = string;
export const INBOX: Shows = 'inbox';
export const FLEET: Shows = 'fleet';

/** A pane of a project's view. */
export interface ViewPane {
  readonly pane_id: string;
  readonly window_id: string;
  /** Tmux's id of the session that its window is in. */
  readonly tmux_session: string;
  readonly shows: Shows;
  /** What it runs has ended; the pane is still there. */
  readonly dead: boolean;
  readonly title: string;
}

/** A window with at least one pane of the view. Size in characters. */
export interface ViewWindow {
  readonly window_id: string;
  readonly tmux_session: string;
  readonly name: string;
  readonly columns: number;
  readonly rows: number;
  /** One pane fills it for now. */
  readonly zoomed: boolean;
  /** Panes in it, also those that a person made. */
  readonly panes: number;
}

/** All of a project's view that is on a tmux server. */
export interface View {
  readonly panes: readonly ViewPane[];
  readonly windows: readonly ViewWindow[];
}

/** Whose pane it is, and what it shows: options that are set on each pane. */
const PROJECT_OPTION = '@filare_project';
const SHOWS_OPTION = '@filare_shows';

/** One line a pane. Only the title and the name may hold blanks: last, behind a mark that neither has. */
const FORMAT = [
  '#{pane_id}',
  '#{window_id}',
  '#{session_id}',
  `#{?${PROJECT_OPTION},#{${PROJECT_OPTION}},-}`,
  `#{?${SHOWS_OPTION},#{${SHOWS_OPTION}},-}`,
  '#{pane_dead}',
  '#{window_width}',
  '#{window_height}',
  '#{window_zoomed_flag}',
  '#{window_panes}',
  '#{window_name}|#{pane_title}',
].join(' ');

/** The view of a project as it stands; empty where there is none. */
export async function readView(tmux: TmuxServer, project: ProjectPaths): Promise<View> {
  const said = await tmux.tryRun(['list-panes', '-a', '-F', FORMAT]);
  const panes = new Map<string, ViewPane>();
  const windows = new Map<string, ViewWindow>();
  for (const line of (said ?? '').split('\n')) {
    const [pane_id = '', window_id = '', tmux_session = '', key, shows = '-', dead, width, height, zoomed, count] =
      line.split(' ');
    // A window may be linked into several sessions: the first is its place.
    if (key !== project.key || shows === '-' || panes.has(pane_id)) continue;
    const [name = '', title = ''] = line.split(' ').slice(10).join(' ').split('|');
    panes.set(pane_id, { pane_id, window_id, tmux_session, shows, dead: dead === '1', title });
    windows.set(window_id, {
      window_id,
      tmux_session,
      name,
      columns: Number(width),
      rows: Number(height),
      zoomed: zoomed === '1',
      panes: Number(count),
    });
  }
  return { panes: [...panes.values()], windows: [...windows.values()] };
}

/** Commands that make a pane one of the view. A pane that shows an agent takes no keys. */
export function adoptPane(pane_id: string, project: ProjectPaths, shows: Shows): string[][] {
  const set = ['set-option', '-p', '-t', pane_id] as const;
  return [
    [...set, PROJECT_OPTION, project.key],
    [...set, SHOWS_OPTION, shows],
    [...set, 'remain-on-exit', 'on'],
    // Since tmux 3.3; `-q` lets older ones pass it by.
    [...set, '-q', 'remain-on-exit-format', ''],
    ...(shows === INBOX ? [] : [['select-pane', '-d', '-t', pane_id]]),
  ];
}

/** Commands that make a window show titles over its panes, whatever the user's configuration says. */
export function dressWindow(window_id: string): string[][] {
  const set = ['set-option', '-w', '-t', window_id] as const;
  return [
    [...set, 'pane-border-status', 'top'],
    [...set, 'pane-border-format', `#[fg=#{?${COLOR_OPTION},#{${COLOR_OPTION}},default}] #{pane_title} #[default]`],
    [...set, 'automatic-rename', 'off'],
    [...set, 'allow-rename', 'off'],
    [...set, 'synchronize-panes', 'off'],
  ];
}

const COLOR_OPTION = '@filare_color';

/** Commands that give a pane its title. `title` holds nothing that tmux reads (pane-title.ts). */
export function titlePane(pane_id: string, title: string, color: string): string[][] {
  return [
    ['set-option', '-p', '-t', pane_id, COLOR_OPTION, color],
    ['select-pane', '-t', pane_id, '-T', title],
  ];
}

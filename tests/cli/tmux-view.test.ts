import { mkdirSync } from 'node:fs';
import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { nextChange, roomOf, type Situation } from '../../src/cli/tmux/next-change.js';
import { sessionName } from '../../src/cli/tmux/open-view.js';
import { paneColor, paneTitle, plainTitle } from '../../src/cli/tmux/pane-title.js';
import { commandLine, isNewEnough, TmuxServer } from '../../src/cli/tmux/tmux-server.js';
import type { ViewPane, ViewWindow } from '../../src/cli/tmux/view-panes.js';
import type { ProjectPaths } from '../../src/contract/project.js';
import type { SessionRow } from '../../src/contract/session.js';
import { newProject, removeProject, run } from './rig.js';
import { rowOf } from './samples.js';
import { HAS_TMUX } from './tmux.js';

const HOME: readonly ViewPane[] = [pane('%0', 'inbox', '@0'), pane('%1', 'fleet', '@0')];

function pane(pane_id: string, shows: string, window_id = '@1', dead = false): ViewPane {
  return { pane_id, window_id, tmux_session: '$0', shows, dead, title: '' };
}

function window_(window_id: string, panes: number, patch: Partial<ViewWindow> = {}): ViewWindow {
  return { window_id, tmux_session: '$0', name: '', columns: 120, rows: 39, zoomed: false, panes, ...patch };
}

function row(id: string, patch: Partial<SessionRow> = {}): SessionRow {
  return rowOf(id, { session_id: `${id}-1`, ...patch });
}

function situation(
  panes: readonly ViewPane[],
  rows: readonly SessionRow[],
  patch: Partial<Situation> & { readonly window?: Partial<ViewWindow> } = {},
): Situation {
  const windows = [...new Set(['@0', ...panes.map(({ window_id }) => window_id)])].map((window_id) =>
    window_(window_id, panes.filter((one) => one.window_id === window_id).length, patch.window),
  );
  return { view: { panes: [...HOME, ...panes], windows }, rows, given: new Set(), tried: new Set(), ...patch };
}

const ENDED = { phase: 'stopped', activity: null, ended_at: '2026-01-01T00:00:00Z' } as const;

describe('the panes of agents', () => {
  it('are one for each that lives: the first in a new window, the next beside it', () => {
    expect(nextChange(situation([], [row('a')]))).toMatchObject({ type: 'open', row: { id: 'a' }, into: null });
    const beside = nextChange(situation([pane('%2', 'a-1')], [row('a'), row('b')]));
    expect(beside).toMatchObject({ type: 'open', row: { id: 'b' }, into: '@1' });
    expect(nextChange(situation([pane('%2', 'a-1')], [row('a')]))).toBeNull();
  });

  it('go when their agent was stopped, stay when it failed, and are taken over when it is started again', () => {
    const panes = [pane('%2', 'a-1')];
    expect(nextChange(situation(panes, [row('a', ENDED)]))).toEqual({ type: 'close', pane_id: '%2' });
    expect(nextChange(situation(panes, []))).toEqual({ type: 'close', pane_id: '%2' });
    const failed = row('a', { ...ENDED, phase: 'failed' });
    expect(nextChange(situation(panes, [failed]))).toBeNull();
    const again = row('a', { session_id: 'a-2' });
    expect(nextChange(situation(panes, [failed, again]))).toEqual({ type: 'take_over', pane_id: '%2', row: again });
  });

  it('that a person closed stay closed; one whose program died is begun again, once a round', () => {
    expect(nextChange(situation([], [row('a')], { given: new Set(['a-1']) }))).toBeNull();
    const dead = [pane('%2', 'a-1', '@1', true)];
    expect(nextChange(situation(dead, [row('a')]))).toMatchObject({ type: 'take_over', pane_id: '%2' });
    expect(nextChange(situation(dead, [row('a')], { tried: new Set(['%2']) }))).toBeNull();
  });

  it('are at most as many in a window as can be read', () => {
    expect(roomOf({ columns: 80, rows: 23 })).toBe(4);
    expect(roomOf({ columns: 120, rows: 39 })).toBe(9);
    expect(roomOf({ columns: 400, rows: 200 })).toBe(9);
    expect(roomOf({ columns: 20, rows: 5 })).toBe(1);
    const many = Array.from({ length: 9 }, (_, at) => row(`a${at}`));
    const panes = many.map((one, at) => pane(`%${at + 2}`, one.session_id));
    expect(nextChange(situation(panes, [...many, row('b')]))).toMatchObject({ type: 'open', into: null });
    // The terminal has become smaller.
    const crowded = nextChange(situation(panes, many, { window: { columns: 80, rows: 23 } }));
    expect(crowded).toEqual({ type: 'move', pane_id: '%10', into: null });
  });

  it('are left alone while one is made large; of two for one session the later goes', () => {
    const window = { zoomed: true };
    expect(nextChange(situation([pane('%2', 'a-1')], [row('a', ENDED)], { window }))).toBeNull();
    expect(nextChange(situation([pane('%2', 'a-1')], [row('a'), row('b')], { window }))).toMatchObject({ into: null });
    const twice = nextChange(situation([pane('%2', 'a-1'), pane('%3', 'a-1')], [row('a')]));
    expect(twice).toEqual({ type: 'close', pane_id: '%3' });
  });
});

describe('the title of a pane', () => {
  it('says id, role and state, and nothing that tmux would read', () => {
    expect(paneTitle(row('a', { role: 'FEATURE', activity: 'working' }))).toBe('a: working (FEATURE)');
    const waiting = row('a', { role: 'FEATURE', activity: 'waiting', pending_prompts: 2, health: 'stalled' });
    expect(paneTitle(waiting)).toBe('a: waiting, stalled, 2 prompts (FEATURE)');
    expect(paneTitle(row('a', { role: 'FIXER', phase: 'backing_off', activity: null }))).toBe('a: backing off (FIXER)');
    expect(plainTitle('#(touch x) #[fg=red] \u001b]0;x\u0007 %H {a}|')).toBe('_(touch x) __fg_red_ __0_x_ _H _a__');
    expect(plainTitle('fleet Übergröße 東京 #{x}')).toBe('fleet Übergröße 東京 __x_');
    expect(sessionName('/home/me/Müller & Söhne #(x)')).toBe('filare-Müller-Söhne-x');
    expect(paneColor(row('a', { pending_prompts: 1 }))).toBe('yellow');
    expect(paneColor(row('a', { phase: 'failed' }))).toBe('red');
  });
});

describe('a tmux', () => {
  it('is new enough from 3.0 on', () => {
    for (const said of ['tmux 3.0', 'tmux 3.3a', 'tmux 10.1', 'tmux next-3.5', 'tmux master', 'tmux openbsd-7.4']) {
      expect(isNewEnough(said), said).toBe(true);
    }
    for (const said of ['tmux 2.9a', 'tmux 1.8']) expect(isNewEnough(said), said).toBe(false);
  });

  it('gets commands apart from each other, whatever their words end in', () => {
    expect(commandLine([['a', 'x;'], ['b']])).toEqual(['a', 'x\\;', ';', 'b']);
  });

  it.skipIf(!HAS_TMUX)('passes on every argument as it is', async () => {
    const project = newProject();
    const socket = `filare-test-${randomBytes(4).toString('hex')}`;
    const tmux = new TmuxServer({ socket, cwd: project.root, env: { ...process.env, TMUX: '' } });
    const words = ['a;', 'b\\;', "it's", '"q"', '$HOME', '`id`', '#(touch x)', '#{pane_id}', ';', '\\', '-x', ''];
    try {
      await tmux.run(['new-session', '-d', '--', process.execPath, '-e', SHOW_ARGUMENTS, '--', ...words]);
      let shown = '';
      for (let look = 0; look < 200 && !shown.includes(']'); look += 1) {
        await new Promise((go) => setTimeout(go, 30));
        shown = await tmux.run(['capture-pane', '-p', '-J']);
      }
      expect(JSON.parse(shown.trim())).toEqual(words);
    } finally {
      await tmux.tryRun(['kill-server']);
      removeProject(project);
    }
  });
});

const SHOW_ARGUMENTS = 'console.log(JSON.stringify(process.argv.slice(1))); setTimeout(() => {}, 60000)';

describe('filare-agents tmux', () => {
  let project: ProjectPaths;
  beforeEach(() => {
    project = newProject();
  });
  afterEach(() => removeProject(project));

  it('says what it needs: a terminal, or --detach', async () => {
    const { code, stderr } = await run(project, ['tmux']);
    expect(code).toBe(2);
    expect(stderr).toContain('add --detach');
    const json = await run(project, ['tmux', '--json'], { columns: 80, can_ask: true });
    expect(json.code).toBe(2);
    expect(json.stderr).toContain('--json goes with --detach');
    const nested = await run(project, ['tmux', '-L', 'other'], { columns: 80, can_ask: true, env: { TMUX: '/x,1,0' } });
    expect(nested.code).toBe(2);
    expect(nested.stderr).toContain('leave --socket out');
  });

  it('says how to install tmux where it is missing', async () => {
    mkdirSync(join(project.root, 'bin'));
    const { code, stderr } = await run(project, ['tmux', '--detach'], { env: { PATH: join(project.root, 'bin') } });
    expect(code).toBe(2);
    expect(stderr).toContain('tmux is not installed');
    expect(stderr).toContain('apt-get install tmux');
  });

  it.skipIf(!HAS_TMUX)('closes no view where none is open, and starts nothing for it', async () => {
    const env = { PATH: process.env['PATH'] ?? '' };
    const socket = `filare-test-${randomBytes(4).toString('hex')}`;
    const { code, stdout } = await run(project, ['tmux', '--kill', '-L', socket, '--json'], { env });
    expect({ code, stdout }).toEqual({ code: 0, stdout: '{"closed":false,"panes":0}\n' });
    expect((await run(project, ['daemon', 'status'])).stdout).toContain('no daemon runs');
  });
});

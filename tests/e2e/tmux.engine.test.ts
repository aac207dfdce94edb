import { execFile } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Fleet } from '../../src/client/fleet.js';
import { HAS_TMUX, TmuxTerminal } from '../cli/tmux.js';
import { eventually, FleetRig } from '../support/fleet-rig.js';

const run = promisify(execFile);
const BIN = fileURLToPath(new URL('../../bin/filare-agents.js', import.meta.url));

const MANIFEST = `
defaults:
  resources: { cpus: 1, memory: 256m, pids: 256 }
sessions:
  - { id: asker, role: FEATURE }
  - { id: talker, role: DOCUMENTATION }
  - { id: worker, role: FIXER }
`;

/** What tmux runs in a format, what it takes for a style, and what a terminal obeys. */
const HOSTILE =
  '#(touch owned) #[fg=red]loud \u001b]0;owned\u0007\u001b]2;owned\u0007\u001b[2J\u001bkowned\u001b\\ end of it';

const REHEARSAL = JSON.stringify({
  parts: [
    { text: 'ask', do: [{ ask_approval: 'touch asked.txt', reason: 'it is needed' }, { say: 'it was approved' }] },
    { text: 'hostile', do: [{ say: HOSTILE }] },
    { matches: '/^count (\\d+)/', do: [{ say: 'counted {{1}}' }] },
  ],
});

/** A configuration of somebody who likes things otherwise. */
const CONF = `
set -g base-index 1
setw -g pane-base-index 1
set -g renumber-windows on
set -g default-shell /bin/sh
set -g default-command 'exit 9'
setw -g remain-on-exit off
setw -g synchronize-panes on
setw -g pane-border-status off
setw -g automatic-rename on
set -g allow-rename on
set -g status-right '#T'
`;

if (!HAS_TMUX) console.log('skipped: filare-agents tmux needs tmux, which is not installed');

describe.skipIf(!HAS_TMUX)('the fleet in tmux', () => {
  const socket = `filare-test-${randomBytes(4).toString('hex')}`;
  let rig: FleetRig;
  let fleet: Fleet;
  let terminal: TmuxTerminal;

  beforeAll(async () => {
    const name = `it's "$HOME" #(touch owned); #[fg=red]#{pid} é-`;
    rig = await FleetRig.make({ 'configs/agents/a.yml': MANIFEST, '.tmux.conf': CONF }, name);
    fleet = await rig.fleet();
    await rig.start(fleet, REHEARSAL);
    terminal = new TmuxTerminal(rig.paths);
    await terminal.open(120, 40);
  }, 120_000);
  afterAll(async () => {
    await terminal.close();
    for (const name of [socket, `${socket}-inside`]) await run('tmux', ['-L', name, 'kill-server']).catch(() => null);
    await fleet[Symbol.asyncDispose]();
    await rig.end();
  }, 60_000);

  async function tmux(...argv: readonly string[]): Promise<string> {
    return (await run('tmux', ['-u', '-L', socket, ...argv])).stdout.trim();
  }

  /** Titles of panes, each with the id of its pane. */
  async function titles(): Promise<Map<string, string>> {
    const lines = (await tmux('list-panes', '-a', '-F', '#{pane_id} #{pane_title}')).split('\n');
    return new Map(lines.map((line) => [line.slice(line.indexOf(' ') + 1), line.split(' ')[0] ?? '']));
  }

  async function untilTitled(...wanted: readonly string[]): Promise<void> {
    let there: string[] = [];
    await eventually(`panes titled ${wanted.join(' · ')}`, async () => {
      there = [...(await titles()).keys()].filter((title) => !/^(inbox|fleet)/.test(title)).sort();
      return JSON.stringify(there) === JSON.stringify([...wanted].sort());
    }).catch((failure: unknown) => {
      throw new Error(`there were: ${there.join(' · ')}`, { cause: failure });
    });
  }

  async function paneOf(agent: string): Promise<string> {
    for (const [title, pane_id] of await titles()) if (title.startsWith(`${agent}: `)) return pane_id;
    throw new Error(`no pane of ${agent}`);
  }

  async function shown(agent: string): Promise<string> {
    return tmux('capture-pane', '-p', '-J', '-t', await paneOf(agent));
  }

  async function type(...argv: readonly string[]): Promise<void> {
    await terminal.type(`'${process.execPath}' '${BIN}' ${argv.join(' ')}; echo "left with $?"`);
    await terminal.keys('Enter');
  }

  /** Programs of a view of this project. */
  async function viewers(): Promise<string[]> {
    // Where no locale is set, ps shows no letters beyond ASCII.
    const { stdout } = await run('env', ['LC_ALL=C.UTF-8', 'ps', '-eo', 'args=', '-ww']);
    return stdout.split('\n').filter((line) => line.includes(rig.root) && line.includes('tmux --show'));
  }

  it('shows inbox, table and a titled pane for each agent, whatever tmux.conf and folder are like', async () => {
    await type('tmux', '-L', socket);
    await terminal.until((screen) => /inbox {2}0 prompts/.test(screen) && /3 sessions · 3 idle/.test(screen));
    await untilTitled('asker: idle (FEATURE)', 'talker: idle (DOCUMENTATION)', 'worker: idle (FIXER)');
    await terminal.keys('C-b', 'n');
    const screen = await terminal.until((text) => text.split('running on thread').length > 1);
    for (const title of ['asker: idle (FEATURE)', 'talker: idle (DOCUMENTATION)', 'worker: idle (FIXER)']) {
      expect(screen).toContain(`── ${title} ──`);
    }
    expect(await tmux('list-windows', '-a', '-F', '#{window_name}')).toBe('inbox\nagents');
    expect(existsSync(join(rig.root, 'owned'))).toBe(false);
    await terminal.keys('C-b', 'p');
  });

  it('lets a prompt be approved by key where it appears, also in an inbox that was left and opened again', async () => {
    await terminal.keys('q');
    await terminal.until((screen) => screen.includes('any key opens the inbox again'));
    await terminal.keys('x');
    await terminal.until((screen) => screen.includes('inbox  0 prompts') && !screen.includes('any key opens'));
    await fleet.send('asker', 'ask');
    await terminal.until((screen) => screen.includes('touch asked.txt') && screen.includes('a approve'));
    await untilTitled('asker: waiting, 1 prompt (FEATURE)', 'talker: idle (DOCUMENTATION)', 'worker: idle (FIXER)');
    // What has just come cannot be decided yet.
    await new Promise((go) => setTimeout(go, 400));
    await terminal.keys('a');
    await eventually('it was approved', async () => (await shown('asker')).includes('it was approved'));
    await untilTitled('asker: idle (FEATURE)', 'talker: idle (DOCUMENTATION)', 'worker: idle (FIXER)');
  });

  it('obeys nothing that an agent says, and passes no key to an agent', async () => {
    await fleet.send('talker', 'hostile');
    await eventually('it is shown', async () => (await shown('talker')).includes('end of it'));
    expect(await shown('talker')).toContain('#(touch owned) #[fg=red]loud');
    await untilTitled('asker: idle (FEATURE)', 'talker: idle (DOCUMENTATION)', 'worker: idle (FIXER)');
    expect(await tmux('list-windows', '-a', '-F', '#{window_name}')).toBe('inbox\nagents');
    for (const folder of [rig.root, process.cwd()]) expect(existsSync(join(folder, 'owned')), folder).toBe(false);

    const pane = await paneOf('talker');
    const before = await rig.transcript((await fleet.describe('talker')).row.transcript);
    await tmux('select-pane', '-t', pane);
    await terminal.keys('C-b', 'n');
    await terminal.type('count 13');
    await terminal.keys('Enter', 'C-c', 'C-d');
    await terminal.keys('C-b', 'p');
    await fleet.send('talker', 'count 1', { wait_ms: 30_000 });
    await eventually('it goes on', async () => (await shown('talker')).includes('counted 1'));
    const after = await rig.transcript((await fleet.describe('talker')).row.transcript);
    const said = after.slice(before.length).filter(({ direction }) => direction === 'in');
    expect(said.map(({ text }) => text)).toEqual(['count 1']);
    expect(await tmux('display-message', '-p', '-t', pane, '#{pane_dead}')).toBe('0');
  });

  it('gives an agent that comes a pane, takes the one of an agent that was stopped, and leaves alone what was closed', async () => {
    await fleet.stop('worker', { grace_ms: 1000 });
    await untilTitled('asker: idle (FEATURE)', 'talker: idle (DOCUMENTATION)');
    await tmux('kill-pane', '-t', await paneOf('talker'));
    const script = join(rig.root, 'rehearsal.yml');
    const started = await rig.cli(['start', '--session', 'worker', '--rehearsal', script]);
    expect(started.code, started.stderr).toBe(0);
    await untilTitled('asker: idle (FEATURE)', 'worker: idle (FIXER)');
  });

  it('begins a pane again whose program was killed; without its keeper nothing else goes', async () => {
    const pid = (pane_id: string): Promise<string> => tmux('display-message', '-p', '-t', pane_id, '#{pane_pid}');
    const asker = await paneOf('asker');
    const killed = await pid(asker);
    process.kill(Number(killed), 'SIGKILL');
    await eventually('it runs again', async () => (await pid(asker)) !== killed);
    await eventually('its story is there', async () => (await shown('asker')).includes('it was approved'));
    const table = [...(await titles())].find(([title]) => title.startsWith('fleet '))?.[1] ?? '';
    process.kill(Number(await pid(table)), 'SIGKILL');
    await eventually('it is dead', async () => {
      return (await tmux('display-message', '-p', '-t', table, '#{pane_dead}')) === '1';
    });
    expect((await viewers()).length).toBe(3);
  });

  it('is found by a second call, which brings back what was closed', async () => {
    interface Report {
      session: string;
      created: boolean;
      attach: string[];
      windows: { name: string; panes: { shows: string; title: string }[] }[];
    }
    const inbox = (await titles()).get('inbox');
    const report = await rig.json<Report>(['tmux', '-L', socket, '--detach']);
    expect(report).toMatchObject({ created: false, windows: [{ name: 'inbox' }, { name: 'agents' }] });
    expect(report.session).toMatch(/^filare-it-s-HOME-touch-owned-fg-red-pid-é-\w+$/);
    expect(report.attach).toEqual(['tmux', '-L', socket, 'attach', '-t', `=${report.session}`]);
    expect(report.windows[0]?.panes.map(({ shows }) => shows)).toEqual(['inbox', 'fleet']);
    await untilTitled('asker: idle (FEATURE)', 'talker: idle (DOCUMENTATION)', 'worker: idle (FIXER)');
    expect((await titles()).get('inbox')).toBe(inbox);
    expect(await tmux('list-sessions', '-F', '#{session_name}')).toBe(report.session);
    expect((await viewers()).length).toBe(5);
  });

  it('goes on behind the last entry when the daemon was killed and comes back', async () => {
    process.kill(await rig.daemonPid(), 'SIGKILL');
    const sent = await rig.cli(['send', 'talker', 'count 2', '--wait']);
    expect(sent.stdout).toContain('counted 2');
    await eventually('it goes on', async () => (await shown('talker')).includes('counted 2'));
    const story = await shown('talker');
    for (const text of ['← talker: counted 1', '← talker: counted 2']) expect(story.split(text).length, text).toBe(2);
    await terminal.until((screen) => /inbox {2}0 prompts/.test(screen) && /3 sessions/.test(screen));
  });

  it('is windows of the session that one is in, inside tmux', async () => {
    const inside = (...argv: readonly string[]): Promise<string> =>
      run('tmux', ['-u', '-L', `${socket}-inside`, ...argv]).then(({ stdout }) => stdout.trim());
    const shell = ['--', 'bash', '--norc', '--noprofile'];
    const conf = join(rig.root, '.tmux.conf');
    await inside(
      '-f',
      conf,
      'new-session',
      '-d',
      '-s',
      'mine',
      '-n',
      'work',
      '-x',
      '120',
      '-y',
      '40',
      '-c',
      '/',
      ...shell,
    );
    const pane = await inside('list-panes', '-a', '-F', '#{pane_id}');
    const project = `'${rig.root.replaceAll("'", `'\\''`)}'`;
    await inside('send-keys', '-t', pane, '-l', `'${process.execPath}' '${BIN}' --project ${project} tmux`);
    await inside('send-keys', '-t', pane, 'Enter');
    const windows = '#{session_name} #{window_name} #{window_panes} #{window_active}';
    const name = /^mine it-s-HOME-touch-owned-fg-red-pid-é-\w+-/;
    await eventually('its windows are there', async () => {
      const [work, inbox, agents] = (await inside('list-windows', '-a', '-F', windows)).split('\n');
      return work === 'mine work 1 0' && is(inbox, 'inbox 2 1') && is(agents, 'agents 3 0');
    });
    function is(line: string | undefined, rest: string): boolean {
      return name.test(line ?? '') && (line ?? '').endsWith(rest);
    }
    await inside('send-keys', '-t', pane, '-l', `'${process.execPath}' '${BIN}' --project ${project} tmux --kill`);
    await inside('send-keys', '-t', pane, 'Enter');
    await eventually('only the own window is left', async () => {
      return (await inside('list-windows', '-a', '-F', '#{window_name}')) === 'work';
    });
  });

  it('stops nothing when its session is killed', async () => {
    const containers = await rig.containers();
    const pid = await rig.daemonPid();
    await tmux('kill-session');
    await terminal.until((screen) => screen.includes('left with 0'));
    await eventually('nothing shows any more', async () => (await viewers()).length === 0);
    expect(await rig.containers()).toEqual(containers);
    const running = await fleet.sessions();
    expect(running.map(({ id, phase }) => `${id} ${phase}`).sort()).toEqual([
      'asker running',
      'talker running',
      'worker running',
    ]);
    expect(await rig.daemonPid()).toBe(pid);
    const sent = await rig.cli(['send', 'asker', 'count 3', '--wait']);
    expect(sent.stdout).toContain('counted 3');
  });
});

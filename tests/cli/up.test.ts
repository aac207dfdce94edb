import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { stopDaemon } from '../../src/client/stop-daemon.js';
import type { ProjectPaths } from '../../src/contract/project.js';
import { FakeDaemon } from './fake-daemon.js';
import { CliProcess, newProject, removeProject, run, until } from './rig.js';

let project: ProjectPaths;
let daemon: FakeDaemon | undefined;

beforeEach(() => {
  project = newProject('docs', 'judge');
});
afterEach(async () => {
  if (daemon !== undefined) {
    expect(daemon.complaints).toEqual([]);
    await daemon.close();
    daemon = undefined;
  }
  await stopDaemon(project);
  removeProject(project);
});

async function fake(): Promise<FakeDaemon> {
  daemon = await FakeDaemon.start(project);
  return daemon;
}

describe('up', () => {
  it('builds the image when it is not current, starts every agent, and with --no-wait is done', async () => {
    const fleet = await fake();
    let built = false;
    fleet.on.imageStatus = () => ({
      image: 'filare-codex',
      present: built,
      current: built,
      id: null,
      codex_version: '0.169.0',
      reasons: built ? [] : ['it has not been built'],
    });
    fleet.build = (say) => {
      built = true;
      say({ step: 'build', text: 'Step 1/9 : FROM debian' });
      say({ done: {} });
      return Promise.resolve();
    };
    const { code, stdout, stderr } = await run(project, ['up', '--no-wait']);
    expect({ code, built }).toEqual({ code: 0, built: true });
    expect(stderr).toContain('Step 1/9 : FROM debian');
    expect(stdout).toMatch(/docs started: running, idle/);
    expect(stdout).toMatch(/judge started: running, idle/);
  });

  it('twice is harmless, and says so', async () => {
    await fake();
    await run(project, ['up', '--no-wait']);
    const { code, stdout } = await run(project, ['up', '--no-wait']);
    expect(code).toBe(0);
    expect(stdout).toContain('docs runs already');
  });

  it('what an agent in the queue waits for is a command that can be copied: nothing follows it', async () => {
    const fleet = await fake();
    const hint = 'waits until the work of docs is brought home: filare-agents sync docs';
    const row = fleet.addSession('judge', { phase: 'queued', activity: null, waiting_for: hint });
    const { stdout } = await run(project, ['start', '--session', 'judge']);
    expect(stdout).toBe(`judge is in the queue already (${row.session_id}): ${hint}\n`);
  });

  it.each(['up', 'start'])('%s says of an agent named in place of a manifest how it is started', async (command) => {
    const { code, stderr } = await run(project, [command, 'docs']);
    expect(code).toBe(2);
    expect(stderr).toContain('docs is the id of an agent, not a manifest');
    expect(stderr).toContain('filare-agents start --session docs');
    expect((await run(project, [command, 'nobody'])).stderr).toContain('there is no such manifest');
  });

  it.each([
    ['--no-wait', '--wait', 'idle'],
    ['--wait', 'idle', '--no-wait'],
  ])('with %s %s %s is not one wish', async (...argv) => {
    const { code, stderr } = await run(project, ['up', ...argv]);
    expect({ code, stderr }).toMatchObject({ code: 2, stderr: expect.stringContaining('not both') as string });
  });

  it('--wait idle ends when all are, with plain lines on the way', async () => {
    const fleet = await fake();
    fleet.addSession('docs', { activity: 'working' });
    const ran = run(project, ['up', '--wait', 'idle', '--timeout', '50s']);
    const [row] = fleet.rows(false);
    await fleet.untilFollowed(row?.session_id ?? '');
    fleet.update(row?.session_id ?? '', { activity: 'idle' });
    const { code, stdout } = await ran;
    expect(code).toBe(0);
    expect(stdout).toContain('docs: running, working');
  });

  it('--json is the outcomes, and of a refusal the failure', async () => {
    const fleet = await fake();
    const { stdout, stderr } = await run(project, ['up', '--json']);
    expect(JSON.parse(stdout)).toMatchObject([
      { id: 'docs', outcome: 'started' },
      { id: 'judge', outcome: 'started' },
    ]);
    expect(stderr).toBe('');
    fleet.on.startSessions = () => [
      {
        id: 'docs',
        outcome: 'refused',
        session: null,
        error: { code: 'workspace', message: 'wrong branch', hint: 'git checkout agents/docs' },
      },
    ];
    const refused = await run(project, ['up', '--json']);
    expect(refused).toMatchObject({ code: 2, stdout: '' });
    expect(JSON.parse(refused.stderr)).toMatchObject({
      error: { code: 'workspace', hint: 'git checkout agents/docs' },
    });
  });

  it('with a mistake in a manifest shows all of them with the line and a caret, and starts nothing', async () => {
    writeFileSync(
      join(project.root, 'configs', 'agents', 'judge.yml'),
      'id: judge\nrole: JUDGE\ngaol: x\nimage: [1]\n',
    );
    const { code, stderr } = await run(project, ['up']);
    expect(code).toBe(2);
    expect(stderr).toMatch(/configs\/agents\/judge\.yml:3:1/);
    expect(stderr).toMatch(/configs\/agents\/judge\.yml:4:/);
    expect(stderr).toContain('goal');
    expect(stderr).toMatch(/\^/);
    expect(existsSync(project.state)).toBe(false);
  });
});

describe('Ctrl-C', () => {
  it('while the daemon comes up leaves no daemon', async () => {
    const cli = new CliProcess(project, ['up'], { TEST_DAEMON: 'silent' });
    await until(() => existsSync(project.daemon_log));
    cli.child.kill('SIGINT');
    expect((await cli.ended).code).toBe(130);
    expect(existsSync(join(project.root, 'daemon.pid'))).toBe(false);
  });

  it('while the image is built ends the build, and starts nothing', async () => {
    const fleet = await fake();
    fleet.on.imageStatus = () => ({
      image: 'filare-codex',
      present: false,
      current: false,
      id: null,
      codex_version: null,
      reasons: ['not built'],
    });
    let ended = false;
    fleet.build = (say, signal) => {
      say({ step: 'build', text: 'Step 1/9' });
      return new Promise((done) => {
        signal.addEventListener('abort', () => {
          ended = true;
          done();
        });
      });
    };
    const cli = new CliProcess(project, ['up']);
    await cli.until('Step 1/9');
    cli.child.kill('SIGINT');
    const { code, stderr } = await cli.ended;
    expect(code).toBe(130);
    expect(stderr).toContain('taking back');
    await until(() => ended);
    expect(fleet.calls.map(({ route }) => route)).not.toContain('startSessions');
  });

  it('while agents start stops those that it began, leaves those that ran, and takes its own daemon along', async () => {
    const cli = new CliProcess(project, ['up'], { TEST_DAEMON: 'slow-start' });
    await cli.until('judge: preparing');
    const pid = Number(readFileSync(join(project.root, 'daemon.pid'), 'utf8'));
    cli.child.kill('SIGINT');
    const { code, stderr } = await cli.ended;
    expect(code).toBe(130);
    expect(stderr.match(/stopping (docs|judge)-/g)).toHaveLength(2);
    expect(stderr).toContain('stopping the daemon');
    // It has ended; whoever inherited it may still have to collect it.
    await expect.poll(() => existsSync(`/proc/${pid}`), { timeout: 10_000 }).toBe(false);
  });

  it('while agents start leaves alone what ran before, and a daemon that was there', async () => {
    const fleet = await fake();
    const before = fleet.addSession('docs');
    let settle = (): void => undefined;
    fleet.on.startSessions = async () => {
      const row = fleet.addSession('judge', { phase: 'starting', activity: null });
      await new Promise<void>((go) => (settle = go));
      return [
        { id: 'docs', outcome: 'already_running', session: before, error: null },
        { id: 'judge', outcome: 'started', session: row, error: null },
      ];
    };
    const cli = new CliProcess(project, ['up']);
    await cli.until('judge: starting');
    cli.child.kill('SIGINT');
    await cli.until('stopping judge-');
    settle();
    expect((await cli.ended).code).toBe(130);
    expect(fleet.calls.filter(({ route }) => route === 'stopSession')).toHaveLength(1);
    expect(fleet.rows(false).map((row) => row.id)).toEqual(['docs']);
    expect(fleet.calls.map(({ route }) => route)).not.toContain('stopDaemon');
  });

  it('in the live view leaves the agents running and says so', async () => {
    const fleet = await fake();
    const cli = new CliProcess(project, ['up']);
    await cli.until('judge: running, idle');
    cli.child.kill('SIGINT');
    const { code, stderr } = await cli.ended;
    expect(code).toBe(0);
    expect(stderr).toContain('the agents keep running');
    expect(fleet.rows(false).map((row) => row.phase)).toEqual(['running', 'running']);
  });

  it('twice leaves at once', async () => {
    const fleet = await fake();
    fleet.on.startSessions = () => {
      fleet.addSession('docs', { phase: 'starting', activity: null });
      return new Promise(() => undefined);
    };
    fleet.on.stopSession = () => new Promise(() => undefined);
    const cli = new CliProcess(project, ['up']);
    await cli.until('docs: starting');
    cli.child.kill('SIGINT');
    await cli.until('stopping docs-');
    cli.child.kill('SIGINT');
    expect((await cli.ended).code).toBe(130);
  });

  it('ends a tail, a wait and a watch with 130, without a word', async () => {
    const fleet = await fake();
    const { session_id } = fleet.addSession('docs', { activity: 'working' });
    for (const argv of [
      ['tail', 'docs', '-f'],
      ['wait', 'docs'],
      ['list', '--watch'],
    ]) {
      const cli = new CliProcess(project, argv);
      if (argv[0] === 'list') await cli.until('docs');
      else await fleet.untilFollowed(session_id);
      cli.child.kill('SIGINT');
      const { code, stderr } = await cli.ended;
      expect({ argv, code, stderr }).toEqual({ argv, code: 130, stderr: '' });
    }
  });
});

describe('the live view', () => {
  it('on a terminal is a table that is drawn in place, until every agent has ended', async () => {
    const fleet = await fake();
    const ran = run(project, ['up', '--progress', 'quiet'], { columns: 120, env: { TERM: 'xterm' } });
    await until(() => isViewed(fleet));
    for (const row of fleet.rows(false)) fleet.end(row.session_id, 'stopped', 'done for today');
    const { code, stdout } = await ran;
    expect(code).toBe(0);
    expect(stdout).toContain('2 sessions · 2 idle');
    expect(stdout).toContain('2 sessions · 2 stopped');
    expect(stdout).toMatch(/\u001b\[\d+F\u001b\[J/);
  });

  it('says that the daemon went away, and goes on when one answers', async () => {
    const fleet = await fake();
    const cli = new CliProcess(project, ['up']);
    await cli.until('judge: running');
    await fleet.close();
    await cli.until('the daemon does not answer');
    await fleet.listen();
    await cli.until('the daemon answers again');
    for (const row of fleet.rows(false)) fleet.end(row.session_id, 'stopped', 'done for today');
    const { code, stdout } = await cli.ended;
    expect({ code, ended: stdout.match(/: stopped/g)?.length }).toEqual({ code: 0, ended: 2 });
  });

  it('on a terminal keeps what was seen last while the daemon is away', async () => {
    const fleet = await fake();
    const ran = run(project, ['up', '--progress', 'quiet'], { columns: 120, env: { TERM: 'xterm' } });
    await until(() => isViewed(fleet));
    await fleet.close();
    fleet.requests.length = 0;
    await fleet.listen();
    await until(() => fleet.requests.some(watches));
    for (const row of fleet.rows(false)) fleet.end(row.session_id, 'stopped', 'done for today');
    const { code, stdout } = await ran;
    expect(code).toBe(0);
    const screens = stdout.split('\u001b[J');
    const away = screens.findIndex((screen) => screen.includes('this was seen last'));
    expect(screens[away]).toMatch(/docs.*running/);
    expect(screens.slice(away + 1).filter((screen) => screen.includes('this was seen last'))).toEqual([]);
    expect(screens.at(-1)).toContain('2 stopped');
  });
});

const watches = (request: string): boolean => request.startsWith('GET /v1/events');

/** The view has read the sessions after their start, and listens. */
function isViewed({ requests }: FakeDaemon): boolean {
  const started = requests.findIndex((request) => request.startsWith('POST /v1/sessions'));
  const read = requests.findLastIndex((request) => /^GET \/v1\/sessions(\?|$)/.test(request));
  return started !== -1 && read > started && requests.findLastIndex(watches) > read;
}

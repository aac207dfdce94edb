import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { ERROR_CODES, EXIT_CODES, FilareError } from '../../src/contract/errors.js';
import type { SyncResult } from '../../src/contract/homecoming.js';
import type { ProjectPaths } from '../../src/contract/project.js';
import { FakeDaemon } from './fake-daemon.js';
import { newProject, removeProject, run, type Ran } from './rig.js';
import { promptOf } from './samples.js';

let project: ProjectPaths;
let daemon: FakeDaemon;

beforeEach(async () => {
  project = newProject();
  daemon = await FakeDaemon.start(project);
});
afterEach(async () => {
  expect(daemon.complaints).toEqual([]);
  await daemon.close();
  removeProject(project);
});

describe('exit codes', () => {
  it.each(ERROR_CODES)(
    'of a failure %s are those of the contract, and it is told in words and in JSON',
    async (code) => {
      daemon.on.describeSession = () => {
        throw new FilareError({ code, message: 'it went wrong here', hint: 'do that', details: { fact: 1 } });
      };
      const plain = await run(project, ['describe', 'docs']);
      expect(plain.code).toBe(EXIT_CODES[code]);
      expect(plain.stdout).toBe('');
      if (code !== 'interrupted') expect(plain.stderr).toBe('error: it went wrong here\n  try: do that\n');
      const json = await run(project, ['describe', 'docs', '--json']);
      expect(json.code).toBe(EXIT_CODES[code]);
      expect(json.stdout).toBe('');
      expect(JSON.parse(json.stderr)).toEqual({
        error: { code, message: 'it went wrong here', hint: 'do that', details: { fact: 1 } },
      });
    },
  );

  it.each([
    [['describe']],
    [['nonsense']],
    [['list', '--bogus']],
    [['image']],
    [['stop']],
    [['stop', 'docs', '--all']],
    [['stop', 'docs', '--grace', 'soon']],
    [['wait', 'docs', '--until', 'happy']],
    [['send', 'docs']],
    [['send', 'docs', 'x', '--steer', '--queue']],
    [['send', 'docs', 'x', '--timeout', '5s']],
    [['tail', 'docs', '--since', 'yesterday']],
    [['tail', 'docs', '--lines', '-3']],
    [['cleanup']],
    [['cleanup', '--no-input']],
    [['completion', 'powershell']],
    [['pause']],
    [['pause', 'docs', '--all']],
    [['pause', 'docs', '--choice', 'yes']],
    [['pause', 'docs', '--ask', ' ']],
    [['pause', 'docs', '--ask', 'x', '--severity', 'huge']],
    [['resume']],
    [['events', '--since', '1h', '--lines', '3']],
    [['events', 'docs', '--all']],
    [['feedback']],
    [['feedback', 'approve']],
    [['feedback', 'approve', 'p-1', '--all']],
    [['feedback', 'approve', 'p-1', '--for-session', '--always']],
    [['feedback', 'reject', 'p-1', '--match', 'x']],
    [['feedback', 'answer', 'p-1']],
    [['feedback', 'answer', 'p-1', 'x', '--suggested']],
    [['feedback', 'answer', 'p-1', '--choice', '0']],
    [['feedback', 'answer', 'p-1', ' ']],
    [['feedback', 'forget']],
    [['--project', '/nowhere/at/all', 'list']],
  ])('of a usage mistake is 2, with what to do: %j', async (argv) => {
    const plain = await run(project, argv);
    expect(plain).toMatchObject({ code: 2, stdout: '' });
    expect(plain.stderr).toMatch(/^error: /);
    const json = await run(project, [...argv, '--json']);
    expect(json).toMatchObject({ code: 2, stdout: '' });
    expect(JSON.parse(json.stderr)).toMatchObject({ error: { code: 'usage' } });
    expect(daemon.calls.filter(({ route }) => !['version', 'listSessions'].includes(route))).toEqual([]);
  });

  it('suggests what was meant', async () => {
    expect((await run(project, ['lits'])).stderr).toContain('did you mean list?');
    expect((await run(project, ['list', '--wacth'])).stderr).toContain('did you mean --watch?');
    expect((await run(project, ['image', 'biuld'])).stderr).toContain('did you mean build?');
  });
});

describe('--json', () => {
  it('of list is the rows of the contract, with -q their session ids', async () => {
    const row = daemon.addSession('docs');
    daemon.addSession('old', { phase: 'stopped', ended_at: row.started_at });
    expect(JSON.parse((await run(project, ['list', '--json'])).stdout)).toEqual([row]);
    expect(JSON.parse((await run(project, ['ps', '--all', '--json'])).stdout)).toHaveLength(2);
    expect((await run(project, ['list', '-q'])).stdout).toBe(`${row.session_id}\n`);
  });

  it('of list without a session is an empty list', async () => {
    expect(await run(project, ['list', '--json'])).toEqual({ code: 0, stdout: '[]\n', stderr: '' });
  });

  it('may stand before the command, and --project too', async () => {
    daemon.addSession('docs');
    const ran = await run(project, ['--json', '--project', project.root, 'list']);
    expect(JSON.parse(ran.stdout)).toMatchObject([{ id: 'docs' }]);
  });

  it.each([
    [['describe', 'docs'], { row: { id: 'docs' } }],
    [['stop', 'docs'], [{ id: 'docs', phase: 'stopped' }]],
    [['restart', 'docs'], [{ id: 'docs', attempt: 2 }]],
    [['interrupt', 'docs'], [{ id: 'docs' }]],
    [['wait', 'docs'], [{ id: 'docs', activity: 'idle' }]],
    [['send', 'docs', 'hello'], { message_id: 'm-1', delivery: 'accepted' }],
    [['dashboard'], { sessions: [{ id: 'docs' }], prompts: [] }],
    [['feedback', 'list'], []],
    [['feedback', 'rules'], []],
    [['pause', 'docs'], [{ id: 'docs', activity: 'paused' }]],
    [['resume', 'docs'], [{ id: 'docs', activity: 'idle' }]],
    [['image', 'status'], { image: 'filare-codex', current: true }],
    [['image', 'build'], { image: 'filare-codex', current: true }],
    [['cleanup', '--dry-run'], [{ action: 'would_remove' }]],
    [['cleanup', '--yes'], [{ action: 'removed' }]],
    [['daemon', 'status'], { running: true, version: '0.1.0' }],
  ])('of %j is one document and nothing else', async (argv, expected) => {
    daemon.addSession('docs');
    const ran = await run(project, [...argv, '--json']);
    expect(ran).toMatchObject({ code: 0, stderr: '' });
    expect(ran.stdout.trimEnd().split('\n')).toHaveLength(1);
    expect(JSON.parse(ran.stdout)).toMatchObject(expected);
  });

  it('of a partial failure has what was done on standard output and the rest on standard error', async () => {
    daemon.addSession('docs');
    const ran = await run(project, ['stop', 'docs', 'nobody', '--json']);
    expect(ran.code).toBe(3);
    expect(JSON.parse(ran.stdout)).toMatchObject([{ id: 'docs', phase: 'stopped' }]);
    expect(JSON.parse(ran.stderr)).toMatchObject({
      error: { code: 'not_found', details: { failed: [{ ref: 'nobody' }] } },
    });
  });
});

describe('people read', () => {
  it('a table of the sessions', async () => {
    daemon.addSession('docs', { pending_prompts: 2, activity: 'waiting' });
    daemon.addSession('judge', { phase: 'failed', activity: null, end_reason: 'ran out of memory' });
    const { stdout } = await run(project, ['list']);
    const lines = stdout.trimEnd().split('\n');
    expect(lines[0]).toMatch(/^ID +ROLE +PHASE +ACTIVITY +HEALTH +PROMPTS +TOKENS +AGE +BRANCH +NOTE/);
    expect(lines[1]).toMatch(/^docs +DOCUMENTATION +running +waiting +ok +2 +1\.2k +1m\d\ds +agents\/docs/);
    expect(lines[2]).toContain('ran out of memory');
  });

  it('that a manifest has changed since', async () => {
    daemon.addSession('docs', { manifest_changed: true });
    expect((await run(project, ['list'])).stdout).toContain('manifest changed since');
  });

  it('no colour in a pipe, with NO_COLOR, on a dumb terminal; colour on a terminal and when it is forced', async () => {
    daemon.addSession('docs');
    const colored = async (env: Record<string, string>, columns?: number): Promise<boolean> =>
      (await run(project, ['list'], { env, ...(columns === undefined ? {} : { columns }) })).stdout.includes('\u001b[');
    expect(await colored({})).toBe(false);
    expect(await colored({ FORCE_COLOR: '1' })).toBe(true);
    expect(await colored({ TERM: 'xterm' }, 100)).toBe(true);
    expect(await colored({ TERM: 'dumb' }, 100)).toBe(false);
    expect(await colored({ NO_COLOR: '1', FORCE_COLOR: '1', TERM: 'xterm' }, 100)).toBe(false);
  });

  it('a table that fits a narrow terminal', async () => {
    daemon.addSession('docs', { branch: `agents/${'x'.repeat(200)}`, end_reason: 'y'.repeat(200) });
    const { stdout } = await run(project, ['list'], { columns: 90, env: { NO_COLOR: '1' } });
    expect(Math.max(...stdout.split('\n').map((line) => line.length))).toBeLessThanOrEqual(90);
  });

  it('the dashboard once, with totals and the inbox', async () => {
    daemon.addSession('docs', { activity: 'waiting', pending_prompts: 1 });
    daemon.on.dashboard = () => ({
      daemon: daemon.daemonStatus(),
      sessions: daemon.rows(false),
      prompts: [promptOf()],
    });
    const { stdout } = await run(project, ['dashboard', '--once']);
    expect(stdout).toContain('1 session · 1 waiting · 1 prompt · 1.2k tokens');
    expect(stdout).toContain('run rm -rf build');
  });
});

describe('stop --all', () => {
  it('stops what has not ended, and is content when nothing runs', async () => {
    daemon.addSession('a');
    daemon.addSession('b', { phase: 'failed', activity: null, ended_at: '2026-11-25T12:00:00.000Z' });
    daemon.addSession('c');
    expect((await run(project, ['stop', '--all', '--grace', '5s'])).code).toBe(0);
    const stops = daemon.calls.filter(({ route }) => route === 'stopSession');
    expect(stops.map(({ body }) => body)).toEqual([{ grace_ms: 5000 }, { grace_ms: 5000 }]);
    expect(daemon.rows(false).map((row) => row.id)).toEqual(['b']);
    expect((await run(project, ['stop', '--all'])).code).toBe(0);
  });

  it.each([[[]], [['--quiet']], [['--json']]])(
    'says on standard error what was not brought home, with %j too',
    async (more) => {
      const row = daemon.addSession('a');
      daemon.addSession('b');
      daemon.on.stopSession = ({ params }) => ({
        ...row,
        id: params['ref'] === row.session_id ? 'a' : 'b',
        warnings:
          params['ref'] === row.session_id
            ? [{ message: 'its work could not be brought home: why', hint: 'filare-agents sync a' }]
            : [],
      });
      const { code, stdout, stderr } = await run(project, ['stop', '--all', ...more]);
      expect(code).toBe(0);
      expect(stdout).not.toContain('warning:');
      expect(stderr).toBe('warning: a: its work could not be brought home: why\n  try: filare-agents sync a\n');
    },
  );
});

describe('progress of a sync', () => {
  const done: SyncResult = {
    session_id: 'docs-1',
    id: 'docs',
    outcome: 'brought',
    repo: '/repo',
    into: 'agents/docs',
    commit: 'c0ffee0000000000000000000000000000000000',
    before: null,
    commits: 2,
    made_commit: null,
    uncommitted: [],
    patches: [],
    notes: [],
  };
  const sync = async (more: readonly string[], columns?: number): Promise<Ran> => {
    daemon.addSession('docs');
    daemon.homecomingSteps = ['reading the workspace', 'bundling 12 MiB'];
    daemon.on.syncSession = async () => {
      await new Promise((settle) => setTimeout(settle, 300));
      return done;
    };
    return run(project, ['sync', 'docs', ...more], columns === undefined ? {} : { columns });
  };

  it('is shown on a terminal while it lasts, and taken away before the result', async () => {
    const { code, stdout, stderr } = await sync([], 100);
    expect(code).toBe(0);
    expect(stderr).toContain('docs: bundling 12 MiB');
    expect(stderr.endsWith('\u001b[J')).toBe(true);
    expect(stdout).toContain('2 commits into agents/docs');
  });

  it.each([
    [[], undefined],
    [['--json'], 100],
    [['--quiet'], 100],
  ] as const)('is not shown elsewhere: %j', async (more, columns) => {
    expect((await sync(more, columns)).stderr).toBe('');
    expect(daemon.requests.filter((line) => line.includes('homecoming'))).toEqual([]);
  });
});

import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { Fleet } from '../../src/client/fleet.js';
import { ROUTES, STREAMS } from '../../src/contract/api.js';
import { ROUTE_PATHS, STREAM_PATHS } from '../../src/client/route-paths.js';
import { FilareError } from '../../src/contract/errors.js';
import type { ProjectPaths } from '../../src/contract/project.js';
import { FakeDaemon } from '../cli/fake-daemon.js';
import { newProject, removeProject } from '../cli/rig.js';
import { agentSpec } from '../cli/samples.js';

let project: ProjectPaths;
let daemon: FakeDaemon;
let fleet: Fleet;

beforeEach(async () => {
  project = newProject();
  daemon = await FakeDaemon.start(project);
  fleet = await Fleet.open({ project: project.root, start_daemon: false });
});
afterEach(async () => {
  fleet.close();
  expect(daemon.complaints).toEqual([]);
  await daemon.close();
  removeProject(project);
});

it('has the paths of the contract', () => {
  expect(ROUTE_PATHS).toEqual(
    Object.fromEntries(Object.entries(ROUTES).map(([name, { method, path }]) => [name, { method, path }])),
  );
  expect(STREAM_PATHS).toEqual(STREAMS);
});

describe('calls', () => {
  it('reach every route as the contract has it', async () => {
    const [started] = await fleet.start([agentSpec('docs')], {
      rehearsal: { script: { parts: [] }, origin: 'script.yml' },
    });
    expect(started).toMatchObject({ id: 'docs', outcome: 'started' });
    expect(await fleet.sessions()).toHaveLength(1);
    expect((await fleet.describe('docs')).row.id).toBe('docs');
    expect((await fleet.dashboard()).sessions).toHaveLength(1);
    expect((await fleet.restart('docs')).attempt).toBe(2);
    await fleet.interrupt('docs');
    expect(
      await fleet.send('docs', 'hello', { mode: 'steer', images: ['/a.png'], from: 'judge', wait_ms: 5 }),
    ).toMatchObject({ delivery: 'accepted' });
    expect(daemon.calls.at(-1)?.body).toEqual({
      text: 'hello',
      mode: 'steer',
      images: ['/a.png'],
      from: 'judge',
      wait_ms: 5,
    });
    expect(await fleet.prompts()).toEqual([]);
    daemon.inbox.put({ prompt_id: 'p-1' });
    expect(await fleet.decide('p-1', { choice: 'accept', by: 'me', revision: 'v-1' })).toMatchObject({
      decision: { outcome: 'approved', by: 'me' },
    });
    expect((await fleet.prompt('p-1')).decision).toMatchObject({ choice: 'accept' });
    const { rule_id } = daemon.inbox.addRule({});
    expect(await fleet.rules()).toHaveLength(1);
    expect(await fleet.forgetRule(rule_id, { by: 'me' })).toMatchObject({ rule_id });
    expect((await fleet.pause('docs', { ask: { question: 'why?' }, interrupt: true })).activity).toBe('paused');
    expect(await fleet.prompts('docs')).toMatchObject([{ origin: 'pause', summary: 'why?' }]);
    expect((await fleet.resume('docs')).pending_prompts).toBe(0);
    expect(await fleet.cleanup({ dry_run: true })).toMatchObject([{ action: 'would_remove' }]);
    expect(await fleet.imageStatus('other')).toMatchObject({ current: true });
    expect((await fleet.stop('docs', { grace_ms: 5 })).phase).toBe('stopped');
    expect(await fleet.sessions()).toEqual([]);
    expect(await fleet.sessions({ all: true })).toHaveLength(1);
  });

  it('throw the failure that the daemon named, whole', async () => {
    daemon.on.stopSession = () => {
      throw new FilareError({ code: 'bad_state', message: 'not now', hint: 'later', details: { why: 1 } });
    };
    await expect(fleet.stop('docs')).rejects.toMatchObject({
      code: 'bad_state',
      message: 'not now',
      hint: 'later',
      details: { why: 1 },
    });
    await expect(fleet.describe('nobody/../x')).rejects.toMatchObject({ code: 'not_found' });
  });

  it('refuse an answer that is not what the contract has', async () => {
    daemon.on.version = () => ({ ...(daemon.daemonStatus() as object) });
    daemon.addSession('docs');
    const rows = daemon.rows(false);
    daemon.rows = () => rows.map((row) => ({ ...row, phase: undefined }) as unknown as (typeof rows)[number]);
    await expect(fleet.sessions()).rejects.toMatchObject({ code: 'unexpected' });
  });

  it('end with a deadline', async () => {
    daemon.on.listPrompts = () => new Promise(() => undefined);
    const { ControlClient } = await import('../../src/client/http-client.js');
    await expect(new ControlClient(project.socket).call('listPrompts', {}, { deadline_ms: 30 })).rejects.toMatchObject({
      code: 'timeout',
    });
  });
});

describe('opening', () => {
  it('a fleet without its daemon is bad_state, and leaves nothing behind', async () => {
    const other = newProject();
    await expect(Fleet.open({ project: other.root, start_daemon: false })).rejects.toMatchObject({ code: 'bad_state' });
    expect(existsSync(other.state)).toBe(false);
    removeProject(other);
  });

  it('takes a stale socket file for no daemon', async () => {
    const other = newProject();
    mkdirSync(other.state);
    writeFileSync(other.socket, '');
    await expect(Fleet.open({ project: other.root, start_daemon: false })).rejects.toMatchObject({ code: 'bad_state' });
    removeProject(other);
  });

  it('says what to do about a daemon of another version', async () => {
    daemon.status = { api_version: 99, version: '9.9.9' };
    await expect(Fleet.open({ project: project.root })).rejects.toMatchObject({
      code: 'version_mismatch',
      message: expect.stringContaining('9.9.9') as string,
      hint: expect.stringContaining('daemon stop') as string,
    });
  });

  it('refuses the daemon of a folder that was moved', async () => {
    daemon.status = { project: '/elsewhere' };
    await expect(Fleet.open({ project: project.root })).rejects.toMatchObject({ code: 'conflict' });
  });
});

describe('waiting', () => {
  it('ends when every session has been there, whoever was first', async () => {
    const a = daemon.addSession('a', { activity: 'working' });
    const b = daemon.addSession('b', { activity: 'working' });
    const waited = fleet.wait(['a', 'b'], 'idle');
    await daemon.untilFollowed(a.session_id);
    await daemon.untilFollowed(b.session_id);
    daemon.update(a.session_id, { activity: 'idle' });
    daemon.update(a.session_id, { activity: 'working' });
    daemon.update(b.session_id, { activity: 'idle' });
    expect((await waited).map((row) => [row.id, row.activity])).toEqual([
      ['a', 'idle'],
      ['b', 'idle'],
    ]);
  });

  it('for a prompt ends when one is open', async () => {
    const { session_id } = daemon.addSession('a', { activity: 'working' });
    const waited = fleet.wait(['a'], 'waiting');
    await daemon.untilFollowed(session_id);
    daemon.update(session_id, { activity: 'waiting', pending_prompts: 1 });
    expect(await waited).toMatchObject([{ pending_prompts: 1 }]);
  });

  it('is `ended` when the session fails, and when it failed before', async () => {
    const { session_id } = daemon.addSession('a', { activity: 'working' });
    const waited = fleet.wait(['a'], 'idle');
    const failed = expect(waited).rejects.toMatchObject({
      code: 'ended',
      message: expect.stringContaining('out of memory') as string,
    });
    await daemon.untilFollowed(session_id);
    daemon.end(session_id, 'failed', 'out of memory');
    await failed;
    await expect(fleet.wait(['a'], 'stopped')).rejects.toMatchObject({ code: 'ended' });
  });

  it('is `timeout` with what each was doing, and does not outlive it', async () => {
    daemon.addSession('a', { activity: 'working', pending_prompts: 1 });
    await expect(fleet.wait(['a'], 'idle', { timeout_ms: 40 })).rejects.toMatchObject({
      code: 'timeout',
      message: expect.stringContaining('a is working') as string,
      hint: expect.stringContaining('feedback list') as string,
    });
    while (daemon.liveStreams > 0) await new Promise((go) => setTimeout(go, 5));
  });
});

describe('building the image', () => {
  it('streams progress and answers with the new state', async () => {
    const said: string[] = [];
    daemon.build = (say) => {
      say({ step: 'base', text: 'pulling' });
      say({ step: 'build', text: 'Step 1/9' });
      say({ done: { id: 'x' } });
      return Promise.resolve();
    };
    expect(await fleet.buildImage({ on_progress: ({ text }) => said.push(text ?? '') })).toMatchObject({
      current: true,
    });
    expect(said.slice(0, 2)).toEqual(['pulling', 'Step 1/9']);
  });

  it('throws the failure of the last line, and a build that broke off', async () => {
    daemon.build = (say) => {
      say({ error: { code: 'no_space', message: 'disk full', hint: 'free some' } });
      return Promise.resolve();
    };
    await expect(fleet.buildImage()).rejects.toMatchObject({ code: 'no_space', hint: 'free some' });
    daemon.build = () => Promise.resolve();
    await expect(fleet.buildImage()).rejects.toMatchObject({ code: 'unexpected' });
  });

  it('tells the daemon when nobody wants it any more', async () => {
    const ended = new Promise<void>((settle) => {
      daemon.build = (_, signal) =>
        new Promise((done) => {
          signal.addEventListener('abort', () => {
            settle();
            done();
          });
        });
    });
    const ending = new AbortController();
    const built = fleet.buildImage({ signal: ending.signal });
    const refused = expect(built).rejects.toMatchObject({ code: 'interrupted' });
    while (!daemon.requests.some((line) => line.includes('/image/build'))) await new Promise((go) => setTimeout(go, 5));
    ending.abort();
    await refused;
    await ended;
  });
});

describe('a terminal', () => {
  it('carries bytes both ways, and says how it ended', async () => {
    daemon.addSession('docs');
    daemon.terminalExit = 3;
    daemon.shell = (stream, query) => {
      stream.write(`${query.get('kind') ?? ''} ${query.get('columns') ?? ''}x${query.get('rows') ?? ''}\n`);
      stream.once('data', (typed: Buffer) => stream.end(`you typed ${typed.toString()}`));
    };
    const terminal = await fleet.terminal('docs', 'shell', { columns: 100, rows: 30 });
    terminal.stream.write('hi');
    let said = '';
    for await (const chunk of terminal.stream as AsyncIterable<Buffer>) said += chunk.toString();
    expect(said).toBe('shell 100x30\nyou typed hi');
    expect(await terminal.exitCode()).toBe(3);
    await terminal.resize({ columns: 80, rows: 24 });
    expect(daemon.calls.at(-1)).toMatchObject({ route: 'resizeTerminal', params: { terminal: 't1' } });
  });

  it('that is refused throws why', async () => {
    await expect(fleet.terminal('nobody', 'shell', { columns: 80, rows: 24 })).rejects.toMatchObject({
      code: 'not_found',
    });
  });
});

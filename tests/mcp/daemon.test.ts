import { existsSync, readFileSync } from 'node:fs';
import { connect, createServer, type Server, type Socket } from 'node:net';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { ProjectPaths } from '../../src/contract/project.js';
import { FakeDaemon } from '../cli/fake-daemon.js';
import { newProject, removeProject, until } from '../cli/rig.js';
import { Connection } from './rig.js';

let project: ProjectPaths;
beforeEach(() => {
  project = newProject('docs');
});
afterEach(() => removeProject(project));

function daemonPid(): number {
  return Number(readFileSync(join(project.root, 'daemon.pid'), 'utf8'));
}

async function endDaemon(pid: number): Promise<void> {
  process.kill(pid, 'SIGTERM');
  await until(() => !isAlive(pid));
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

it('is started by the first call, not before, and started again by the next one after it has ended', async () => {
  await using server = await Connection.open(project, { starts_daemon: 'plain' });
  await server.client.listTools();
  expect((await server.client.listResources()).resources).toEqual([]);
  expect(existsSync(project.socket)).toBe(false);
  // The fake plays no tools: that it says so is the proof that it was reached.
  expect((await server.call('list_agents')).text).toContain('the fake does not play callTool');
  const first = daemonPid();
  await endDaemon(first);
  expect((await server.call('start_agent', { agent: 'docs' })).text).toContain('the fake does not play callTool');
  expect(daemonPid()).not.toBe(first);
  await endDaemon(daemonPid());
});

it('may be another one between two calls', async () => {
  const first = await FakeDaemon.start(project);
  first.on.callTool = () => ({ success: true, text: 'first' });
  await using server = await Connection.open(project);
  expect((await server.call('list_agents')).text).toBe('first');
  await first.close();
  const second = await FakeDaemon.start(project);
  second.on.callTool = () => ({ success: true, text: 'second' });
  expect((await server.call('list_agents')).text).toBe('second');
  await second.close();
});

describe('that goes away during a call', () => {
  let daemon: FakeDaemon;
  let line: BreakableLine;
  beforeEach(async () => {
    daemon = await FakeDaemon.start({ ...project, socket: join(project.state, 'behind.sock') });
    line = await BreakableLine.open(project.socket, daemon.project.socket);
  });
  afterEach(async () => {
    await line.close();
    await daemon.close();
  });

  const asked = (): Record<string, unknown>[] =>
    daemon.calls
      .filter(({ route }) => route === 'callTool')
      .map(({ body }) => body['arguments'] as Record<string, unknown>);

  it('is asked again when the call only looks, for the time that is left', async () => {
    daemon.on.callTool = () => new Promise(() => undefined);
    await using server = await Connection.open(project);
    const waiting = server.call('wait_for_agent', { agent: 'docs', until: 'idle', timeout_seconds: 600 });
    await until(() => asked().length === 1);
    await new Promise((go) => setTimeout(go, 1_600));
    daemon.on.callTool = () => ({ success: true, text: 'idle now' });
    line.breakAll();
    expect(await waiting).toEqual({ text: 'idle now', is_error: false });
    expect(asked()).toHaveLength(2);
    expect(asked()[1]?.['timeout_seconds']).toBeLessThan(600);
    expect(asked()[1]?.['timeout_seconds']).toBeGreaterThan(500);
  });

  it('is not asked twice when the call changes something, and nobody claims to know what became of it', async () => {
    daemon.on.callTool = () => new Promise(() => undefined);
    await using server = await Connection.open(project);
    const sending = server.call('send_message', { agent: 'docs', text: 'write' });
    await until(() => asked().length === 1);
    line.breakAll();
    const { text, is_error } = await sending;
    expect(is_error).toBe(true);
    expect(text).toContain('whether it was carried out is not known');
    expect(asked()).toHaveLength(1);
    expect(server.stderr).toContain('send_message: the daemon went away');
  });
});

/** A socket in front of the daemon's, whose connections can be broken as those of a killed daemon are. */
class BreakableLine {
  readonly #open = new Set<Socket>();
  readonly #server: Server;

  private constructor(behind: string) {
    this.#server = createServer((near) => {
      const far = connect(behind);
      for (const socket of [near, far]) {
        this.#open.add(socket);
        socket.on('error', () => undefined).on('close', () => this.#open.delete(socket));
      }
      near.pipe(far).pipe(near);
    });
  }

  static async open(front: string, behind: string): Promise<BreakableLine> {
    const line = new BreakableLine(behind);
    await new Promise<void>((ready) => line.#server.listen(front, ready));
    return line;
  }

  breakAll(): void {
    for (const socket of this.#open) socket.destroy();
  }

  async close(): Promise<void> {
    this.breakAll();
    await new Promise((closed) => this.#server.close(closed));
  }
}

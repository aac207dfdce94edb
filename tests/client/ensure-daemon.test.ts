import { existsSync, mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { ensureDaemon } from '../../src/client/ensure-daemon.js';
import { stopDaemon } from '../../src/client/stop-daemon.js';
import type { ProjectPaths } from '../../src/contract/project.js';
import { newProject, removeProject, TSX } from '../cli/rig.js';

const program = fileURLToPath(new URL('../cli/fake-daemon-process.ts', import.meta.url));
let project: ProjectPaths;

beforeEach(() => {
  project = newProject();
});
afterEach(async () => {
  await stopDaemon(project);
  removeProject(project);
});

function command(mode = 'plain'): [string, ...string[]] {
  return [process.execPath, '--import', TSX, program, project.root, mode];
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

describe('the daemon', () => {
  it('is started when none answers, outlives its starter, and is found again', async () => {
    const first = await ensureDaemon(project, { command: command() });
    expect(first.started).toBe(true);
    const second = await ensureDaemon(project, { command: ['/nonexistent'] });
    expect(second).toMatchObject({ started: false, status: { pid: first.status.pid } });
    const session_of = (pid: number | null): string =>
      readFileSync(`/proc/${pid ?? 0}/stat`, 'latin1')
        .split(') ')[1]
        ?.split(' ')[3] ?? '';
    expect(session_of(first.status.pid)).toBe(String(first.status.pid));
  });

  it('is started over a stale socket, with its state private', async () => {
    mkdirSync(project.state, { mode: 0o700 });
    writeFileSync(project.socket, '');
    expect((await ensureDaemon(project, { command: command() })).started).toBe(true);
    expect(statSync(project.state).mode & 0o777).toBe(0o700);
    expect(statSync(project.daemon_log).mode & 0o777).toBe(0o600);
  });

  it('that fails is the failure that it reported', async () => {
    await expect(ensureDaemon(project, { command: command('dies') })).rejects.toMatchObject({
      code: 'engine_unavailable',
      message: 'no engine answers',
      hint: 'start it',
    });
  });

  it('that crashes shows the end of its own log, not of an older one', async () => {
    mkdirSync(project.state);
    writeFileSync(project.daemon_log, 'an older line\n');
    const failure: unknown = await ensureDaemon(project, { command: command('crashes') }).catch(
      (error: unknown) => error,
    );
    expect(failure).toMatchObject({
      code: 'unexpected',
      message: expect.stringContaining('something broke badly') as string,
    });
    expect((failure as Error).message).not.toContain('older');
    expect((failure as Error).message).toContain('exit code 9');
  });

  it('that never answers is `timeout`, and is ended', async () => {
    const pid_file = join(project.root, 'silent.pid');
    const silent: [string, ...string[]] = ['/bin/sh', '-c', `echo $$ > '${pid_file}'; exec sleep 60`];
    await expect(ensureDaemon(project, { command: silent, deadline_ms: 200 })).rejects.toMatchObject({
      code: 'timeout',
    });
    expect(isAlive(Number(readFileSync(pid_file, 'utf8')))).toBe(false);
  });

  it('that is not wanted any more is ended with the wait', async () => {
    const pid_file = join(project.root, 'silent.pid');
    const silent: [string, ...string[]] = ['/bin/sh', '-c', `echo $$ > '${pid_file}'; exec sleep 60`];
    const ending = new AbortController();
    const wait = ensureDaemon(project, { command: silent, signal: ending.signal });
    const refused = expect(wait).rejects.toMatchObject({ code: 'interrupted' });
    while (!existsSync(pid_file) || readFileSync(pid_file, 'utf8') === '') await new Promise((go) => setTimeout(go, 5));
    ending.abort();
    await refused;
    expect(isAlive(Number(readFileSync(pid_file, 'utf8')))).toBe(false);
  });

  it('is left to somebody else when the lock is taken', async () => {
    const winner = ensureDaemon(project, { command: command() });
    const loser = ensureDaemon(project, { command: ['/bin/sh', '-c', 'exit 4'] });
    const [won, lost] = await Promise.all([winner, loser]);
    expect(won.started).toBe(true);
    expect(lost).toMatchObject({ started: false, status: { pid: won.status.pid } });
  });

  it('is stopped for good, and stopping none is fine', async () => {
    const { status } = await ensureDaemon(project, { command: command() });
    expect(await stopDaemon(project)).toBe(true);
    expect(() => readFileSync(`/proc/${status.pid ?? 0}/cmdline`, 'utf8')).not.toThrow(/daemon/);
    expect(await stopDaemon(project)).toBe(false);
  });
});

import { existsSync, lstatSync, mkdirSync, readFileSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { daemonStatus } from '../../src/client/daemon-status.js';
import type { ProjectPaths } from '../../src/contract/project.js';
import { CliProcess, newProject, removeProject, run } from './rig.js';

const NO_ENGINE = { DOCKER_HOST: 'unix:///nowhere/docker.sock' };
let project: ProjectPaths;

beforeEach(() => {
  project = newProject();
});
afterEach(() => removeProject(project));

describe('daemon run', () => {
  it('serves the project in the foreground until SIGTERM, and leaves no socket', async () => {
    const daemon = new CliProcess(project, ['daemon', 'run'], NO_ENGINE);
    while ((await daemonStatus(project)) === undefined) await new Promise((go) => setTimeout(go, 20));
    expect(JSON.parse((await run(project, ['list', '--json'])).stdout)).toEqual([]);
    expect(JSON.parse((await run(project, ['daemon', 'status', '--json'])).stdout)).toMatchObject({
      running: true,
      pid: daemon.child.pid,
      project: project.root,
    });
    daemon.child.kill('SIGTERM');
    expect((await daemon.ended).code).toBe(0);
    expect(existsSync(project.socket)).toBe(false);
  });

  it.each([0, 150, 400, 800, 1200])(
    'ends on a SIGTERM that comes %i ms after its start, whatever it is doing then',
    async (delay_ms) => {
      const daemon = new CliProcess(project, ['daemon', 'run'], NO_ENGINE);
      await new Promise((go) => setTimeout(go, delay_ms));
      daemon.child.kill('SIGTERM');
      await daemon.ended;
      expect(await daemonStatus(project)).toBeUndefined();
    },
  );

  it.each([
    ['a file', (path: string) => writeFileSync(path, 'old')],
    ["a link to somebody else's file", (path: string) => symlinkSync(join(project.root, 'precious'), path)],
    ['a link to nowhere', (path: string) => symlinkSync('/nowhere/at/all', path)],
  ])('puts its socket where %s lies, into a private folder, and touches nothing else', async (_, put) => {
    writeFileSync(join(project.root, 'precious'), 'keep me');
    mkdirSync(project.state, { recursive: true, mode: 0o755 });
    put(project.socket);
    const daemon = new CliProcess(project, ['daemon', 'run'], NO_ENGINE);
    while ((await daemonStatus(project)) === undefined) await new Promise((go) => setTimeout(go, 20));
    expect(lstatSync(project.socket).isSocket()).toBe(true);
    expect(statSync(project.socket).mode & 0o777).toBe(0o600);
    expect(statSync(project.state).mode & 0o077).toBe(0);
    daemon.child.kill('SIGTERM');
    expect((await daemon.ended).code).toBe(0);
    expect(readFileSync(join(project.root, 'precious'), 'utf8')).toBe('keep me');
    expect(existsSync(project.socket)).toBe(false);
  });

  it('a second time for the same project is `conflict`, and ends', async () => {
    const first = new CliProcess(project, ['daemon', 'run'], NO_ENGINE);
    while ((await daemonStatus(project)) === undefined) await new Promise((go) => setTimeout(go, 20));
    const second = await new CliProcess(project, ['daemon', 'run', '--json'], NO_ENGINE).ended;
    expect(second.code).toBe(4);
    expect(second.stderr).toContain('"code":"conflict"');
    expect(second.stderr).toContain(`pid ${String(first.child.pid)}, since 20`);
    expect((await run(project, ['daemon', 'stop'])).stdout).toContain('has stopped');
    expect((await first.ended).code).toBe(0);
  });

  it('for a state folder that was copied here is refused at once, with what to do; adopted, it serves', async () => {
    mkdirSync(project.state, { recursive: true });
    writeFileSync(
      project.format,
      JSON.stringify({ format: 1, instance: 'i', root: '/elsewhere', machine: null, made_at: '2030-01-01T00:00:00Z' }),
    );
    const began = performance.now();
    const refused = await run(project, ['list'], { env: NO_ENGINE });
    expect(refused.code).toBe(4);
    expect(refused.stderr).toContain('/elsewhere');
    expect(refused.stderr).toContain('--adopt');
    expect(performance.now() - began).toBeLessThan(10_000);
    const adopting = new CliProcess(project, ['daemon', 'run', '--adopt'], NO_ENGINE);
    while ((await daemonStatus(project)) === undefined) await new Promise((go) => setTimeout(go, 20));
    adopting.child.kill('SIGTERM');
    expect((await adopting.ended).code).toBe(0);
    expect((await run(project, ['list'], { env: NO_ENGINE })).code).toBe(0);
    expect((await run(project, ['daemon', 'stop'])).code).toBe(0);
  });
});

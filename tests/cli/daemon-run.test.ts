import { existsSync } from 'node:fs';
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

  it('a second time for the same project is `conflict`, and ends', async () => {
    const first = new CliProcess(project, ['daemon', 'run'], NO_ENGINE);
    while ((await daemonStatus(project)) === undefined) await new Promise((go) => setTimeout(go, 20));
    const second = await new CliProcess(project, ['daemon', 'run', '--json'], NO_ENGINE).ended;
    expect(second.code).toBe(4);
    expect(second.stderr).toContain('"code":"conflict"');
    expect((await run(project, ['daemon', 'stop'])).stdout).toContain('has stopped');
    expect((await first.ended).code).toBe(0);
  });
});

import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { existsSync, readdirSync } from 'node:fs';
import type { ProjectPaths } from '../../src/contract/project.js';
import { newProject, removeProject, run } from './rig.js';

let project: ProjectPaths;
beforeEach(() => {
  project = newProject();
});
afterEach(() => removeProject(project));

interface Check {
  readonly name: string;
  readonly status: string;
  readonly detail: string;
  readonly fix: string | null;
}

describe('doctor', () => {
  it('without an engine fails with its fix and exit code 1, looks at the rest all the same, and leaves nothing behind', async () => {
    const before = readdirSync(project.root);
    const env = { DOCKER_HOST: 'unix:///nowhere/docker.sock' };
    const { code, stdout } = await run(project, ['doctor', '--json'], { env });
    const checks = JSON.parse(stdout) as Check[];
    expect(code).toBe(1);
    expect(checks.find(({ name }) => name === 'engine')).toMatchObject({
      status: 'fail',
      detail: expect.stringContaining('/nowhere/docker.sock') as string,
      fix: expect.any(String) as string,
    });
    for (const name of ['node', 'git', 'project', 'disk', 'socket', 'clock']) {
      expect(checks.find((check) => check.name === name)?.status, name).toMatch(/^(ok|warn)$/);
    }
    expect(checks.every(({ status, fix }) => (status === 'ok') === (fix === null))).toBe(true);
    expect(readdirSync(project.root)).toEqual(before);
    expect(existsSync(project.state)).toBe(false);
    expect((await run(project, ['doctor'], { env })).stdout).toMatch(/✗ engine .*\n +try: /);
  });

  it('version says what is there, and starts nothing', async () => {
    const env = { DOCKER_HOST: 'unix:///nowhere/docker.sock' };
    const { code, stdout } = await run(project, ['version', '--json'], { env });
    expect(code).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject({
      client: expect.any(String) as string,
      daemon: null,
      engine: null,
      codex: '0.169.0',
    });
    expect(existsSync(project.state)).toBe(false);
  });
});

import { spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import type { ProjectPaths } from '../../src/contract/project.js';
import { FakeDaemon } from './fake-daemon.js';
import { CliProcess, newProject, removeProject } from './rig.js';

let project: ProjectPaths;
let daemon: FakeDaemon;
let coverage: string;

beforeEach(async () => {
  project = newProject();
  daemon = await FakeDaemon.start(project);
  daemon.addSession('docs');
  coverage = mkdtempSync(join(tmpdir(), 'filare-loaded-'));
});
afterEach(async () => {
  await daemon.close();
  removeProject(project);
  rmSync(coverage, { recursive: true, force: true });
});

/** What a process loaded: the engine writes every script that ran when it is asked for coverage. */
function loaded(): string[] {
  return readdirSync(coverage).flatMap((file) => {
    const report = JSON.parse(readFileSync(join(coverage, file), 'utf8')) as { result: { url: string }[] };
    return report.result.map(({ url }) => url);
  });
}

it.each([[['list']], [['list', '--json']], [['__complete', 'tail', '']]])(
  '%j loads neither schemas nor YAML nor the engine: it must be there at once',
  async (argv) => {
    const cli = new CliProcess(project, argv, { NODE_V8_COVERAGE: coverage });
    expect((await cli.ended).stdout).toContain('docs');
    const scripts = loaded();
    expect(scripts.some((url) => url.includes('/src/cli/main.ts'))).toBe(true);
    const heavy =
      argv[0] === '__complete'
        ? /node_modules\/(yaml|dockerode|hono|pino)\//
        : /node_modules\/(zod|yaml|dockerode|hono|pino)\//;
    expect(scripts.filter((url) => heavy.test(url))).toEqual([]);
  },
);

it('the program without its build says what to do', () => {
  const copy = join(coverage, 'bin');
  const { status, stderr } = spawnSync(
    '/bin/sh',
    [
      '-c',
      `mkdir -p '${copy}' && cp bin/filare-agents.js '${copy}/x.mjs' && '${process.execPath}' '${copy}/x.mjs' list`,
    ],
    { encoding: 'utf8' },
  );
  expect(status).toBe(1);
  expect(stderr).toContain('npm run build');
});

import { mkdir, mkdtemp, realpath, rm, symlink } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, it } from 'vitest';
import { projectPaths } from '../../src/contract/project.js';
import { DockerEngine } from '../../src/engine/docker/docker-engine.js';
import { run, type Ran } from '../support/fleet-rig.js';
import { leftoversOf } from '../support/leftovers.js';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const BIN = join(ROOT, 'bin', 'filare-agents.js');
const is_root = process.getuid?.() === 0;

/** What an example's script did, and what of its project was left when it was over. */
interface Played extends Ran {
  readonly left: readonly string[];
}

/** Runs an example's script in a project of its own; `before` is a program that runs it. */
async function play(name: string, before: readonly string[] = []): Promise<Played> {
  const top = await realpath(await mkdtemp(join(tmpdir(), 'filare-example-')));
  const project = join(top, 'project');
  try {
    await mkdir(join(top, 'bin'));
    await symlink(BIN, join(top, 'bin', 'filare-agents'));
    const [program, ...args] = [...before, join(ROOT, 'examples', name, 'run'), project];
    const ran = await run(program, args, { env: { PATH: `${join(top, 'bin')}:${process.env['PATH'] ?? ''}` } });
    const left = await leftoversOf(projectPaths(project, tmpdir()), await DockerEngine.connect(process.env));
    return { ...ran, left };
  } finally {
    await run(process.execPath, [BIN, '--project', project, 'stop', '--all']);
    await run(process.execPath, [BIN, '--project', project, 'daemon', 'stop']);
    await rm(top, { recursive: true, force: true });
  }
}

/** The examples that are shell scripts, run as their READMEs say, beside one another. The others: library, orchestrating, quickstart. */
describe.concurrent('examples', { timeout: 150_000 }, () => {
  it('two-agents: both ask, are answered, and go on', async ({ expect }) => {
    const ran = await play('two-agents');
    expect(ran, ran.stderr).toMatchObject({ code: 0, left: [] });
    for (const shown of ['wants to run', 'has no test', '## agents/code', 'You said: write it.', 'agents/tests'])
      expect(ran.stdout).toContain(shown);
    expect(ran.stderr).toContain('code waits for a decision');
  });

  it('feature-and-reviewer: approved in the second round, for what the first one lacked', async ({ expect }) => {
    const ran = await play('feature-and-reviewer');
    expect(ran, ran.stderr).toMatchObject({ code: 0, left: [] });
    expect(ran.stdout).toContain('round 1: CHANGES. Nothing tests the farewell.');
    expect(ran.stdout).toContain('round 2: APPROVED.');
    expect(ran.stdout).not.toContain('round 3');
  });

  it.skipIf(!is_root)('air-gapped-ci: in a network namespace that has nothing but itself', async ({ expect }) => {
    const ran = await play('air-gapped-ci', ['unshare', '--net']);
    expect(ran, ran.stderr).toMatchObject({ code: 0, left: [] });
    expect(ran.stdout.split('\n').filter((line) => line.startsWith('ok  '))).toEqual([
      'ok  a push is rejected',
      'ok  every agent started',
      'ok  the tests ran and passed',
      'ok  the push was rejected by the rule',
      'ok  all idle, nobody waits',
      'ok  transcripts are whole, nothing is left',
    ]);
  });
});

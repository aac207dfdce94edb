import { cp, mkdir, symlink } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, describe, expect, it } from 'vitest';
import { FleetRig, run, smallAgents } from '../support/fleet-rig.js';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));

describe('the library', () => {
  let rig: FleetRig | undefined;
  afterEach(async () => {
    await rig?.end();
  }, 60_000);

  it('runs its example as a program of somebody else would, from the built package', async () => {
    rig = await FleetRig.make({
      'configs/agents/a.yml': smallAgents(['left', 'right']),
      'r.yml':
        'parts:\n  - { agent: left, do: [say: hello from the left] }\n  - { agent: right, do: [say: hello from the right] }\n',
    });
    // As installed: the package is found under its own name.
    await mkdir(join(rig.root, 'node_modules'));
    await symlink(ROOT, join(rig.root, 'node_modules', 'filare-agents'));
    await rig.write('program/package.json', '{"type":"module"}');
    await cp(join(ROOT, 'examples', 'library'), join(rig.root, 'program'), { recursive: true });
    const ran = await run(
      process.execPath,
      [
        '--import',
        join(ROOT, 'node_modules', 'tsx', 'dist', 'esm', 'index.mjs'),
        'program/two-agents.ts',
        rig.root,
        'r.yml',
      ],
      { cwd: rig.root },
    );
    expect(ran.code, ran.stderr).toBe(0);
    expect(ran.stdout).toContain('left: started');
    expect(ran.stdout).toContain('left replied: hello from the left');
    expect(ran.stdout).toContain('right replied: hello from the right');
    expect(ran.stdout).toMatch(/right: \d+ entries, stopped; its transcript stays: \S+transcript\.jsonl/);
    expect(await rig.containers()).toEqual([]);
  }, 120_000);
});

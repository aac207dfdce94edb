import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { lockProject } from '../../src/daemon/project-lock.js';

const LOCK = fileURLToPath(new URL('../../src/daemon/project-lock.ts', import.meta.url));
const key = (): string => `test${Math.random().toString(16).slice(2)}`;

describe('the lock of a project', () => {
  it('has one holder among ten that try at once; the others are told', async () => {
    const name = key();
    const tries = await Promise.allSettled(Array.from({ length: 10 }, () => lockProject(name, 0)));
    const won = tries.filter((t) => t.status === 'fulfilled');
    expect(won).toHaveLength(1);
    for (const lost of tries.filter((t) => t.status === 'rejected'))
      expect(lost.reason).toMatchObject({
        code: 'conflict',
        message: expect.stringContaining(`pid ${String(process.pid)}, since 20`) as string,
        details: { holder: { pid: process.pid } },
      });
    await won[0]?.value.release();
    await (await lockProject(name, 0)).release();
  });

  it('dies with its holder, even one that is killed', async () => {
    const name = key();
    const holder = spawn(
      process.execPath,
      [
        '--import',
        'tsx',
        '--input-type=module',
        '-e',
        `const { lockProject } = await import(${JSON.stringify(LOCK)}); await lockProject('${name}', 0); console.log('held'); setInterval(() => {}, 1000);`,
      ],
      { stdio: ['ignore', 'pipe', 'inherit'] },
    );
    await once(holder.stdout, 'data');
    await expect(lockProject(name, 0)).rejects.toMatchObject({ code: 'conflict' });
    holder.kill('SIGKILL');
    await once(holder, 'exit');
    await (await lockProject(name, 0)).release();
  });

  it('is the user’s own: another uid is another lock', async () => {
    const name = key();
    const [one, two] = await Promise.all([lockProject(name, 1), lockProject(name, 2)]);
    await one.release();
    await two.release();
  });
});

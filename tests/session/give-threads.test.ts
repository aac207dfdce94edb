import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { giveThreads } from '../../src/session/give-threads.js';

const NAME = 'rollout-2030-01-31T12-00-00-01a21384-a114-7343-8c96-2c5b0ffbf02f.jsonl';
const OWNER = { user: { uid: 1000, gid: 1000 }, caller_uid: 1000 };

describe('the threads of a fork', () => {
  let root: string;
  let from: string;
  let home: string;
  beforeEach(async () => {
    root = await mkdtemp(join(tmpdir(), 'filare-threads-'));
    from = join(root, 'forked');
    home = join(root, 'home');
    await mkdir(from);
    await mkdir(home);
    await writeFile(join(from, NAME), 'one\n');
  });
  afterEach(() => rm(root, { recursive: true, force: true }));
  const given = (): string => join(home, 'sessions', '2030', '01', '31', NAME);

  it('lie where Codex looks for them, again after they were changed there, and nothing else does', async () => {
    await writeFile(join(from, 'auth.json'), 'x');
    await giveThreads(from, home, OWNER);
    await writeFile(given(), 'changed');
    await giveThreads(from, home, OWNER);
    expect(await readFile(given(), 'utf8')).toBe('one\n');
    expect(await readdir(home)).toEqual(['sessions']);
    expect(await readdir(join(given(), '..'))).toEqual([NAME]);
  });

  it('are none for a session that was forked before its first turn', async () => {
    await giveThreads(join(root, 'nothing'), home, OWNER);
    expect(await readdir(home)).toEqual([]);
  });

  it.each([['sessions'], ['sessions/2030/01/31']])('go through no link that an agent left at %s', async (at) => {
    const outside = join(root, 'outside');
    await mkdir(outside);
    await mkdir(join(home, at, '..'), { recursive: true });
    await symlink(outside, join(home, at));
    await expect(giveThreads(from, home, OWNER)).rejects.toMatchObject({ code: 'bad_state' });
    expect(await readdir(outside)).toEqual([]);
  });

  it('take the place of a link instead of going through it', async () => {
    const outside = join(root, 'outside');
    await mkdir(join(given(), '..'), { recursive: true });
    await symlink(outside, given());
    await giveThreads(from, home, OWNER);
    expect(existsSync(outside)).toBe(false);
    expect(await readFile(given(), 'utf8')).toBe('one\n');
  });
});

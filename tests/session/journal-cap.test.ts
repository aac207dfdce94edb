import { execFile } from 'node:child_process';
import { mkdtemp, rm, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { JournalCap } from '../../src/session/journal-cap.js';

const KIB = 1024;
const LIMITS = { warn_bytes: 256 * KIB, max_bytes: 1024 * KIB };

let folder: string;
let out: string;
let err: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'filare-cap-'));
  out = join(folder, 'out');
  err = join(folder, 'err');
});
afterEach(() => rm(folder, { recursive: true }));

describe('what an agent writes by itself', () => {
  it('is said once when it is large, and found full from its limit on', async () => {
    const cap = new JournalCap([out, err], LIMITS);
    expect(await cap.look()).toEqual({ size: 'ok' });
    await writeFile(out, Buffer.alloc(300 * KIB, 'x'));
    expect(await cap.look()).toMatchObject({ size: 'large' });
    expect(await cap.look()).toEqual({ size: 'ok' });
    await writeFile(out, Buffer.alloc(1100 * KIB, 'x'));
    expect(await cap.look()).toMatchObject({ size: 'full' });
    expect(await cap.look()).toMatchObject({ size: 'full' });
  });

  it('counts its standard error too', async () => {
    await writeFile(err, Buffer.alloc(1100 * KIB, 'x'));
    expect(await new JournalCap([out, err], LIMITS).look()).toMatchObject({ size: 'full' });
  });

  it('does not count what was given back, however long the file is', async () => {
    await writeFile(out, Buffer.alloc(2048 * KIB, 'x'));
    const range = ['--punch-hole', '--keep-size', '--offset', '0', '--length', String(2000 * KIB)];
    await promisify(execFile)('fallocate', [...range, out]);
    expect(await new JournalCap([out, err], LIMITS).look()).toEqual({ size: 'ok' });
    await rm(out);
    await writeFile(out, '');
    await truncate(out, 64 * 2 ** 20);
    expect(await new JournalCap([out, err], LIMITS).look()).toEqual({ size: 'ok' });
  });
});

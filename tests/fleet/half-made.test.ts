import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { removeHalfMade } from '../../src/fleet/half-made.js';

describe('what a daemon that died left half made in the folder of a session', () => {
  let folder: string;
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'filare-half-'));
  });
  afterEach(async () => {
    await rm(folder, { recursive: true, force: true });
  });

  it.each<readonly [string, Readonly<Record<string, string>>]>([
    ['without any file', {}],
    ['with an empty ledger', { 'ledger.jsonl': '', 'transcript.jsonl': '' }],
    ['with the beginning of its first record', { 'ledger.jsonl': '{"n":1,"time_ms":17' }],
  ])('a session %s never began: its folder goes', async (_, files) => {
    for (const [name, text] of Object.entries(files)) await writeFile(join(folder, name), text);
    expect(await removeHalfMade(folder)).toBe(true);
    expect(existsSync(folder)).toBe(false);
  });

  it('a session with one record began: it stays, and so does one that has anything besides', async () => {
    await writeFile(join(folder, 'ledger.jsonl'), '{"n":1}\n{"n":');
    expect(await removeHalfMade(folder)).toBe(false);
    await writeFile(join(folder, 'ledger.jsonl'), '');
    await mkdir(join(folder, 'attempts'));
    expect(await removeHalfMade(folder)).toBe(false);
    expect((await readdir(folder)).sort()).toEqual(['attempts', 'ledger.jsonl']);
  });

  it('a checkpoint that was not in place yet goes, the one that is stays', async () => {
    for (const name of ['ledger.jsonl', 'state.json', 'state.json.1761591128', 'state.json.bak'])
      await writeFile(join(folder, name), '{}\n');
    expect(await removeHalfMade(folder)).toBe(false);
    expect((await readdir(folder)).sort()).toEqual(['ledger.jsonl', 'state.json', 'state.json.bak']);
  });
});

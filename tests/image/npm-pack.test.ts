import { createHash } from 'node:crypto';
import { mkdir, mkdtemp, readFile, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { packCacheDir, packedArchive } from '../../src/image/npm-pack.js';

let folder: string;
let cache: string;
const said: string[] = [];
const onLine = (line: string): void => void said.push(line);

// A package in a folder: npm packs it as it would one of a registry.
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'filare-pack-'));
  cache = join(folder, 'cache');
  said.length = 0;
  await mkdir(join(folder, 'sample'));
  await writeFile(join(folder, 'sample/package.json'), JSON.stringify({ name: 'sample', version: '1.2.3' }));
  await writeFile(join(folder, 'sample/hello.txt'), 'hello');
});

afterEach(async () => {
  await rm(folder, { recursive: true });
});

it('asks npm once and then takes the archive from the cache', async () => {
  const pinned = { spec: `file:${folder}/sample` };
  const archive = await packedArchive(pinned, cache, { onLine });
  const integrity = `sha512-${createHash('sha512')
    .update(await readFile(archive))
    .digest('base64')}`;
  expect(await packedArchive({ ...pinned, integrity }, cache, { onLine })).toBe(archive);
  expect(said).toEqual([`npm pack file:${folder}/sample`]);
});

it('brings an archive again that was damaged on disk', async () => {
  const pinned = { spec: `file:${folder}/sample` };
  const archive = await packedArchive(pinned, cache, { onLine });
  const whole = await readFile(archive);
  const integrity = `sha512-${createHash('sha512').update(whole).digest('base64')}`;
  await writeFile(archive, whole.subarray(0, 100));
  await packedArchive({ ...pinned, integrity }, cache, { onLine });
  expect(await readFile(archive)).toEqual(whole);
});

it('refuses what is not the archive that is pinned, and keeps nothing of it', async () => {
  const pinned = { spec: `file:${folder}/sample`, integrity: `sha512-${'A'.repeat(86)}==` };
  await expect(packedArchive(pinned, cache, { onLine })).rejects.toMatchObject({ code: 'image_unavailable' });
  expect(await readdir(cache)).toEqual([]);
});

it('says which package could not be had, and what to try', async () => {
  await expect(packedArchive({ spec: `file:${folder}/nothing` }, cache, { onLine })).rejects.toMatchObject({
    code: 'image_unavailable',
    hint: `Make this work first: npm pack file:${folder}/nothing --dry-run`,
  });
});

it('ends with its signal', async () => {
  const signal = AbortSignal.abort();
  await expect(packedArchive({ spec: `file:${folder}/sample` }, cache, { onLine, signal })).rejects.toMatchObject({
    code: 'interrupted',
  });
});

it('keeps archives where XDG says', () => {
  expect(packCacheDir({ XDG_CACHE_HOME: '/elsewhere' })).toBe('/elsewhere/filare-agents/npm-pack');
  expect(packCacheDir({ XDG_CACHE_HOME: 'relative' })).toMatch(/^\/.*\/\.cache\/filare-agents\/npm-pack$/);
});

import { chmod, lstat, mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { afterEach, beforeEach, expect, it } from 'vitest';

import { attemptPaths, openBootstrapPipe, prepareAttemptFiles } from '../../src/channel/attempt-files.js';
import { FifoWriter } from '../../src/channel/fifo-writer.js';
import { failureOf } from './channel-contract.js';

const IS_ROOT = process.getuid?.() === 0;
const OWNER = IS_ROOT ? { uid: 1234, gid: 4321 } : { uid: process.getuid?.() ?? 0, gid: process.getgid?.() ?? 0 };

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'filare-attempt-'));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

const modeOf = async (path: string) => (await lstat(path)).mode & 0o7777;

it("makes pipe and journal outside of the mounted folder, private and the agent's, with links in it", async () => {
  const mask = process.umask(0o077);
  const paths = await prepareAttemptFiles(join(folder, '1'), OWNER).finally(() => process.umask(mask));
  expect(paths).toEqual(attemptPaths(join(folder, '1')));
  expect(await readdir(paths.io_folder)).toEqual(['err', 'in', 'out']);
  expect([await modeOf(paths.journal_folder), await modeOf(paths.io_folder)]).toEqual([0o700, 0o700]);
  expect(await lstat(paths.io_folder)).toMatchObject(OWNER);
  expect((await lstat(paths.journal_folder)).uid).toBe(process.getuid?.());
  for (const name of ['in', 'out', 'err'] as const) {
    const kept = await lstat(paths[name]);
    expect(kept.ino).toBe((await lstat(join(paths.io_folder, name))).ino);
    expect(kept).toMatchObject({ ...OWNER, nlink: 2, size: 0 });
    expect(kept.mode & 0o777).toBe(0o600);
    expect(name === 'in' ? kept.isFIFO() : kept.isFile()).toBe(true);
  }
});

it('finds the same files again', async () => {
  const paths = await prepareAttemptFiles(folder, OWNER);
  const before = await lstat(paths.out);
  expect(await prepareAttemptFiles(folder, OWNER)).toEqual(paths);
  expect((await lstat(paths.out)).ino).toBe(before.ino);
});

it('makes only the pipe for a startup stage, ready to be written to', async () => {
  const paths = await openBootstrapPipe(folder, OWNER);
  expect(await readdir(paths.io_folder)).toEqual(['in']);
  expect(await readdir(paths.journal_folder)).toEqual(['in']);
  await using writer = await FifoWriter.open(paths.in);
  await writer.write('.');
});

it('does not link anything again once a container has taken the names', async () => {
  const paths = await prepareAttemptFiles(folder, OWNER);
  for (const name of ['in', 'out', 'err']) await rm(join(paths.io_folder, name));
  const failure = await failureOf(prepareAttemptFiles(folder, OWNER));
  expect(failure).toMatchObject({ code: 'bad_state', details: { links_missing: 3 } });
  expect(failure?.message).toContain('already taken');
  expect(await readdir(paths.io_folder)).toEqual([]);
});

it.each([
  ['a file is missing', (paths) => rm(paths.out), ['journal/out']],
  ['the pipe is a plain file', (paths) => rm(paths.in).then(() => writeFile(paths.in, '')), ['journal/in']],
  [
    'a link leads elsewhere',
    (paths) => rm(join(paths.io_folder, 'out')).then(() => writeFile(join(paths.io_folder, 'out'), '')),
    ['io/out'],
  ],
  ['only some links are there', (paths) => rm(join(paths.io_folder, 'err')), []],
  ['the mounted folder is missing', (paths) => rm(paths.io_folder, { recursive: true }), ['io/']],
] satisfies [string, (paths: ReturnType<typeof attemptPaths>) => Promise<void>, string[]][])(
  'says what is wrong and changes nothing when %s',
  async (_, damage, wrong) => {
    const paths = await prepareAttemptFiles(folder, OWNER);
    await damage(paths);
    const before = await readdir(folder, { recursive: true });
    const failure = await failureOf(prepareAttemptFiles(folder, OWNER));
    expect(failure).toMatchObject({ code: 'bad_state', details: { wrong } });
    expect(failure?.message).toContain('half made');
    expect(await readdir(folder, { recursive: true })).toEqual(before);
  },
);

it('leaves nothing when it fails on the way', async () => {
  const path = process.env['PATH'];
  process.env['PATH'] = folder;
  const failure = await failureOf(prepareAttemptFiles(join(folder, '1'), OWNER)).finally(
    () => (process.env['PATH'] = path),
  );
  expect(failure).toMatchObject({ code: 'unexpected', hint: expect.stringContaining('mkfifo') as string });
  expect(await readdir(join(folder, '1'))).toEqual([]);
  await prepareAttemptFiles(join(folder, '1'), OWNER);
});

it.runIf(!IS_ROOT)('refuses to make files of another user', async () => {
  expect(await failureOf(prepareAttemptFiles(folder, { uid: OWNER.uid + 1, gid: 0 }))).toMatchObject({
    code: 'unsupported',
  });
});

it('does not take folders of somebody else for a channel', async () => {
  await mkdir(join(folder, 'io'));
  await chmod(join(folder, 'io'), 0o777);
  expect(await failureOf(prepareAttemptFiles(folder, OWNER))).toMatchObject({ code: 'bad_state' });
});

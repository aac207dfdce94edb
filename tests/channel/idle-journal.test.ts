import { EventEmitter } from 'node:events';
import type { FSWatcher } from 'node:fs';
import { appendFile, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { JournalFile } from '../../src/channel/journal-file.js';

/** Looks at the size so far, and whether the kernel reports what is written. No local file system stays silent, so silence is made here. */
const kernel = vi.hoisted(() => ({ looks: 0, is_silent: false }));

vi.mock('node:fs', async (importOriginal) => {
  const fs = await importOriginal<typeof import('node:fs')>();
  return {
    ...fs,
    lstatSync: (path: string) => {
      kernel.looks += 1;
      return fs.lstatSync(path);
    },
    watch: (...args: [string, { persistent: boolean }, () => void]) =>
      kernel.is_silent
        ? (Object.assign(new EventEmitter(), { close: () => undefined }) as unknown as FSWatcher)
        : fs.watch(...args),
  };
});

const POLL_MS = 20;
const IDLE_MS = 1_500;

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'filare-idle-'));
});
afterEach(async () => {
  await rm(folder, { recursive: true });
});

/** Follows a journal while lines are added one by one; answers with how often its size was looked at afterwards, while nothing was added. */
async function looksWhileIdle(lines: number): Promise<number> {
  const path = join(folder, 'out');
  await writeFile(path, 'line 0\n');
  const ending = new AbortController();
  const found: string[] = [];
  const following = (async () => {
    const reader = new JournalFile(path, { poll_ms: POLL_MS });
    for await (const batch of reader.read({ from: 0, follow: true, signal: ending.signal }))
      found.push(...batch.map(({ text }) => text));
  })();
  for (let line = 1; line <= lines; line += 1) {
    await vi.waitFor(() => expect(found).toHaveLength(line), { timeout: 10_000 });
    await sleep(3 * POLL_MS);
    await appendFile(path, `line ${line}\n`);
  }
  await vi.waitFor(() => expect(found).toEqual(Array.from({ length: lines + 1 }, (_, at) => `line ${at}`)), 10_000);
  const before = kernel.looks;
  await sleep(IDLE_MS);
  const looks = kernel.looks - before;
  ending.abort();
  await following;
  return looks;
}

it('is looked at less and less often while nothing is added, where the kernel reports what is', async () => {
  kernel.is_silent = false;
  expect(await looksWhileIdle(5)).toBeLessThan(IDLE_MS / POLL_MS / 5);
});

it('is looked at as often as ever where the kernel does not, and nothing is missed', async () => {
  kernel.is_silent = true;
  expect(await looksWhileIdle(5)).toBeGreaterThan(IDLE_MS / POLL_MS / 4);
});

import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { appendFileSync } from 'node:fs';
import { appendFile, mkdtemp, readFile, readdir, rename, rm, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

import { afterEach, beforeEach, describe, expect, it } from 'vitest';

import { prepareAttemptFiles } from '../../src/channel/attempt-files.js';
import type { ChannelPaths, JournalLine } from '../../src/channel/channel.js';
import { FifoWriter } from '../../src/channel/fifo-writer.js';
import { JournalFile } from '../../src/channel/journal-file.js';
import { channelContract, failureOf, readNow } from './channel-contract.js';
import type { ChannelUnderTest } from './channel-contract.js';

const OWNER = { uid: process.getuid?.() ?? 0, gid: process.getgid?.() ?? 0 };
const OPEN_ALL = 'exec 0<>"$0/in" 1>>"$0/out" 2>>"$0/err"; rm -f "$0/in" "$0/out" "$0/err"; exec "$@"';

let folder: string;
let children: ChildProcess[];
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'filare-channel-'));
  children = [];
});
afterEach(removeAll);

async function removeAll(): Promise<void> {
  for (const child of children.splice(0)) {
    if (child.exitCode !== null || child.signalCode !== null) continue;
    child.kill('SIGKILL');
    await once(child, 'exit');
  }
  await rm(folder, { recursive: true, force: true });
}

function start(program: string, ...args: string[]): ChildProcess {
  const child = spawn(program, args, { stdio: 'ignore' });
  children.push(child);
  return child;
}

/** What the entry of a container does: opens the three, removes their names, becomes the program. */
function startPeer(paths: ChannelPaths, program: string, ...args: string[]): ChildProcess {
  return start('bash', '-c', OPEN_ALL, paths.io_folder, program, ...args);
}

async function fifoAndJournal(): Promise<ChannelUnderTest> {
  const paths = await prepareAttemptFiles(folder, OWNER);
  return {
    reader: new JournalFile(paths.out, { poll_ms: 20 }),
    openWriter: () => FifoWriter.open(paths.in),
    async startPeer(program, ...args) {
      const child = startPeer(paths, program, ...args);
      // Until it has opened the pipe: bytes in a pipe that nobody holds open are gone.
      await expect.poll(() => readdir(paths.io_folder), { timeout: 30_000, interval: 5 }).toEqual([]);
      return { signal: (name) => void child.kill(name) };
    },
    async writeAndDie(bytes) {
      // 1<>: so that the pipe keeps the bytes even if nobody else has opened it yet.
      await once(start('bash', '-c', 'exec 1<>"$0"; printf %s "$1"; sleep 0.5; kill -9 $$', paths.in, bytes), 'exit');
    },
    dispose: removeAll,
  };
}

channelContract('named pipe and journal file', fifoAndJournal);

describe('the pipe', () => {
  it('never holds up the process, however many agents do not read', async () => {
    const writers: FifoWriter[] = [];
    const stuck: Promise<unknown>[] = [];
    for (let at = 0; at < 8; at += 1) {
      const paths = await prepareAttemptFiles(join(folder, String(at)), OWNER);
      startPeer(paths, 'sleep', '600');
      const writer = await FifoWriter.open(paths.in);
      writers.push(writer);
      stuck.push(failureOf(writer.write(JSON.stringify('x'.repeat(1_000_000)))));
    }
    // Node has four threads for files: a blocking write on each pipe would hold all of them.
    await writeFile(join(folder, 'probe'), 'alive');
    expect(await readFile(join(folder, 'probe'), 'utf8')).toBe('alive');
    expect(writers.map(({ unsent }) => unsent.lines)).toEqual(writers.map(() => 1));
    await Promise.all(writers.map((writer) => writer.close()));
    await Promise.all(stuck);
  });

  it('keeps what was written before the agent came', async () => {
    const paths = await prepareAttemptFiles(folder, OWNER);
    const writer = await FifoWriter.open(paths.in);
    await writer.write('{"early":true}');
    startPeer(paths, 'cat');
    const found: string[] = [];
    const signal = AbortSignal.timeout(30_000);
    for await (const batch of new JournalFile(paths.out).read({ from: 0, follow: true, signal })) {
      found.push(...batch.map(({ text }) => text));
      if (found.length === 2) break;
    }
    expect(found).toEqual(['', '{"early":true}']);
    await writer.close();
  });

  it('is refused when it is missing or a plain file', async () => {
    await writeFile(join(folder, 'plain'), '');
    expect(await failureOf(FifoWriter.open(join(folder, 'plain')))).toMatchObject({ code: 'bad_state' });
    expect(await failureOf(FifoWriter.open(join(folder, 'missing')))).toMatchObject({ code: 'bad_state' });
  });
});

describe('the journal', () => {
  const hour = 3_600_000;

  /** Reads on until the reader ends, after something was done to the journal that it follows. */
  async function follow(
    options: { poll_ms: number; watch: boolean },
    act: (path: string) => Promise<void>,
    wanted = Infinity,
  ) {
    const path = join(folder, 'out');
    await writeFile(path, 'one\ntwo\n');
    const found: JournalLine[] = [];
    const signal = AbortSignal.timeout(30_000);
    for await (const batch of new JournalFile(path, options).read({ from: 0, follow: true, signal })) {
      if (found.length === 0) setTimeout(() => void act(path), 50);
      found.push(...batch);
      if (found.length >= wanted) break;
    }
    return found.map(({ text }) => text);
  }

  it('is followed by what the kernel says alone, and by polling alone', async () => {
    const act = (path: string) => appendFile(path, 'three\n');
    expect(await follow({ poll_ms: hour, watch: true }, act, 3)).toEqual(['one', 'two', 'three']);
    expect(await follow({ poll_ms: 20, watch: false }, act, 3)).toEqual(['one', 'two', 'three']);
  });

  it.each([
    ['cut', (path: string) => truncate(path, 5), { found: { bytes: 5 } }],
    [
      'replaced by a longer one',
      async (path: string) => {
        await writeFile(`${path}.new`, 'one\ntwo\nforged\n');
        await rename(`${path}.new`, path);
      },
      { found: { bytes: 15 } },
    ],
    ['removed', (path: string) => rm(path), { found: null }],
  ])('is reported as damaged when it is %s', async (_, act, details) => {
    for (const watch of [true, false]) {
      const failure = await failureOf(follow({ poll_ms: 20, watch }, act));
      expect(failure).toMatchObject({ code: 'bad_state', details: { expected: { bytes: 8 }, ...details } });
    }
  });

  it('is reported as damaged when it became shorter between two readings, even before the point of reading', async () => {
    const path = join(folder, 'out');
    await writeFile(path, 'one\ntwo\nthree\n');
    const journal = new JournalFile(path);
    const read = (from: number) => readNow(journal, from);
    await read(0);
    expect(await failureOf(read(15))).toMatchObject({
      code: 'bad_state',
      details: { expected: { bytes: 15 }, found: { bytes: 14 } },
    });
    await truncate(path, 8);
    expect(await failureOf(read(0))).toMatchObject({ code: 'bad_state', details: { expected: { bytes: 14 } } });
  });

  it('of an agent that floods leaves turns to everybody else while it is read', async () => {
    const path = join(folder, 'out');
    await writeFile(path, 'first\n');
    const lines = 400_000;
    let seen = 0;
    let turns = 0;
    const timer = setInterval(() => (turns += 1), 1);
    try {
      const journal = new JournalFile(path, { poll_ms: 5 });
      for await (const batch of journal.read({ from: 0, follow: true, signal: AbortSignal.timeout(30_000) })) {
        seen += batch.length;
        // It has been at the end: what comes now is read on this thread.
        if (seen === 1) setTimeout(() => appendFileSync(path, 'a line of the flood\n'.repeat(lines)), 50);
        if (seen === 2) throw new Error('one line alone');
        if (seen > 1 && seen - batch.length === 1) turns = 0;
        if (seen === lines + 1) break;
      }
    } finally {
      clearInterval(timer);
    }
    expect(turns).toBeGreaterThan(1);
  });

  it('lets several read at once while it grows', async () => {
    const path = join(folder, 'out');
    await writeFile(path, '');
    const journal = new JournalFile(path, { poll_ms: 5 });
    const wanted = Array.from({ length: 200 }, (_, at) => `line ${at}`);
    const readers = Array.from({ length: 5 }, async () => {
      const found: string[] = [];
      for await (const batch of journal.read({ from: 0, follow: true, signal: AbortSignal.timeout(30_000) })) {
        found.push(...batch.map(({ text }) => text));
        if (found.length === wanted.length) break;
      }
      return found;
    });
    for (const line of wanted) {
      await appendFile(path, `${line}\n`);
      if (line.endsWith('0')) await sleep(3);
    }
    for (const found of await Promise.all(readers)) expect(found).toEqual(wanted);
  });
});

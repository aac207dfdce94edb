import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';

import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { z } from 'zod';

import { TranscriptStore } from '../../src/transcript/store.js';
import { MAX_PAGE_BYTES } from '../../src/transcript/transcript-page.js';
import type { TranscriptPage } from '../../src/transcript/transcript-page.js';
import { faultyIo } from '../ledger/faulty-io.js';

const seqSchema = z.object({ seq: z.number() });
const START_MS = Date.UTC(2030, 0, 1);

/** A stored line; `time_ms` after START_MS. */
function entry(seq: number, time_ms = seq, text = `entry ${seq} — é 漢`): string {
  return JSON.stringify({
    seq,
    timestamp: new Date(START_MS + time_ms).toISOString(),
    session_id: 's',
    role: 'FEATURE',
    branch: null,
    attempt: 1,
    direction: 'out',
    from: 'codex',
    kind: 'reply',
    text,
    requires_operator: false,
    tags: [],
  });
}
const entries = (from: number, to: number) => Array.from({ length: to - from + 1 }, (_, at) => entry(from + at));
const seqsOf = (page: TranscriptPage) => page.lines.map((line) => seqSchema.parse(JSON.parse(line)).seq);
const range = (from: number, to: number) => Array.from({ length: Math.max(0, to - from + 1) }, (_, at) => from + at);

let folder: string;
let path: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'filare-transcript-'));
  path = join(folder, 'transcript.jsonl');
});
afterEach(() => rm(folder, { recursive: true, force: true }));

describe('appending', () => {
  it('begins at 1, goes on after a restart, and gives back the very lines', async () => {
    {
      await using store = await TranscriptStore.open(path);
      expect([store.first_seq, store.last_seq, store.bytes]).toEqual([0, 0, 0]);
      expect(await store.readAfter(0, 10)).toEqual({ lines: [], next_after: 0, more: false });
      expect(await store.readLast(10)).toEqual({ lines: [], next_after: 0, more: false });
      await store.append(entries(1, 3), 3);
      await store.append([], 3);
      await store.append([entry(4)], 4);
      expect((await store.readAfter(0, 10)).lines).toEqual(entries(1, 4));
    }
    await using store = await TranscriptStore.open(path);
    expect([store.first_seq, store.last_seq]).toEqual([1, 4]);
    await store.append([entry(5)], 5);
    expect((await store.readAfter(3, 10)).lines).toEqual(entries(4, 5));
    expect(await readFile(path, 'utf8')).toBe(
      entries(1, 5)
        .map((line) => `${line}\n`)
        .join(''),
    );
    expect((await stat(path)).mode & 0o777).toBe(0o600);
  });

  it('throws at a gap, a repeat or a wrong last number, and takes the right one after that', async () => {
    await using store = await TranscriptStore.open(path);
    await store.append(entries(1, 2), 2);
    await expect(store.append([entry(4)], 4)).rejects.toThrow('seq 4 where 3 must follow');
    await expect(store.append([entry(2)], 2)).rejects.toThrow('seq 2 where 3 must follow');
    await expect(store.append([entry(3), entry(3)], 4)).rejects.toThrow('seq 3 where 4 must follow');
    await expect(store.append([entry(3)], 4)).rejects.toThrow('do not end with seq 4');
    await expect(store.append(['{"text":"no seq"}'], 3)).rejects.toThrow('seq unknown');
    await store.append([entry(3)], 3);
    expect(seqsOf(await store.readAfter(0, 10))).toEqual([1, 2, 3]);
  });

  it('writes a batch in one write, without a sync', async () => {
    const io = faultyIo();
    await using store = await TranscriptStore.open(path, {}, io);
    await store.append(entries(1, 500), 500);
    expect(io.calls).toMatchObject({ write: 1, datasync: 0 });
  });

  it('goes on after a file that was rotated away', async () => {
    {
      await using store = await TranscriptStore.open(path, { before: 1_000 });
      expect(store.last_seq).toBe(1_000);
      await store.append(entries(1_001, 1_300), 1_300);
    }
    await using store = await TranscriptStore.open(path);
    expect([store.first_seq, store.last_seq]).toEqual([1_001, 1_300]);
    expect(seqsOf(await store.readAfter(0, 2))).toEqual([1_001, 1_002]);
    expect(seqsOf(await store.readLast(2))).toEqual([1_299, 1_300]);
  });

  it('takes lines whose keys are in another order', async () => {
    const line = '{"text":"é","timestamp":"2030-01-01T00:00:00Z","seq":1}';
    {
      await using store = await TranscriptStore.open(path);
      await store.append([line], 1);
    }
    await using store = await TranscriptStore.open(path);
    expect((await store.readSince(START_MS, 5)).lines).toEqual([line]);
    expect((await store.readSince(START_MS + 1, 5)).lines).toEqual([]);
  });
});

describe('a disk that fails', () => {
  it('refuses a batch at any write, what waits behind it too, and holds everything once it was derived again', async () => {
    for (let at = 1; at <= 5; at += 1) {
      for (const torn of [0, 100]) {
        await rm(path, { force: true });
        const io = faultyIo();
        io.torn_bytes = torn;
        io.fails = (call, number) => (call === 'write' && number === at ? 'ENOSPC' : undefined);
        await using store = await TranscriptStore.open(path, {}, io);
        let refused = 0;
        while (store.last_seq < 50) {
          const last = store.last_seq;
          const both = [
            store.append(entries(last + 1, last + 5), last + 5),
            store.append(entries(last + 6, last + 10), last + 10),
          ];
          for (const one of await Promise.allSettled(both)) {
            if (one.status === 'fulfilled') continue;
            refused += 1;
            expect(one.reason).toMatchObject({ code: 'no_space' });
          }
          expect(seqsOf(await store.readAfter(0, 100))).toEqual(range(1, store.last_seq));
        }
        // Of the two that were under way, the first failed and took the second with it, or the second failed alone.
        expect(refused).toBe(at % 2 === 1 ? 2 : 1);
        await using again = await TranscriptStore.open(path);
        expect(again).toMatchObject({ damage: [], cut_bytes: 0 });
        expect(seqsOf(await again.readAfter(0, 100))).toEqual(range(1, store.last_seq));
      }
    }
  });

  it.runIf(process.getuid?.() === 0 && process.platform === 'linux')('survives a real disk that fills up', async () => {
    const run = promisify(execFile);
    const disk = join(folder, 'disk');
    await mkdir(disk);
    await run('mount', ['-t', 'tmpfs', '-o', 'size=64k', 'tmpfs', disk]);
    try {
      await using store = await TranscriptStore.open(join(disk, 'transcript.jsonl'));
      const fill = async () => {
        for (;;) await store.append(entries(store.last_seq + 1, store.last_seq + 7), store.last_seq + 7);
      };
      await expect(fill()).rejects.toMatchObject({ code: 'no_space' });
      const before = store.last_seq;
      expect(before).toBeGreaterThan(100);
      await run('mount', ['-o', 'remount,size=256k', disk]);
      await store.append(entries(before + 1, before + 7), before + 7);
      expect(seqsOf(await store.readAfter(0, 1_000))).toEqual(range(1, before + 7));
    } finally {
      await run('umount', [disk]);
    }
  });
});

describe('what a crash or a stranger left', () => {
  const three = Buffer.from(
    entries(1, 3)
      .map((line) => `${line}\n`)
      .join(''),
  );

  it('cuts a batch that was torn at any byte, and says from where to derive again', async () => {
    for (let bytes = 0; bytes <= three.length; bytes += 1) {
      await writeFile(path, three.subarray(0, bytes));
      const whole = three.subarray(0, bytes).toString('latin1').split('\n').length - 1;
      await using store = await TranscriptStore.open(path);
      expect(store.last_seq).toBe(whole);
      await store.append(entries(whole + 1, 4), 4);
      expect(await readFile(path)).toEqual(
        Buffer.from(
          entries(1, 4)
            .map((line) => `${line}\n`)
            .join(''),
        ),
      );
    }
  });

  async function openedWith(lines: readonly string[]): Promise<TranscriptStore> {
    await writeFile(path, lines.map((line) => `${line}\n`).join(''));
    return TranscriptStore.open(path);
  }

  it('reports a wrong digit in a seq, and hides nothing but that line', async () => {
    const lines = entries(1, 600);
    lines[4] = entry(95);
    lines[300] = entry(7);
    lines[400] = '\0'.repeat(300);
    await using store = await openedWith(lines);
    expect(store.last_seq).toBe(600);
    const wanted = range(1, 600).filter((seq) => ![5, 301, 401].includes(seq));
    expect(seqsOf(await store.readAfter(0, 1_000))).toEqual(wanted);
    for (const limit of [1, 7, 300]) expect(await pageThrough(store, limit)).toEqual(wanted);
    expect(seqsOf(await store.readLast(250))).toEqual(wanted.filter((seq) => seq > 350));
    expect(store.damage.map(({ line }) => line)).toEqual([5, 6, 301, 302, 401, 402]);
    await store.append([entry(601)], 601);
    expect(seqsOf(await store.readAfter(599, 10))).toEqual([600, 601]);
  });

  it('goes on after lines that are missing', async () => {
    await using store = await openedWith([...entries(1, 10), ...entries(21, 30)]);
    expect(store.last_seq).toBe(30);
    expect(store.damage).toMatchObject([{ line: 11, reason: 'seq 21 follows 10' }]);
    expect(seqsOf(await store.readAfter(8, 4))).toEqual([9, 10, 21, 22]);
  });

  it('does not count a last line that does not follow', async () => {
    await using store = await openedWith([...entries(1, 3), entry(44)]);
    expect(store.last_seq).toBe(3);
    await store.append([entry(4), entry(5)], 5);
    expect(seqsOf(await store.readAfter(0, 10))).toEqual([1, 2, 3, 4, 5]);
    await using again = await TranscriptStore.open(path);
    expect(seqsOf(await again.readAfter(0, 10))).toEqual([1, 2, 3, 4, 5]);
  });

  it('refuses a file of damage', async () => {
    await expect(openedWith([...Array.from({ length: 2_000 }, () => '{}'), entry(1)])).rejects.toMatchObject({
      code: 'bad_state',
    });
  });

  it('lets a reader finish when the file is deleted, and says `ended` after that', async () => {
    await using store = await openedWith(entries(1, 20_000));
    const reading = store.readAfter(0, 20_000);
    await rm(path);
    const [outcome] = await Promise.allSettled([reading]);
    if (outcome.status === 'fulfilled') expect(outcome.value.lines).toHaveLength(20_000);
    else expect(outcome.reason).toMatchObject({ code: 'ended' });
    await expect(store.readAfter(0, 1)).rejects.toMatchObject({ code: 'ended' });
  });
});

/** All seqs, page by page. */
async function pageThrough(store: TranscriptStore, limit: number, after = 0): Promise<number[]> {
  const found: number[] = [];
  for (let next = after; ;) {
    const page = await store.readAfter(next, limit);
    found.push(...seqsOf(page));
    if (!page.more) return found;
    next = page.next_after;
  }
}

describe('reading 200,000 entries', () => {
  const COUNT = 200_000;
  /** The clock is set back by an hour in the middle, and forward again later. */
  const timeOf = (seq: number) => seq * 1_000 - (seq > 100_000 && seq <= 120_000 ? 3_600_000 : 0);
  let large: string;
  let store: TranscriptStore;
  let reopened: TranscriptStore;
  beforeAll(async () => {
    large = await mkdtemp(join(tmpdir(), 'filare-transcript-'));
    store = await TranscriptStore.open(join(large, 'transcript.jsonl'));
    for (let from = 1; from <= COUNT; from += 1_000) {
      const lines = range(from, from + 999).map((seq) => entry(seq, timeOf(seq)));
      await store.append(lines, from + 999);
    }
    reopened = await TranscriptStore.open(join(large, 'transcript.jsonl'));
  });
  afterAll(async () => {
    await store.close();
    await reopened.close();
    await rm(large, { recursive: true });
  });
  const both = () => [store, reopened];

  it('pages through all of them, once each, in order', async () => {
    for (const one of both()) expect(await pageThrough(one, 9_999)).toEqual(range(1, COUNT));
  });

  it('finds any place, at the edges of the index too', async () => {
    const places = [
      0,
      1,
      254,
      255,
      256,
      257,
      511,
      512,
      513,
      99_999,
      131_071,
      131_072,
      COUNT - 256,
      COUNT - 2,
      COUNT - 1,
      COUNT,
      COUNT + 5,
    ];
    for (const one of both()) {
      for (const after of places) {
        for (const limit of [1, 2, 256, 300]) {
          const page = await one.readAfter(after, limit);
          expect(seqsOf(page)).toEqual(range(after + 1, Math.min(COUNT, after + limit)));
          expect(page.next_after).toBe(page.lines.length === 0 ? after : after + page.lines.length);
          expect(page.more).toBe(after + limit < COUNT);
        }
      }
    }
  });

  it('gives the last ones', async () => {
    for (const one of both()) {
      for (const n of [1, 2, 255, 256, 257, 5_000]) {
        expect(seqsOf(await one.readLast(n))).toEqual(range(COUNT - n + 1, COUNT));
      }
      expect((await one.readLast(0)).lines).toEqual([]);
    }
  });

  it('gives what is not older than a time, although the clock jumped', async () => {
    const since = START_MS + timeOf(110_000);
    const wanted = range(1, COUNT).filter((seq) => START_MS + timeOf(seq) >= since);
    for (const one of both()) {
      const found: number[] = [];
      for (let after = 0, more = true; more;) {
        const page = await one.readSince(since, 10_000, after);
        found.push(...seqsOf(page));
        ({ more, next_after: after } = page);
      }
      expect(found).toEqual(wanted);
      expect(seqsOf(await one.readSince(START_MS + timeOf(COUNT), 10))).toEqual([COUNT]);
      expect((await one.readSince(START_MS + timeOf(COUNT) + 1, 10)).lines).toEqual([]);
    }
  });
});

it('keeps a page of long entries small, and still gets through', async () => {
  await using store = await TranscriptStore.open(path);
  const text = 'x'.repeat(1_500_000);
  for (let seq = 1; seq <= 12; seq += 1) await store.append([entry(seq, seq, seq === 3 ? text.repeat(8) : text)], seq);
  expect(await pageThrough(store, 100)).toEqual(range(1, 12));
  for (const page of [
    await store.readAfter(3, 100),
    await store.readLast(100),
    await store.readSince(START_MS + 4, 100),
  ]) {
    const bytes = page.lines.reduce((sum, line) => sum + Buffer.byteLength(line), 0);
    expect(bytes).toBeLessThanOrEqual(MAX_PAGE_BYTES);
    expect(bytes).toBeGreaterThan(MAX_PAGE_BYTES / 2);
  }
  expect(seqsOf(await store.readAfter(2, 100))).toEqual([3]);
  expect(seqsOf(await store.readLast(100))).toEqual([8, 9, 10, 11, 12]);
});

it('lets many read while it is written', async () => {
  await using store = await TranscriptStore.open(path);
  const isDone = () => store.last_seq === 3_000;
  const readers = range(1, 4).map(async (limit) => {
    const found: number[] = [];
    for (let after = 0; !isDone() || after < 3_000;) {
      const page = await store.readAfter(after, limit * 50);
      found.push(...seqsOf(page));
      after = page.next_after;
    }
    return found;
  });
  for (let seq = 1; seq <= 3_000; seq += 10) await store.append(entries(seq, seq + 9), seq + 9);
  for (const found of await Promise.all(readers)) expect(found).toEqual(range(1, 3_000));
});

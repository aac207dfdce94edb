import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { TranscriptStore } from '../../src/transcript/store.js';
import { transcriptLines } from '../../src/transcript/transcript-lines.js';

let folder: string;
let path: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'filare-lines-'));
  path = join(folder, 'transcript.jsonl');
});
afterEach(() => rm(folder, { recursive: true, force: true }));

const entry = (seq: number): string =>
  JSON.stringify({ seq, timestamp: new Date(seq * 1_000).toISOString(), text: `é 漢 ${'x'.repeat(seq % 700)}` });
const entries = (from: number, to: number): string[] =>
  Array.from({ length: to - from + 1 }, (_, at) => entry(from + at));

async function read(): Promise<string[]> {
  const found: string[] = [];
  for await (const { bytes } of transcriptLines(path)) found.push(bytes.toString());
  return found;
}

describe('reading a transcript beside who writes it', () => {
  it('gives every line of segments and active file, and not what is half written', async () => {
    await using store = await TranscriptStore.open(path);
    await store.append(entries(1, 300), 300);
    await store.closeSegment();
    await store.append(entries(301, 5_000), 5_000);
    await store.closeSegment();
    await store.compress();
    await store.append(entries(5_001, 5_100), 5_100);
    await store.closeSegment();
    await store.append(entries(5_101, 5_200), 5_200);
    await writeFile(path, '{"seq":5201', { flag: 'a' });
    expect(await read()).toEqual(entries(1, 5_200));
  });

  it('loses and repeats nothing while it is rotated', async () => {
    await using store = await TranscriptStore.open(path);
    let last = 0;
    const reads: Promise<string[]>[] = [];
    for (let round = 0; round < 40; round += 1) {
      await store.append(entries(last + 1, last + 50), last + 50);
      last += 50;
      reads.push(read());
      await store.closeSegment();
      await store.compress();
    }
    for (const found of await Promise.all(reads)) expect(found).toEqual(entries(1, found.length));
  });

  it('says that there is none', async () => {
    await expect(read()).rejects.toMatchObject({ code: 'not_found' });
  });
});

describe('pages across segments', () => {
  it('hold every entry once, from any place, also while segments are compressed', async () => {
    await using store = await TranscriptStore.open(path);
    for (let last = 0; last < 20_000; last += 4_000) {
      await store.append(entries(last + 1, last + 4_000), last + 4_000);
      if (last < 16_000) await store.closeSegment();
    }
    const compressing = store.compress();
    for (const after of [0, 1, 3_999, 4_000, 4_001, 12_345, 15_999, 16_000, 19_999, 20_000]) {
      const page = await store.readAfter(after, 5_000);
      expect(page.lines).toEqual(entries(after + 1, Math.min(20_000, after + 5_000)));
      expect(page.more).toBe(after + 5_000 < 20_000);
    }
    await compressing;
    expect((await store.readAfter(3_000, 2_000)).lines).toEqual(entries(3_001, 5_000));
    expect((await store.readLast(9_000)).lines).toEqual(entries(11_001, 20_000));
    expect((await store.readSince(12_000_500, 10)).lines).toEqual(entries(12_001, 12_010));
  });

  it('are the same when the index of a segment is lost, and after opening again', async () => {
    {
      await using store = await TranscriptStore.open(path);
      await store.append(entries(1, 3_000), 3_000);
      await store.closeSegment();
      await store.append(entries(3_001, 3_010), 3_010);
      await store.compress();
    }
    const { chain } = await TranscriptStore.open(path).then(async (store) => {
      await store.close();
      return store;
    });
    await rm(join(folder, 'transcript.0001.index.json'));
    await using store = await TranscriptStore.open(path);
    expect([store.first_seq, store.last_seq]).toEqual([1, 3_010]);
    expect(store.chain).toEqual(chain);
    expect((await store.readAfter(2_990, 100)).lines).toEqual(entries(2_991, 3_010));
  });
});

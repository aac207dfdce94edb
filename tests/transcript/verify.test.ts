import { createHash } from 'node:crypto';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gunzipSync, gzipSync } from 'node:zlib';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { ProjectLedger } from '../../src/ledger/project-ledger.js';
import { readSeals, type TranscriptSeal } from '../../src/ledger/transcript-seals.js';
import { TranscriptStore } from '../../src/transcript/store.js';
import { verifyTranscript, type TranscriptVerdict } from '../../src/transcript/verify.js';

let folder: string;
let path: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'filare-verify-'));
  path = join(folder, 'transcript.jsonl');
});
afterEach(() => rm(folder, { recursive: true, force: true }));

const entry = (seq: number): string =>
  JSON.stringify({ seq, timestamp: new Date(seq).toISOString(), text: `said ${seq}` });
const seals: TranscriptSeal[] = [];

/** A transcript of 40 entries: 1 to 10 and 11 to 20 in compressed segments, sealed at 10, 20 and 35. */
async function written(): Promise<void> {
  seals.length = 0;
  await using store = await TranscriptStore.open(path);
  const seal = (): void => {
    const { chain, last_seq } = store;
    seals.push({ session_id: 's', ...chain, last_seq, why: 'rotation', at: `time ${last_seq}` });
  };
  for (let seq = 1; seq <= 40; seq += 1) {
    await store.append([entry(seq)], seq);
    if ([10, 20, 35].includes(seq)) seal();
    if (seq === 10 || seq === 20) await store.closeSegment();
  }
  await store.compress();
}

/** Changes the lines of a file, packed or not. */
async function change(name: string, how: (lines: string[]) => string[]): Promise<void> {
  const file = join(folder, name);
  const bytes = await readFile(file);
  const is_packed = name.endsWith('.gz');
  const lines = (is_packed ? gunzipSync(bytes) : bytes).toString().trimEnd().split('\n');
  const text = how(lines)
    .map((line) => `${line}\n`)
    .join('');
  await writeFile(file, is_packed ? gzipSync(text) : text);
}

const verdict = (): Promise<TranscriptVerdict> => verifyTranscript(path, seals);
const texts = async (): Promise<string[]> => (await verdict()).problems.map(({ text }) => text);
const SECOND = 'transcript.0002.jsonl.gz';

describe('a transcript held against what was recorded of it', () => {
  beforeEach(written);

  it('is whole, and it is known how far that can be said', async () => {
    expect(await verdict()).toMatchObject({ lines: 40, last_seq: 40, sealed_seq: 35, problems: [] });
    let link = '0'.repeat(64);
    for (let seq = 1; seq <= 40; seq += 1)
      link = createHash('sha256')
        .update(link + entry(seq))
        .digest('hex');
    expect((await verdict()).link).toBe(link);
  });

  it.each([
    ['edited in a segment', SECOND, (l: string[]) => l.map((x) => x.replace('said 15', 'said nothing')), 11],
    [
      'edited in the active file',
      'transcript.jsonl',
      (l: string[]) => l.map((x) => x.replace('said 30', 'said no')),
      21,
    ],
    ['lost in a segment', SECOND, (l: string[]) => l.toSpliced(4, 1), 15],
    ['lost where a checksum was recorded', SECOND, (l: string[]) => l.slice(0, -1), 20],
    ['lost in the active file', 'transcript.jsonl', (l: string[]) => l.toSpliced(0, 3), 21],
    ['cut', SECOND, (l: string[]) => l.map((x) => (x.includes('said 12"') ? x.slice(0, -4) : x)), 12],
    ['cut before its seq', SECOND, (l: string[]) => l.map((x) => (x.includes('said 12"') ? x.slice(8) : x)), 12],
    ['added', SECOND, (l: string[]) => l.toSpliced(4, 0, entry(15)), 15],
    ['added, with what follows numbered on', SECOND, (l: string[]) => l.toSpliced(4, 0, entry(99)), 15],
    [
      'put elsewhere',
      SECOND,
      (l: string[]) => [...l.slice(0, 3), ...l.slice(4, 6), ...l.slice(3, 4), ...l.slice(6)],
      14,
    ],
  ])('is not when a line was %s', async (_, name, how, seq) => {
    await change(name, how);
    const { problems } = await verdict();
    expect(problems[0]?.seq).toBe(seq);
  });

  it('says of one edit one thing, and goes on with what comes after', async () => {
    await change(SECOND, (lines) => lines.map((line) => line.replace('said 15', 'said nothing')));
    expect(await texts()).toEqual([
      'between seq 11 and 20 a line is not what it was on time 20: edited, or put elsewhere',
    ]);
  });

  it('notices that the end is lost, a segment, or that one is damaged', async () => {
    await change('transcript.jsonl', (lines) => lines.slice(0, 5));
    expect(await texts()).toEqual(['it ends at seq 25; on time 35 it reached to seq 35: the rest is lost']);
    await rm(join(folder, SECOND));
    expect((await texts())[0]).toContain('seq 11 to 20 are missing');
  });

  it('notices a flipped bit in any byte of a segment', async () => {
    const good = await readFile(join(folder, SECOND));
    const property = fc.asyncProperty(fc.nat(good.length - 1), fc.nat(7), async (at, bit) => {
      const bad = Buffer.from(good);
      bad[at] = (bad[at] ?? 0) ^ (1 << bit);
      await writeFile(join(folder, SECOND), bad);
      const { problems } = await verdict();
      // Of the header of gzip some bits mean nothing, and change nothing that is read.
      if (problems.length === 0) expect(gunzipSync(bad)).toEqual(gunzipSync(good));
    });
    await fc.assert(property, { numRuns: 100 });
  });

  it('cannot know of an edit after the last recorded checksum', async () => {
    await change('transcript.jsonl', (lines) => lines.map((line) => line.replace('said 38', 'said no')));
    expect(await verdict()).toMatchObject({ sealed_seq: 35, problems: [] });
  });
});

it('keeps checksums in the project ledger, beside the resources that they are none of', async () => {
  const ledger_path = join(folder, 'ledger.jsonl');
  const link = 'ab'.repeat(32);
  {
    await using ledger = await ProjectLedger.load(ledger_path);
    await ledger.intend({ kind: 'fifo', name: '/in' });
    await ledger.sealed({ session_id: 's', lines: 7, last_seq: 7, link, why: 'ended' });
    expect(ledger.balance()).toMatchObject({ intended: 1, open: 1 });
  }
  await using again = await ProjectLedger.load(ledger_path);
  expect(again.damage).toEqual([]);
  expect(again.entries()).toHaveLength(1);
  expect((await readSeals(ledger_path)).get('s')).toMatchObject([{ lines: 7, last_seq: 7, link, why: 'ended' }]);
  expect(await readSeals(join(folder, 'none'))).toEqual(new Map());
});

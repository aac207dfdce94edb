import { appendFile, mkdtemp, readdir, readFile, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { JournalFile } from '../../src/channel/journal-file.js';
import { startOfData } from '../../src/channel/journal-room.js';
import type { MemorySurroundings } from '../../src/session/memory-surroundings.js';
import { journalFile, sessionFiles } from '../../src/session/session-files.js';
import { TranscriptStore } from '../../src/transcript/store.js';
import { attempt, EXIT, happening, PlayedSession, type Happening } from './played-session.js';

const STEPS = [
  'flush',
  'name the part',
  'begin a new file',
  'write the base',
  'seal',
  'say what is given back',
  'give back',
  'compress',
  'write the index',
  'name the segment',
  'remove the plain one',
];

let root: string;
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'filare-rotation-'));
  // Rotations come where a test says so, not when a timer does.
  vi.useFakeTimers({ toFake: ['setTimeout'] });
});
afterEach(async () => {
  vi.useRealTimers();
  await rm(root, { recursive: true, force: true });
});

/** Rotates whenever it is asked, and dies before step number `dies_at` of all, for ever. */
function rotating(dies_at = Number.MAX_SAFE_INTEGER): Partial<MemorySurroundings> & { readonly steps: string[] } {
  const steps: string[] = [];
  return {
    steps,
    rotation: { bytes: 1, age_ms: Number.MAX_SAFE_INTEGER },
    seal: () => Promise.resolve(),
    before_step: (step) => {
      if (steps.length >= dies_at) throw new Error(`died before: ${step}`);
      steps.push(step);
    },
  };
}

const note = (text: string): Happening => ({ fact: { type: 'said', level: 'note', text } });

/** Rotation and compression, as far as they get. */
async function rotate(played: PlayedSession): Promise<void> {
  await played.memory.keep();
  await played.memory.transcript.compress().catch(() => undefined);
}

describe('rotation', () => {
  it('leaves compressed segments that any gunzip reads, one active file, and every entry once', async () => {
    const more = rotating();
    const played = new PlayedSession(join(root, 'one'), more);
    await played.create();
    for (let at = 0; at < 30; at += 1) {
      await played.happen(note(`note ${at}`), at);
      if (at % 10 === 9) await rotate(played);
    }
    await played.happen(note('the last'), 40);
    expect([...new Set(more.steps)]).toEqual(
      STEPS.filter((step) => step !== 'say what is given back' && step !== 'give back'),
    );
    const names = (await readdir(played.folder)).filter((name) => name.startsWith('transcript')).sort();
    expect(names).toEqual([
      ...['0001', '0002', '0003'].flatMap((n) => [`transcript.${n}.index.json`, `transcript.${n}.jsonl.gz`]),
      'transcript.jsonl',
    ]);
    const entries = await played.entries();
    expect(entries).toHaveLength(32);
    const unpacked = await Promise.all(
      names.filter((n) => n.endsWith('.gz')).map(async (n) => gunzipSync(await readFile(join(played.folder, n)))),
    );
    expect(Buffer.concat(unpacked).toString() + (await played.text())).toBe(entries.map((e) => `${e}\n`).join(''));
    expect((await played.memory.transcript.readLast(25)).lines).toEqual(entries.slice(-25));
    expect((await played.memory.transcript.readSince(Date.UTC(2030, 0, 1, 0, 0, 5), 3)).lines).toEqual(
      entries.slice(6, 9),
    );
    await played.memory.close();
  });

  it.each(STEPS)('may end before: %s', async (step) => {
    const plain = new PlayedSession(join(root, 'plain'));
    await plain.create();
    const dying = new PlayedSession(join(root, 'dying'), rotating(STEPS.indexOf(step)));
    await dying.create();
    const before: readonly Happening[] = [...attempt(null), { lines: ['no JSON', 'at all'] }];
    for (const [at, what] of before.entries()) {
      await plain.happen(what, at);
      await dying.happen(what, at);
    }
    await rotate(dying);
    const again = (await dying.copy(join(root, 'again'))).as(rotating());
    await again.open();
    await again.happen(note('after it'), 20);
    await plain.happen(note('after it'), 20);
    expect(await again.entries()).toEqual(await lines(plain));
    // The next rotation finishes what the first one left.
    await rotate(again);
    await again.happen(note('at last'), 30);
    await plain.happen(note('at last'), 30);
    expect(await again.entries()).toEqual(await lines(plain));
    expect(again.state).toEqual(plain.state);
    const names = await readdir(again.folder);
    expect(names.filter((name) => /^transcript\.\d+\.jsonl$/.test(name) || name.endsWith('.tmp'))).toEqual([]);
    expect(names.filter((name) => name === 'transcript.jsonl')).toHaveLength(1);
    for (const one of [again, plain, dying]) await one.memory.close();
  });

  it('changes nothing of what is told, whenever it comes and wherever it ends', async () => {
    const story = fc.tuple(
      fc.array(happening, { minLength: 1, maxLength: 12 }),
      fc.array(happening, { maxLength: 6 }),
      fc.array(fc.nat(20), { maxLength: 4 }),
      fc.nat(25),
      fc.nat(25),
    );
    const property = fc.asyncProperty(story, async ([first, second, rotate_at, dies_at, ends_at]) => {
      const happenings = [...attempt(null), ...first, ...EXIT, ...attempt('T'), ...second];
      const plain = new PlayedSession(join(root, 'plain'));
      await rm(plain.folder, { recursive: true, force: true });
      await plain.create();
      let other = new PlayedSession(join(root, 'rotating'), rotating(dies_at));
      await rm(other.folder, { recursive: true, force: true });
      await other.create();
      for (const [at, what] of happenings.entries()) {
        await plain.happen(what, at);
        await other.happen(what, at);
        if (rotate_at.includes(at)) await rotate(other);
        if (at !== Math.min(ends_at, happenings.length - 1)) continue;
        const before = other;
        other = (await other.copy(join(root, 'copy'))).as(rotating());
        await other.open();
        await before.memory.close().catch(() => undefined);
      }
      expect(await other.entries()).toEqual(await lines(plain));
      expect(other.state).toEqual(plain.state);
      await other.memory.close();
      await plain.memory.close();
      await other.open();
      expect(await other.entries()).toEqual(await lines(plain));
      await other.memory.close();
      await other.forget('checkpoint.jsonl');
      await other.open();
      expect(await other.entries()).toEqual(await lines(plain));
      expect(other.state).toEqual(plain.state);
      await other.memory.close();
    });
    await fc.assert(property, { numRuns: 40 });
  }, 60_000);

  it('comes with age too', async () => {
    const played = new PlayedSession(join(root, 'one'), { rotation: { bytes: 1e9, age_ms: 60_000 } });
    await played.create();
    await played.happen(note('young'), 59);
    await rotate(played);
    expect((await readdir(played.folder)).filter((name) => name.endsWith('.gz'))).toEqual([]);
    await played.happen(note('old'), 61);
    await rotate(played);
    expect((await readdir(played.folder)).filter((name) => name.endsWith('.gz'))).toHaveLength(1);
    await played.memory.close();
  });
});

describe('the disk of a journal that is in segments', () => {
  const long = (n: number): string =>
    JSON.stringify({ method: 'warning', params: { message: `${n} `.padEnd(4_000, 'x') } });

  async function rotatedLong(): Promise<PlayedSession> {
    const played = new PlayedSession(join(root, 'long'), rotating());
    await played.create();
    for (const [at, what] of attempt(null).entries()) await played.happen(what, at);
    for (let n = 0; n < 20; n += 1)
      await played.happen({ lines: Array.from({ length: 20 }, (_, at) => long(n * 20 + at)) }, 10 + n);
    return played;
  }

  it('is given back; its size stays, Codex appends, and who follows it goes on', async () => {
    const played = await rotatedLong();
    const journal = journalFile(played.folder, 1);
    const before = await stat(journal);
    const ending = new AbortController();
    const { offset } = played.memory;
    const follower = new JournalFile(journal).read({ from: offset, follow: true, signal: ending.signal });
    const next = follower.next();
    await rotate(played);
    const after = await stat(journal);
    expect(after.size).toBe(before.size);
    expect(after.blocks).toBeLessThan(before.blocks / 10);
    expect(await startOfData(journal)).toBe(offset);
    await appendFile(journal, `${long(500)}\n`);
    const read = await next;
    expect(read.done === true ? [] : read.value.map((line) => [line.offset, line.text])).toEqual([[offset, long(500)]]);
    ending.abort();
    const entries = await played.entries();
    await played.memory.close();

    await played.open();
    expect(await played.entries()).toEqual([...entries, ...(await played.entries()).slice(entries.length)]);
    expect(await played.entries()).toHaveLength(entries.length + 1);
    await played.memory.close();
  });

  it('needs the base from then on: with it a session opens, without it it says why it cannot', async () => {
    const played = await rotatedLong();
    await rotate(played);
    await played.happen(note('after it'), 50);
    const entries = await played.entries();
    const { state } = played;
    await played.memory.close();

    await played.forget('checkpoint.jsonl', 'transcript.jsonl');
    await played.open();
    expect(await played.entries()).toEqual(entries);
    expect(played.state).toEqual(state);
    await played.memory.close();

    await played.forget('checkpoint.jsonl', 'base.jsonl');
    await expect(played.open()).rejects.toMatchObject({
      code: 'bad_state',
      message: expect.stringContaining('cannot be told again') as string,
    });
    await using store = await TranscriptStore.open(sessionFiles(played.folder).transcript);
    expect((await store.readAfter(0, 10_000)).lines).toEqual(entries);
  });
});

async function lines(played: PlayedSession): Promise<readonly string[]> {
  return (await played.text()).trimEnd().split('\n');
}

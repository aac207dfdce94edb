import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, open, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { performance } from 'node:perf_hooks';
import { promisify } from 'node:util';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { JournalFile } from '../../src/channel/journal-file.js';
import { RETRY_MS } from '../../src/session/disk-trouble.js';
import { deliver } from '../../src/session/message.js';
import { toRow } from '../../src/session/row.js';
import { journalFile } from '../../src/session/session-files.js';
import { TurnWatch } from '../../src/session/turn-watch.js';
import { faultyIo, type FaultyCall } from '../ledger/faulty-io.js';
import { attempt, PlayedSession, type Happening } from './played-session.js';

let root: string;
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'filare-full-'));
  vi.useFakeTimers({ toFake: ['setTimeout'] });
});
afterEach(async () => {
  vi.useRealTimers();
  await rm(root, { recursive: true, force: true });
});

const note = (text: string): Happening => ({ fact: { type: 'said', level: 'note', text } });
const line = (text: string): Happening => ({
  lines: [JSON.stringify({ method: 'warning', params: { message: text } })],
});

/** Sends a message to it, as the session would. */
const send = (played: PlayedSession): Promise<unknown> =>
  deliver(
    {
      state: () => played.memory.state,
      memory: played.memory,
      folder: played.folder,
      turns: new TurnWatch(),
      nudge: () => undefined,
      // Nobody shows it here: it waits.
      until: () => Promise.reject(new Error('not yet')),
      random: (n) => 'x'.repeat(n),
    },
    { text: 'x', images: [], mode: 'queue', from: 'x', wait_ms: undefined, signal: new AbortController().signal },
  );

/** Advances the clock to where it is tried again, and waits until that has worked, for as long as a disk may take. */
async function retried(played: PlayedSession, most_ms = 2_000): Promise<void> {
  const until_ms = performance.now() + most_ms;
  await vi.advanceTimersByTimeAsync(RETRY_MS);
  while (played.memory.trouble !== null && performance.now() < until_ms) {
    await new Promise((resolve) => setImmediate(resolve));
  }
}

async function seqs(played: PlayedSession): Promise<number[]> {
  return (await played.entries()).map((entry) => (JSON.parse(entry) as { seq: number }).seq);
}

describe('a disk that takes no more', () => {
  it('refuses messages, shows, and goes on by itself with nothing lost and the story saying so', async () => {
    const io = faultyIo();
    const played = new PlayedSession(join(root, 'one'), { io });
    await played.create();
    for (const [at, what] of attempt(null).entries()) await played.happen(what, at);
    let looks = 0;
    played.memory.watch(() => (looks += 1));
    io.fails = (call) => (call === 'write' ? 'ENOSPC' : undefined);
    await expect(played.happen(note('refused'), 10)).rejects.toMatchObject({ code: 'no_space' });
    expect(looks).toBe(1);
    expect(played.memory.trouble).toMatchObject({ code: 'no_space' });
    const around = { codex_home: '/x', transcript: '/x', manifest_changed: false };
    const trouble = played.memory.trouble?.message ?? null;
    expect(toRow(played.memory.state, { ...around, health: 'ok', trouble })).toMatchObject({
      health: 'degraded',
      waiting_for: expect.stringContaining('no space left') as string,
    });
    await expect(send(played)).rejects.toMatchObject({ code: 'no_space' });
    await retried(played, 50);
    expect(played.memory.trouble).not.toBeNull();
    io.fails = () => undefined;
    await expect(send(played)).rejects.toMatchObject({ code: 'no_space' });
    await retried(played);
    expect(played.memory.trouble).toBeNull();
    await send(played);
    expect((await played.text()).trimEnd().split('\n').at(-1)).toContain('no space left on the disk from 2030');
    expect(await seqs(played)).toEqual([1, 2, 3, 4, 5, 6]);
    await played.memory.close();
  });

  it('lets what Codex says wait in its journal, and not in memory', async () => {
    const io = faultyIo();
    const played = new PlayedSession(join(root, 'one'), { io });
    await played.create();
    for (const [at, what] of attempt(null).entries()) await played.happen(what, at);
    io.fails = (call) => (call === 'write' ? 'ENOSPC' : undefined);
    await expect(played.happen(line('first'), 10)).rejects.toMatchObject({ code: 'no_space' });
    const { offset } = played.memory;
    await expect(played.happen(line('second'), 11)).rejects.toMatchObject({ code: 'no_space' });
    expect(played.memory.offset).toBe(offset);
    io.fails = () => undefined;
    await retried(played);
    const signal = new AbortController().signal;
    const rest = new JournalFile(journalFile(played.folder, 1)).read({ from: offset, follow: false, signal });
    for await (const lines of rest) await played.memory.take(lines);
    const text = await played.text();
    expect(text.match(/"text":"(first|second|there was)/g)).toHaveLength(3);
    await played.memory.close();
  });

  const CALLS: readonly FaultyCall[] = ['write', 'datasync', 'open', 'truncate'];
  it.each(CALLS)('loses and repeats nothing, whichever %s fails', async (kind) => {
    const happenings = [...attempt(null), line('one'), note('two'), line('three'), note('four')];
    for (let failing = 1; failing <= 14; failing += 1) {
      const io = faultyIo();
      const played = new PlayedSession(join(root, `${kind}-${failing}`), { io });
      await played.create();
      const before = io.calls[kind];
      io.fails = (call, number) => (call === kind && number === before + failing ? 'ENOSPC' : undefined);
      let again = 0;
      for (const [at, what] of happenings.entries()) {
        for (let tries = 0; ; tries += 1) {
          try {
            // A line stays in the journal: it is taken from there, and not written twice.
            if ('fact' in what || tries === 0) await played.happen(what, at);
            break;
          } catch {
            again += 1;
            if ('lines' in what) break;
          }
        }
      }
      await retried(played);
      io.fails = () => undefined;
      expect(again).toBeLessThanOrEqual(1);
      expect(played.memory.trouble).toBeNull();
      const found = await played.entries();
      expect(await seqs(played)).toEqual(found.map((_, at) => at + 1));
      for (const text of ['one', 'two', 'three', 'four']) {
        expect(found.filter((entry) => entry.includes(`"text":"${text}"`))).toHaveLength(1);
      }
      await played.memory.close();
      const copy = await played.copy(join(root, 'copy'));
      await copy.forget('checkpoint.jsonl', 'transcript.jsonl');
      await copy.open();
      expect(await copy.entries()).toEqual(found);
      await copy.memory.close();
    }
  });

  it.runIf(process.getuid?.() === 0 && process.platform === 'linux')('is survived where it is a real one', async () => {
    const run = promisify(execFile);
    const disk = join(root, 'disk');
    await mkdir(disk);
    await run('mount', ['-t', 'tmpfs', '-o', 'size=4m', 'tmpfs', disk]);
    const played = new PlayedSession(join(disk, 'one'));
    try {
      await played.create();
      for (const [at, what] of attempt(null).entries()) await played.happen(what, at);
      const ballast = await open(join(disk, 'ballast'), 'w');
      await expect(
        (async () => {
          for (;;) await ballast.writeFile(Buffer.alloc(4096, 1));
        })(),
      ).rejects.toMatchObject({ code: 'ENOSPC' });
      let taken = 0;
      const failure: unknown = await (async () => {
        for (;;) {
          await played.happen(note('x'.repeat(3_000)), 10);
          taken += 1;
        }
      })().catch((error: unknown) => error);
      expect(failure).toMatchObject({ code: 'no_space' });
      await expect(send(played)).rejects.toMatchObject({ code: 'no_space' });
      await ballast.close();
      await rm(join(disk, 'ballast'));
      await retried(played);
      expect(played.memory.trouble).toBeNull();
      await send(played);
      const found = await played.entries();
      expect(found.filter((entry) => entry.includes('xxx')).length).toBeGreaterThanOrEqual(taken);
      expect(await seqs(played)).toEqual(found.map((_, at) => at + 1));
    } finally {
      await played.memory.close();
      await run('umount', [disk]);
    }
  });
});

import { mkdtemp, readFile, rm, stat, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { sessionFiles } from '../../src/session/session-files.js';
import { openStored } from '../../src/session/stored-session.js';
import { attempt, EXIT, happening, PlayedSession, type Happening } from './played-session.js';

let root: string;
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'filare-checkpoint-'));
  // Checkpoints are made where a test says so, not when a timer does.
  vi.useFakeTimers({ toFake: ['setTimeout'] });
});
afterEach(async () => {
  vi.useRealTimers();
  await rm(root, { recursive: true, force: true });
});

/** A story of two attempts. */
const story = fc
  .tuple(fc.array(happening, { minLength: 1, maxLength: 14 }), fc.array(happening, { maxLength: 8 }))
  .map(([first, second]): readonly Happening[] => [...attempt(null), ...first, ...EXIT, ...attempt('T'), ...second]);

describe('a session that goes on from a checkpoint', () => {
  it('is, wherever the checkpoint was made and the process ended, what it would have been without either', async () => {
    const cuts = fc.tuple(fc.nat(), fc.nat(), fc.constantFrom(0, 0, 0.3, 1));
    const property = fc.asyncProperty(story, cuts, async (happenings, [first, second, lost]) => {
      const [made_at = 0, ended_at = 0] = [first % happenings.length, second % happenings.length].sort((a, b) => a - b);
      const whole = new PlayedSession(join(root, 'whole'));
      await rm(whole.folder, { recursive: true, force: true });
      await whole.create();
      let other: PlayedSession | undefined;
      for (const [at, what] of happenings.entries()) {
        await whole.happen(what, at);
        await other?.happen(what, at);
        if (at === made_at) await whole.memory.keep();
        if (at !== ended_at) continue;
        other = await whole.copy(join(root, 'other'));
        // What a power failure takes of the transcript, which is not synced.
        const { transcript } = sessionFiles(other.folder);
        await truncate(transcript, Math.round((await stat(transcript)).size * (1 - lost)));
        await other.open();
      }
      if (other === undefined) throw new Error('never ended');
      expect(await other.text()).toBe(await whole.text());
      expect(other.state).toEqual(whole.state);
      await other.memory.close();
      await whole.memory.close();

      const again = await other.copy(join(root, 'again'));
      await again.forget('checkpoint.jsonl', 'transcript.jsonl');
      await again.open();
      expect(await again.text()).toBe(await whole.text());
      expect(again.state).toEqual(whole.state);
      await again.memory.close();
    });
    await fc.assert(property, { numRuns: 60 });
  }, 60_000);

  it('shows what is open from its start, and masks a secret that began before it', async () => {
    const played = await playedStory();
    const delta = (text: string): Happening => {
      const params = { threadId: 'T', turnId: 'u', itemId: 'i', delta: text };
      return { lines: [JSON.stringify({ method: 'item/agentMessage/delta', params })] };
    };
    await played.happen(delta('the word is hunter2'), 51);
    await played.memory.close();
    await played.open();
    await played.happen(delta('hunter2, it said'), 52);
    expect(played.memory.openPieces).toMatchObject([{ offset: 0, text: 'the word is [masked:WORD], it said' }]);
    await played.happen({ fact: { type: 'attempt_ending', cause: 'exited', reason: 'x', grace_ms: 0 } }, 53);
    await played.happen({ fact: { type: 'attempt_ended' } }, 54);
    expect(await played.text()).toContain('"text":"the word is [masked:WORD], it said"');
    await played.memory.close();
  });

  it('tells tokens once that were told before it', async () => {
    const played = await playedStory();
    const of = { threadId: 'T', turnId: 'u' };
    const used = { totalTokens: 7, inputTokens: 1, cachedInputTokens: 1, outputTokens: 1, reasoningOutputTokens: 1 };
    const turn: Happening = {
      lines: [
        JSON.stringify({
          method: 'thread/tokenUsage/updated',
          params: { ...of, tokenUsage: { total: used, last: used } },
        }),
        JSON.stringify({
          method: 'turn/completed',
          params: { threadId: 'T', turn: { id: 'u', items: [], status: 'completed' } },
        }),
      ],
    };
    await played.happen(turn, 51);
    await played.memory.close();
    await played.open();
    await played.happen(turn, 52);
    expect((await played.text()).match(/"text":"7 tokens"/g)).toHaveLength(1);
    expect((await played.text()).match(/"text":"turn completed"/g)).toHaveLength(2);
    await played.memory.close();
  });

  it('reads only what came after it', async () => {
    const played = await playedStory();
    await played.memory.keep();
    await played.happen({ fact: { type: 'said', level: 'note', text: 'after it' } }, 100);
    const stored = await openStored('s-1', played.folder);
    expect(stored.checkpoint?.records).toBeGreaterThan(5);
    expect(stored.records).toHaveLength(1);
    await stored.ledger.close();
    await stored.store.close();
    await played.memory.close();
  });

  it('is put by when the session is closed, and then nothing is left to read', async () => {
    const played = await playedStory();
    await played.memory.close();
    const stored = await openStored('s-1', played.folder);
    expect(stored.records).toEqual([]);
    expect(stored.checkpoint).not.toBeNull();
    await stored.ledger.close();
    await stored.store.close();
    expect((await stat(sessionFiles(played.folder).checkpoint)).mode & 0o777).toBe(0o600);
  });

  it.each([
    ['is damaged', (text: string) => text.replace('"records":', '"recordz":')],
    ['is cut', (text: string) => text.slice(0, text.length / 2)],
    ['is empty', () => ''],
    ['is of another format', (text: string) => text.replace('"format":1', '"format":0')],
    ['is of another version', (text: string) => text.replace(/"version":"[^"]*"/, '"version":"9.9.9"')],
  ])('does not count when it %s', async (_, change) => {
    const played = await playedStory();
    const text = await played.text();
    await played.memory.close();
    const { checkpoint, transcript } = sessionFiles(played.folder);
    await writeFile(checkpoint, change(await readFile(checkpoint, 'utf8')));
    await rm(transcript);
    await played.open();
    expect(await played.text()).toBe(text);
    await played.memory.close();
  });

  it('does not count when the ledger is another one', async () => {
    const played = await playedStory();
    await played.memory.close();
    const { ledger } = sessionFiles(played.folder);
    const lines = (await readFile(ledger, 'utf8')).split('\n');
    await writeFile(ledger, lines.toSpliced(-2, 1).join('\n'));
    await played.open();
    expect(played.memory.state.stage.phase).toBe('running');
    expect(await readFile(ledger, 'utf8')).toContain('"n":6');
    await played.memory.close();
  });
});

async function playedStory(): Promise<PlayedSession> {
  const played = new PlayedSession(join(root, 'one'));
  await played.create();
  for (const [at, what] of attempt(null).entries()) await played.happen(what, at);
  await played.happen({ fact: { type: 'said', level: 'note', text: 'a note' } }, 50);
  return played;
}

import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { FilareError } from '../../src/contract/errors.js';
import { sessionFiles } from '../../src/session/session-files.js';
import { SessionMemory } from '../../src/session/session-memory.js';
import type { SessionNews } from '../../src/session/session-news.js';
import { createMasker } from '../../src/transcript/mask.js';
import { agentSpec } from '../support/agent-spec.js';
import { policy } from '../support/policy.js';

const FULL = new FilareError({ code: 'no_space', message: 'no space left' });
const STRAY = '{"method":"warning","params":{"message":"careful"}}';

describe('a disk that takes no more of the transcript for a while', () => {
  let folder: string;
  let memory: SessionMemory;
  const told: SessionNews[] = [];

  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'filare-memory-'));
    told.length = 0;
    memory = await SessionMemory.create(
      { session_id: 'a-1', folder, masker: createMasker({}), policy, now_ms: () => 1_000 },
      { type: 'created', agent: agentSpec({ id: 'a' }), rehearsal: null, by: 'x' },
    );
    memory.watch((news) => told.push(news));
  });
  afterEach(async () => {
    await memory.close();
    await rm(folder, { recursive: true, force: true });
  });

  const seqs = async (): Promise<number[]> =>
    (await readFile(sessionFiles(folder).transcript, 'utf8'))
      .trimEnd()
      .split('\n')
      .map((line) => (JSON.parse(line) as { seq: number }).seq);

  it('loses nothing: a fact that is in the ledger counts, and its entry is shown when it is on disk', async () => {
    const append = vi.spyOn(memory.transcript, 'append').mockRejectedValueOnce(FULL);
    await memory.commit({ type: 'desired', desired: 'stopped', by: 'x' });
    expect(memory.state.desired).toBe('stopped');
    expect(told.flatMap((news) => news.entries)).toEqual([]);
    append.mockRestore();
    await memory.commit({ type: 'said', level: 'note', text: 'room again' });
    expect(told.flatMap((news) => news.entries.map((entry) => entry.seq))).toEqual([2, 3]);
    expect(await seqs()).toEqual([1, 2, 3]);
  });

  it('stops the reading of a journal, which goes on where it was, and shows each thing once', async () => {
    const line = (offset: number) => ({
      offset,
      end: offset + STRAY.length + 1,
      text: STRAY,
      damage: 'none' as const,
    });
    const append = vi.spyOn(memory.transcript, 'append').mockRejectedValueOnce(FULL);
    await expect(memory.take([line(0)])).rejects.toMatchObject({ code: 'no_space' });
    append.mockRestore();
    expect(memory.offset).toBe(STRAY.length + 1);
    await memory.take([line(memory.offset)]);
    expect(told.flatMap((news) => news.entries.map((entry) => entry.seq))).toEqual([2, 3]);
    expect(await seqs()).toEqual([1, 2, 3]);
  });
});

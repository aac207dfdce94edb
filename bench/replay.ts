import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { JournalFile } from '../src/channel/journal-file.js';
import { projectPaths } from '../src/contract/project.js';
import { loadPolicy } from '../src/inbox/load-policy.js';
import type { SessionFact } from '../src/session/record.js';
import { journalFile, sessionFiles } from '../src/session/session-files.js';
import { SessionMemory } from '../src/session/session-memory.js';
import { createMasker } from '../src/transcript/mask.js';
import { agentSpec } from './agent-spec.js';
import { contentsOf, journalOf, WORKING } from './journal-mix.js';

const EVENTS = 10_000;

const FACTS: readonly SessionFact[] = [
  { type: 'attempt_begun', thread_id: null },
  { type: 'container_created', container_id: 'c', container_name: 'c', image_id: 'i' },
  { type: 'container_started' },
  { type: 'running', thread_id: 'T', resumed: false },
];

/** Times of opening a session of 10,000 events: from ledger and journal alone, its transcript written anew, and from its checkpoint. */
export async function replayTimes(
  rounds: number,
): Promise<{ readonly anew_ms: readonly number[]; readonly resumed_ms: readonly number[] }> {
  const folder = await mkdtemp(join(tmpdir(), 'filare-bench-replay-'));
  const policy = await loadPolicy();
  const around = { session_id: 's', folder, masker: createMasker({}), policy, now_ms: () => Date.now() };
  const opened = async (): Promise<number> => {
    const begin = performance.now();
    const memory = await SessionMemory.open(around);
    const took_ms = performance.now() - begin;
    await memory.close();
    return took_ms;
  };
  try {
    const agent = agentSpec(projectPaths(folder, folder), 'replayed');
    const memory = await SessionMemory.create(around, { type: 'created', agent, rehearsal: null, by: 'bench' });
    for (const fact of FACTS) await memory.commit(fact);
    const journal = journalFile(folder, 1);
    await mkdir(dirname(journal), { recursive: true });
    await writeFile(journal, journalOf('T', 's', 0, Math.ceil(EVENTS / contentsOf(WORKING).lines), WORKING));
    const signal = new AbortController().signal;
    for await (const lines of new JournalFile(journal).read({ from: 0, follow: false, signal }))
      await memory.take(lines);
    // A record after the last line: up to it, opening replays.
    await memory.commit({ type: 'said', level: 'note', text: 'the end' });
    await memory.close();
    const anew_ms: number[] = [];
    const resumed_ms: number[] = [];
    const { checkpoint, transcript } = sessionFiles(folder);
    for (let round = 0; round < rounds; round += 1) {
      await rm(checkpoint, { force: true });
      await rm(transcript, { force: true });
      anew_ms.push(await opened());
      resumed_ms.push(await opened());
    }
    return { anew_ms, resumed_ms };
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

import { readFile, stat } from 'node:fs/promises';
import { appendRatio } from './bare-append.js';
import { fakeFleet, type PlayedSession } from './fake-fleet.js';
import { BULKY, journalOf } from './journal-mix.js';
import type { BenchProject } from './project.js';
import { replayTimes } from './replay.js';
import { mib, ms, percentile } from './statistics.js';
import { judged, told, type Bench, type Suite } from './suite.js';

const SESSIONS = 100;
const TRANSCRIPT_BYTES = 10 * 2 ** 20;
const MAX_RECOVERY_MS = 2_000;
const MAX_APPEND_RATIO = 1.2;
/** What is said within this time before the daemon is killed is in no checkpoint. */
const LAST_WORDS_BYTES = 256 * 1024;
/** Sessions that are quiet for longer have put by what they remember. */
const SETTLE_MS = 4_000;
const CLOCK_TICKS_A_SECOND = 100;
const TURNS_AT_ONCE = 20;

/** How soon everything is back after the daemon was killed, and what it costs to make that so. */
export const recovery: Suite = {
  name: 'recovery',
  title: 'Recovery, and what it stands on',
  run: async (bench) => {
    const count = bench.quick ? SESSIONS / 5 : SESSIONS;
    const { project, sessions } = await fakeFleet(bench, count);
    const turns = await fill(bench, project, sessions, TRANSCRIPT_BYTES);
    await settled(bench, project);
    bench.say(`${count} sessions with ${mib(TRANSCRIPT_BYTES)} of transcript each`);
    const quiet = await killAndWait(bench, project, count);
    await settled(bench, quiet.project);
    // In the middle of what they say.
    const words = Math.ceil(LAST_WORDS_BYTES / journalOf('t', 's', 0, 1, BULKY).length);
    for (const { agent, id } of sessions) agent.write(journalOf(agent.thread_id, id, turns, words, BULKY));
    const busy = await killAndWait(bench, quiet.project, count);
    const append = await appendRatio(bench.quick ? 300 : 2_000);
    const replay = await replayTimes(bench.quick ? 3 : 10);
    const ratio = percentile(append.ours_ms, 0.5) / percentile(append.bare_ms, 0.5);
    return {
      rows: [
        judged(`${count} sessions adopted after a kill`, ms(quiet.listed_ms), {
          text: `≤ ${MAX_RECOVERY_MS} ms`,
          met: quiet.listed_ms <= MAX_RECOVERY_MS,
        }),
        told('of them, each attached to its agent again', ms(quiet.attached_ms)),
        told('processor time of the daemon until then, its start included', ms(quiet.processor_ms)),
        told(`the same, killed while each said ${mib(LAST_WORDS_BYTES)}`, ms(busy.listed_ms)),
        judged('a durable record against bare append and fdatasync, p50', `× ${ratio.toFixed(2)}`, {
          text: `≤ × ${MAX_APPEND_RATIO}`,
          met: ratio <= MAX_APPEND_RATIO,
        }),
        told('a durable record, p50 / p99', pair(append.ours_ms)),
        told('bare append and fdatasync, p50 / p99', pair(append.bare_ms)),
        told('10,000 events replayed, state and transcript from nothing, p50', ms(percentile(replay.anew_ms, 0.5))),
        told('the same session opened from its checkpoint, p50', ms(percentile(replay.resumed_ms, 0.5))),
      ],
      method: [
        'The real daemon, killed with SIGKILL, with sessions whose containers the benchmark plays. The clock runs from the start of the next daemon’s process until every session is listed as running, Node’s own start included.',
        'Durable records: AppendLog.append of 300 bytes, one after the other, in turn with a write and fdatasync of the same bytes to a file beside it.',
        'Replay: the journal of 10,000 lines of a working agent through SessionMemory.open, in this process.',
      ],
      raw: {
        adopted_ms: [quiet.listed_ms],
        attached_ms: [quiet.attached_ms],
        processor_ms: [quiet.processor_ms],
        adopted_busy_ms: [busy.listed_ms],
        append_ms: append.ours_ms,
        bare_append_ms: append.bare_ms,
        replay_10000_ms: replay.anew_ms,
        from_checkpoint_ms: replay.resumed_ms,
      },
    };
  },
};

/** Has every agent say turn after turn until each transcript is as large; answers how many turns that took. */
async function fill(
  bench: Bench,
  project: BenchProject,
  sessions: readonly PlayedSession[],
  bytes: number,
): Promise<number> {
  const rows = await project.fleet.sessions();
  const paths = rows.map((row) => row.transcript);
  let turns = 0;
  for (;;) {
    bench.signal.throwIfAborted();
    const sizes = await Promise.all(paths.map(async (path) => (await stat(path)).size));
    if (Math.min(...sizes) >= bytes) return turns;
    for (const { agent, id } of sessions) agent.write(journalOf(agent.thread_id, id, turns, TURNS_AT_ONCE, BULKY));
    turns += TURNS_AT_ONCE;
    await grown(bench, paths, sizes);
  }
}

async function grown(bench: Bench, paths: readonly string[], before: readonly number[]): Promise<void> {
  const least = journalOf('t', 's', 0, TURNS_AT_ONCE, BULKY).length / 2;
  for (;;) {
    bench.signal.throwIfAborted();
    const sizes = await Promise.all(paths.map(async (path) => (await stat(path)).size));
    if (sizes.every((size, at) => size >= (before[at] ?? 0) + least)) return;
    await sleep(50);
  }
}

/** Resolves when nothing was said for so long that everything is put by. */
async function settled(bench: Bench, project: BenchProject): Promise<void> {
  const paths = (await project.fleet.sessions()).map((row) => row.transcript);
  for (let before = -1; ;) {
    bench.signal.throwIfAborted();
    const sizes = await Promise.all(paths.map(async (path) => (await stat(path)).size));
    const now = sizes.reduce((sum, size) => sum + size, 0);
    if (now === before) return;
    before = now;
    await sleep(SETTLE_MS);
  }
}

interface Recovered {
  readonly project: BenchProject;
  readonly listed_ms: number;
  readonly attached_ms: number;
  readonly processor_ms: number;
}

async function killAndWait(bench: Bench, before: BenchProject, count: number): Promise<Recovered> {
  await before.kill();
  const begin = performance.now();
  const project = await before.again(bench);
  let listed_ms = 0;
  for (;;) {
    const rows = await project.fleet.sessions();
    const now_ms = performance.now() - begin;
    if (listed_ms === 0 && rows.filter((row) => row.phase === 'running').length === count) listed_ms = now_ms;
    if (rows.filter((row) => row.health === 'ok').length === count)
      return { project, listed_ms, attached_ms: now_ms, processor_ms: await processorTime(project.daemon_pid) };
    bench.signal.throwIfAborted();
    await sleep(10);
  }
}

/** What the process has used of processors since it began, in milliseconds: what does not depend on who else was busy. */
async function processorTime(pid: number): Promise<number> {
  const text = await readFile(`/proc/${pid}/stat`, 'utf8');
  const fields = text.slice(text.lastIndexOf(')') + 2).split(' ');
  return ((Number(fields[11]) + Number(fields[12])) * 1000) / CLOCK_TICKS_A_SECOND;
}

function pair(samples: readonly number[]): string {
  return `${ms(percentile(samples, 0.5))} / ${ms(percentile(samples, 0.99))}`;
}

function sleep(wait_ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, wait_ms));
}

import { spawn } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { once } from 'node:events';
import { fakeFleet, type PlayedSession } from './fake-fleet.js';
import { grouped, mib, ms, percentile } from './statistics.js';
import { judged, told, type Suite } from './suite.js';
import type { BenchProject } from './project.js';

const FLOOD_BYTES = 384 * 2 ** 20;
const MAX_GROWTH_BYTES = 128 * 2 ** 20;
/** Node gives memory back some ten seconds after the last work. */
const SETTLE_MS = 20_000;
const SAMPLE_MS = 100;
const SENDS = 100;
const PAUSE_MS = 20;
/** How many times as long a neighbour may take. */
const MOST_TIMES = 2;
const FOLLOWED_MS = 10 * 60_000;

/** What the daemon holds while one session writes as fast as a disk takes it and nobody reads, and what that costs its neighbour. */
export const flood: Suite = {
  name: 'flood',
  title: 'One session floods and nobody reads',
  run: async (bench) => {
    const bytes = bench.quick ? FLOOD_BYTES / 4 : FLOOD_BYTES;
    const { project, sessions } = await fakeFleet(bench, 2);
    const [loud, calm] = sessions;
    if (loud === undefined || calm === undefined) throw new Error('no sessions');
    const before = await sendTimes(project, calm, (sent) => sent >= SENDS);
    await sleep(bench.quick ? SETTLE_MS / 4 : SETTLE_MS);
    const rest = await residentBytes(project);
    const sampled: number[] = [rest];
    const sampler = setInterval(() => void residentBytes(project).then((now) => sampled.push(now)), SAMPLE_MS);
    bench.undo.add('sampler', () => Promise.resolve(clearInterval(sampler)));
    const begin = performance.now();
    let is_followed = false;
    const flooding = (async () => {
      await pour(project, loud, bytes);
      bench.say(`${mib(bytes)} are in its journal after ${ms(performance.now() - begin)}`);
      // What is said to it now is shown behind all of that.
      await project.fleet.send(loud.session_id, 'are you still there?', { wait_ms: FOLLOWED_MS });
      is_followed = true;
      return performance.now() - begin;
    })();
    const meanwhile = await sendTimes(project, calm, () => is_followed);
    const took_ms = await flooding;
    await sleep(SETTLE_MS);
    const after = await residentBytes(project);
    const peak = Math.max(...sampled);
    return {
      rows: [
        told('resident at rest', mib(rest)),
        judged(`the most while ${mib(bytes)} of journal were written and read`, `+${mib(peak - rest)}`, {
          text: `≤ +${mib(MAX_GROWTH_BYTES)}`,
          met: peak - rest <= MAX_GROWTH_BYTES,
        }),
        told('resident when all of it was read, 20 s later', mib(after)),
        told('the flood was read', `${mib((bytes / took_ms) * 1000)}/s`),
        told('a message to the other session and its answer, at rest, p50 / p99', pair(before)),
        told(`the same meanwhile, of ${grouped(meanwhile.length)}, p50 / p99`, pair(meanwhile)),
        timesAsLong('how many times as long that is, p50', { before, meanwhile, share: 0.5 }),
        timesAsLong('how many times as long that is, p99', { before, meanwhile, share: 0.99 }),
      ],
      method: [
        'The real daemon with two sessions whose containers the benchmark plays. Another process appends pieces of a reply, 150 bytes a line, to the journal of one as fast as the file system takes them. No client reads a transcript or stream.',
        'Resident memory as the kernel counts it, looked at ten times a second. The other session is sent one message after the other meanwhile; its agent shows each at once.',
      ],
      raw: {
        rest_bytes: [rest],
        peak_bytes: [peak],
        after_bytes: [after],
        took_ms: [took_ms],
        before_ms: before,
        meanwhile_ms: meanwhile,
      },
    };
  },
};

/** Appends lines to the journal of a session until so many bytes are written. */
async function pour(project: BenchProject, loud: PlayedSession, bytes: number): Promise<void> {
  const { row } = await project.fleet.describe(loud.session_id);
  const journal = join(dirname(row.transcript), 'attempts', '1', 'journal', 'out');
  const params = { threadId: loud.agent.thread_id, turnId: 'u', itemId: 'i', delta: 'a flood of words' };
  const line = `${JSON.stringify({ method: 'item/agentMessage/delta', params, emittedAtMs: 1_795_389_982_000 })}\n`;
  const whole = Math.ceil(bytes / line.length) * line.length;
  const script = 'yes "$1" | head -c "$2" >> "$3"';
  const child = spawn('/bin/sh', ['-c', script, 'sh', line.trimEnd(), String(whole), journal], { stdio: 'ignore' });
  const [code] = (await once(child, 'close')) as [number | null];
  if (code !== 0) throw new Error(`the flood could not be written: status ${String(code)}`);
}

/** Sends messages one after the other, until told to end. */
async function sendTimes(
  project: BenchProject,
  calm: PlayedSession,
  is_over: (sent: number) => boolean,
): Promise<number[]> {
  const times: number[] = [];
  while (!is_over(times.length)) {
    const begin = performance.now();
    await project.fleet.send(calm.session_id, `message ${times.length}`, { wait_ms: 60_000 });
    times.push(performance.now() - begin);
    await sleep(PAUSE_MS);
  }
  return times;
}

/** What a message takes meanwhile over what it takes at rest, at one percentile. */
function timesAsLong(
  what: string,
  { before, meanwhile, share }: { readonly before: number[]; readonly meanwhile: number[]; readonly share: number },
): ReturnType<typeof judged> {
  const times = percentile(meanwhile, share) / percentile(before, share);
  return judged(what, times.toFixed(2), { text: `< ${MOST_TIMES}`, met: times < MOST_TIMES });
}

function pair(samples: readonly number[]): string {
  return `${ms(percentile(samples, 0.5))} / ${ms(percentile(samples, 0.99))}`;
}

async function residentBytes(project: BenchProject): Promise<number> {
  const status = await readFile(`/proc/${project.daemon_pid}/status`, 'utf8');
  return Number(/VmRSS:\s+(\d+) kB/.exec(status)?.[1] ?? Number.NaN) * 1024;
}

function sleep(wait_ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, wait_ms));
}

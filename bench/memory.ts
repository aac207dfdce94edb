import { readFile, stat } from 'node:fs/promises';
import { fakeFleet, type PlayedSession } from './fake-fleet.js';
import { BULKY, contentsOf, journalOf } from './journal-mix.js';
import { grouped, mib } from './statistics.js';
import { writeInterleaved } from './stream.js';
import { Subscriber } from './subscribe.js';
import { judged, told, type Suite } from './suite.js';
import type { BenchProject } from './project.js';

const SESSIONS = 50;
const GIB = 2 ** 30;
/** Node gives memory back some ten seconds after the last work. */
const SETTLE_MS = 20_000;
const CLOCK_TICKS_A_SECOND = 100;
const SAMPLE_MS = 250;
/** The second half of the transcript may cost so much more than the first: what a heap that is collected now and then moves by. */
const MAX_GROWTH_BYTES = 32 * 2 ** 20;

/** What the daemon holds with 50 sessions, and after 1 GiB of transcript went through it. */
export const memory: Suite = {
  name: 'memory',
  title: 'Memory of the daemon',
  run: async (bench) => {
    const total = bench.quick ? GIB / 16 : GIB;
    const { project, sessions } = await fakeFleet(bench, SESSIONS);
    await sleep(SETTLE_MS);
    const idle = await residentBytes(project);
    const busy = await processorShare(project, SETTLE_MS / 2);
    const subscriber = await Subscriber.begin(
      bench,
      project.paths.root,
      sessions.map((session) => session.id),
    );
    const sampled: number[] = [];
    const sampler = setInterval(() => void residentBytes(project).then((bytes) => sampled.push(bytes)), SAMPLE_MS);
    bench.undo.add('sampler', () => Promise.resolve(clearInterval(sampler)));
    const after: number[] = [];
    const transcript: number[] = [];
    const turns = 20;
    let written = 0;
    for (let quarter = 1; quarter <= 4; quarter += 1) {
      while ((transcript.at(-1) ?? 0) < (total * quarter) / 4) {
        const journals = sessions.map((session) => ({
          session,
          bytes: journalOf(session.agent.thread_id, session.id, written, turns, BULKY),
        }));
        written += turns;
        const counted = subscriber.count({ entries_each: contentsOf(BULKY).entries * turns });
        await sleep(50);
        await writeInterleaved(journals);
        await counted;
        transcript.push(await transcriptBytes(project, sessions));
        bench.signal.throwIfAborted();
      }
      await sleep(SETTLE_MS);
      after.push(await residentBytes(project));
      bench.say(`${mib(transcript.at(-1) ?? 0)} of transcript: ${mib(after.at(-1) ?? 0)}`);
    }
    const [, half = 0, , whole = 0] = after;
    const growth = whole - half;
    return {
      rows: [
        told(`resident, ${SESSIONS} idle sessions`, mib(idle)),
        told(`processor time, ${SESSIONS} idle sessions`, `${(busy * 100).toFixed(1)} % of one core`),
        told(
          `resident, after ${mib(transcript.at(-1) ?? 0)} of transcript, with a subscriber to every session`,
          mib(whole),
        ),
        judged('growth from half of it to all of it', `${growth < 0 ? '' : '+'}${mib(growth)}`, {
          text: `flat (≤ +${mib(MAX_GROWTH_BYTES)})`,
          met: growth <= MAX_GROWTH_BYTES,
        }),
        told('most that was seen in between', mib(Math.max(...sampled))),
      ],
      method: [
        `The real daemon with ${SESSIONS} sessions whose containers the benchmark plays. Resident memory as the kernel counts it, after a pause of 20 s behind each quarter, in which Node gives back what it no longer needs.`,
        `Turns of mostly command output, ${grouped(written)} a session, written to the journals as fast as the subscriber keeps up; the size is that of the transcript files.`,
      ],
      raw: {
        idle_bytes: [idle],
        idle_processor_share: [busy],
        after_quarter_bytes: after,
        transcript_bytes: transcript,
        sampled_bytes: sampled,
      },
    };
  },
};

async function residentBytes(project: BenchProject): Promise<number> {
  const status = await readFile(`/proc/${project.daemon_pid}/status`, 'utf8');
  return Number(/VmRSS:\s+(\d+) kB/.exec(status)?.[1] ?? Number.NaN) * 1024;
}

async function transcriptBytes(project: BenchProject, sessions: readonly PlayedSession[]): Promise<number> {
  const rows = await project.fleet.sessions();
  if (rows.length < sessions.length) throw new Error('a session is gone');
  const sizes = await Promise.all(rows.map(async (row) => (await stat(row.transcript)).size));
  return sizes.reduce((sum, size) => sum + size, 0);
}

/** What share of one core the daemon uses over so long. */
async function processorShare(project: BenchProject, over_ms: number): Promise<number> {
  const begin = await processorTicks(project);
  await sleep(over_ms);
  return ((await processorTicks(project)) - begin) / CLOCK_TICKS_A_SECOND / (over_ms / 1000);
}

async function processorTicks(project: BenchProject): Promise<number> {
  const stat = await readFile(`/proc/${project.daemon_pid}/stat`, 'utf8');
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return Number(fields[11]) + Number(fields[12]);
}

function sleep(wait_ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, wait_ms));
}

import { fork } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { z } from 'zod';
import { fakeFleet, type PlayedSession } from './fake-fleet.js';
import { contentsOf, journalOf, WORKING } from './journal-mix.js';
import { grouped, median } from './statistics.js';
import { Subscriber } from './subscribe.js';
import { judged, told, type Suite } from './suite.js';

const MIN_RATE = 50_000;
const SESSIONS = 50;
/** Cut anywhere, as a reader may find a file that is being written. */
const SLICE_BYTES = 64 * 1024;
const READER = fileURLToPath(new URL('bare-reader.ts', import.meta.url));

/** How much of what agents say goes from their journals to a subscriber, with all of the daemon in between. */
export const stream: Suite = {
  name: 'stream',
  title: 'Stream: journals of 50 sessions to one subscriber',
  run: async (bench) => {
    const { project, sessions } = await fakeFleet(bench, SESSIONS);
    const subscriber = await Subscriber.begin(
      bench,
      project.paths.root,
      sessions.map((session) => session.id),
    );
    const turns = bench.quick ? 20 : 200;
    const contents = contentsOf(WORKING);
    const shown = (contents.pieces + contents.entries) * turns * SESSIONS;
    const rates: number[] = [];
    const notifications: number[] = [];
    const bare: number[] = [];
    let lost = 0;
    let wrong = 0;
    let written_turns = 0;
    const wave = async (
      count: number,
    ): Promise<{ readonly took_ms: number; readonly lost: number; readonly wrong: number }> => {
      const journals = sessions.map((session) => ({
        session,
        bytes: journalOf(session.agent.thread_id, session.id, written_turns, count, WORKING),
      }));
      written_turns += count;
      const counted = subscriber.count({ entries_each: contents.entries * count });
      await new Promise((resolve) => setTimeout(resolve, 200));
      const begin_ms = performance.timeOrigin + performance.now();
      await writeInterleaved(journals);
      const { pieces, entries, wrong: mistakes, at_ms } = await counted;
      const missing = (contents.pieces + contents.entries) * count * SESSIONS - pieces - entries;
      return { took_ms: at_ms - begin_ms, lost: missing, wrong: mistakes };
    };
    await wave(Math.ceil(turns / 5));
    for (let round = 0; round < (bench.quick ? 2 : 5); round += 1) {
      const seen = await wave(turns);
      lost += seen.lost;
      wrong += seen.wrong;
      rates.push((shown / seen.took_ms) * 1000);
      notifications.push(((contents.lines * turns * SESSIONS) / seen.took_ms) * 1000);
      bench.say(`round ${round + 1}: ${grouped(rates.at(-1) ?? 0)} events/s, ${seen.lost} lost, ${seen.wrong} wrong`);
      bench.signal.throwIfAborted();
    }
    for (let round = 0; round < 3; round += 1) bare.push(await readBare(journalPaths(project.paths.outputs)));
    return {
      rows: [
        judged('events a second from journal to subscriber', `${grouped(median(rates))}/s`, {
          text: `≥ ${grouped(MIN_RATE)}/s`,
          met: median(rates) >= MIN_RATE,
        }),
        judged(`events lost, of ${grouped(shown * rates.length)}`, grouped(lost), { text: 'none', met: lost === 0 }),
        judged('items or entries that arrived other than they were written', grouped(wrong), {
          text: 'none',
          met: wrong === 0,
        }),
        told('notifications a second taken from the journals', `${grouped(median(notifications))}/s`),
        told('the same files read bare: lines, and each parsed as JSON', `${grouped(median(bare))}/s`),
      ],
      method: [
        `The real daemon with ${SESSIONS} sessions whose containers the benchmark plays; it writes their journals as fast as the disk takes them, cut anywhere. A subscriber in another process follows all of them through the library (\`tail --follow\`).`,
        `An event is a notification that a subscriber is shown: a piece of an unfinished item, or an entry. A turn has ${contents.lines} notifications: ${contents.pieces} pieces and ${contents.entries} entries, the others (tokens, limits, starts) only move state.`,
        'From the first byte written to the last event at the subscriber. Nothing lost: the pieces of every item are put together and held against its entry, and `seq` has no gap.',
      ],
      raw: {
        events_per_s: rates,
        notifications_per_s: notifications,
        bare_lines_per_s: bare,
        lost: [lost],
        wrong: [wrong],
      },
    };
  },
};

/** Appends to all journals in turn, a slice at a time. */
export async function writeInterleaved(
  journals: readonly { readonly session: PlayedSession; readonly bytes: Buffer }[],
): Promise<void> {
  for (let at = 0, more = true; more; at += SLICE_BYTES) {
    more = false;
    for (const { session, bytes } of journals) {
      if (at >= bytes.length) continue;
      more = true;
      session.agent.write(bytes.subarray(at, at + SLICE_BYTES));
    }
    await new Promise((resolve) => setImmediate(resolve));
  }
}

function journalPaths(outputs: string): readonly string[] {
  return readdirSync(outputs, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && entry.name === 'out')
    .map((entry) => join(entry.parentPath, entry.name));
}

const readSchema = z.object({ lines: z.number(), took_ms: z.number() });

/** Lines a second of a process that only reads and parses. */
function readBare(paths: readonly string[]): Promise<number> {
  return new Promise((resolve, reject) => {
    const child = fork(READER, paths, { execArgv: ['--import', 'tsx'] });
    child.once('error', reject);
    child.once('message', (message) => {
      const { lines, took_ms } = readSchema.parse(message);
      child.disconnect();
      resolve((lines / took_ms) * 1000);
    });
  });
}

import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Fleet } from '../../src/client/fleet.js';
import type { SessionRow } from '../../src/contract/session.js';
import type { TranscriptEntry } from '../../src/contract/transcript.js';
import { eventually, FleetRig, smallAgents } from '../support/fleet-rig.js';

const AGENTS = 12;
const MESSAGES = 20;
const CLIENTS = 3;

describe('twelve agents, spoken to by three clients at once', () => {
  let rig: FleetRig;
  let clients: Fleet[];
  let rows: SessionRow[];
  const heard = new Map<string, TranscriptEntry[]>();
  const ending = new AbortController();

  beforeAll(async () => {
    const ids = Array.from({ length: AGENTS }, (_, at) => `agent-${String(at)}`);
    rig = await FleetRig.make({ 'configs/agents/fleet.yml': smallAgents(ids) });
    clients = [];
    for (let n = 0; n < CLIENTS; n += 1) clients.push(await rig.fleet());
    rows = await rig.start(one(clients, 0));
    // A subscriber each, from before the first message on.
    for (const row of rows) {
      const entries: TranscriptEntry[] = [];
      heard.set(row.session_id, entries);
      void (async () => {
        for await (const event of one(clients, 1).tail(row.session_id, { follow: true, signal: ending.signal })) {
          if (event.type === 'entry') entries.push(event.entry);
        }
      })().catch(() => undefined);
    }
    const sends = rows.flatMap((row) => Array.from({ length: MESSAGES }, (_, n) => ({ row, text: canary(row, n) })));
    // Order among messages to one agent is kept by one client a agent; agents and clients are mixed at random.
    const queues = new Map<string, { row: SessionRow; text: string }[]>();
    for (const send of sends) queues.set(send.row.session_id, [...(queues.get(send.row.session_id) ?? []), send]);
    while (queues.size > 0) {
      const keys = [...queues.keys()];
      const burst = keys.filter(() => Math.random() < 0.5);
      await Promise.all(
        burst.map(async (key, at) => {
          const queue = queues.get(key) ?? [];
          const next = queue.shift();
          if (queue.length === 0) queues.delete(key);
          if (next !== undefined)
            await one(clients, at % CLIENTS).send(next.row.session_id, next.text, { mode: 'queue' });
        }),
      );
    }
    await eventually(
      'every agent has answered every message',
      async () => {
        const now = await one(clients, 0).sessions();
        if (now.some((row) => row.activity !== 'idle')) return false;
        for (const row of rows) if (repliesOf(await rig.transcript(row.transcript)).length < MESSAGES) return false;
        return true;
      },
      240_000,
    );
  }, 300_000);

  afterAll(async () => {
    ending.abort();
    for (const client of clients) await client[Symbol.asyncDispose]();
    await rig.end();
  }, 120_000);

  it('every transcript holds its own canaries, all of them, once, in order, and no other’s', async () => {
    for (const row of rows) {
      const entries = await rig.transcript(row.transcript);
      const expected = Array.from({ length: MESSAGES }, (_, n) => canary(row, n));
      expect(entries.filter((e) => e.kind === 'message').map((e) => e.text)).toEqual(expected);
      expect(repliesOf(entries).flatMap((text) => text.match(/canary-\S+/g) ?? [])).toEqual(expected);
      const whole = JSON.stringify(entries);
      for (const other of rows) if (other !== row) expect(whole).not.toContain(`canary-${other.id}-n`);
    }
  });

  it('every subscriber heard exactly what stands in the transcript', async () => {
    for (const row of rows) {
      const entries = await rig.transcript(row.transcript);
      await eventually(
        `the subscriber of ${row.id} has heard all`,
        () => (heard.get(row.session_id)?.length ?? 0) >= entries.length,
      );
      expect(heard.get(row.session_id)).toEqual(entries);
    }
  });

  it('seq counts from one without gap or repeat, and time never goes back', async () => {
    for (const row of rows) {
      const entries = await rig.transcript(row.transcript);
      expect(entries.map((e) => e.seq)).toEqual(entries.map((_, at) => at + 1));
      expect(entries.map((e) => e.timestamp)).toEqual(entries.map((e) => e.timestamp).sort());
    }
  });
});

function canary(row: SessionRow, n: number): string {
  return `canary-${row.id}-n${String(n)}-end`;
}

function repliesOf(entries: readonly TranscriptEntry[]): string[] {
  return entries.filter((e) => e.kind === 'reply').map((e) => e.text ?? '');
}

function one<T>(list: readonly T[], at: number): T {
  const found = list[at];
  if (found === undefined) throw new Error(`no element ${String(at)}`);
  return found;
}

import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { readFile, rename, rm, truncate, writeFile } from 'node:fs/promises';
import { request } from 'node:http';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Fleet } from '../../src/client/fleet.js';
import type { SessionRow } from '../../src/contract/session.js';
import { journalFile, sessionFiles } from '../../src/session/session-files.js';
import { eventually, FleetRig } from '../support/fleet-rig.js';

const MANIFEST = `
defaults:
  resources: { cpus: 1, memory: 256m, pids: 128 }
  restart: { backoff: 200ms }
sessions:
  - { id: cut, role: FIXER }
  - { id: replaced, role: FIXER }
  - { id: removed, role: FIXER }
  - { id: sent, role: FIXER }
  - { id: calm, role: FIXER }
`;
const REHEARSAL = `
parts:
  - text: one
    do: [{ say: first }]
  - text: two
    do: [{ say: second }]
`;
const DAMAGE: readonly (readonly [string, (path: string) => Promise<void>, string])[] = [
  ['cut', (path) => truncate(path, 10), 'is shorter than it was'],
  [
    'replaced',
    async (path) => {
      await writeFile(`${path}.new`, `${'x'.repeat(100_000)}\n`);
      await rename(`${path}.new`, path);
    },
    'was replaced by another file',
  ],
  ['removed', (path) => rm(path), 'cannot be read any more'],
];

describe('what somebody else does to an agent that runs', () => {
  let rig: FleetRig;
  let fleet: Fleet;
  const rows = new Map<string, SessionRow>();

  const rowOf = (id: string): SessionRow => {
    const row = rows.get(id);
    if (row === undefined) throw new Error(`no ${id}`);
    return row;
  };
  const folderOf = (id: string): string => join(rowOf(id).transcript, '..');
  const now = async (id: string): Promise<SessionRow> => (await fleet.describe(id)).row;
  const texts = async (id: string): Promise<string[]> => {
    const all: string[] = [];
    for await (const event of fleet.tail(id, { last: 1000 }))
      if (event.type === 'entry') all.push(event.entry.text ?? '');
    return all;
  };
  const comesBack = (id: string): Promise<void> =>
    eventually(`${id} is back`, async () => {
      const { attempt, phase, activity } = await now(id);
      return attempt === 2 && phase === 'running' && activity === 'idle';
    });

  beforeAll(async () => {
    rig = await FleetRig.make({ 'configs/agents/a.yml': MANIFEST });
    fleet = await rig.fleet();
    for (const row of await rig.start(fleet, REHEARSAL)) rows.set(row.id, row);
    for (const id of rows.keys())
      expect(await fleet.send(id, 'one', { wait_ms: 30_000 })).toMatchObject({ reply: 'first' });
  }, 120_000);

  afterAll(async () => {
    fleet.close();
    await rig.end();
  }, 60_000);

  it.each(DAMAGE)(
    'its journal %s: said, and the agent goes on in a new attempt, on its thread, with a journal of its own',
    async (id, act, words) => {
      const { thread_id } = await now(id);
      await act(journalFile(folderOf(id), 1));
      await comesBack(id);
      expect((await texts(id)).find((text) => text.startsWith('attempt 1 ends:'))).toMatch(
        new RegExp(`${words}; what the agent said since is lost$`),
      );
      expect(await fleet.send(id, 'two', { wait_ms: 30_000 })).toMatchObject({ reply: 'second' });
      expect(await now(id)).toMatchObject({ thread_id, health: 'ok', attempt: 2 });
    },
  );

  it('a message that may have been taken when its journal is cut is not said twice, and that is told', async () => {
    const container = (await now('sent')).container_name ?? '';
    execFileSync('docker', ['pause', container]);
    const sent = await fleet.send('sent', 'two', { mode: 'queue' });
    await eventually('it is in the pipe', async () =>
      (await readFile(sessionFiles(folderOf('sent')).ledger, 'utf8')).includes(
        `"type":"sent","message_id":"${sent.message_id}"`,
      ),
    );
    await truncate(journalFile(folderOf('sent'), 1), 10);
    await comesBack('sent');
    expect((await texts('sent')).filter((text) => text.startsWith(`whether message ${sent.message_id}`))).toHaveLength(
      1,
    );
    expect((await texts('sent')).filter((text) => text === 'second')).toHaveLength(0);
    expect(await fleet.send('sent', 'two', { wait_ms: 30_000 })).toMatchObject({ reply: 'second' });
  });

  it('a container restarted by hand is the end of its attempt, and the next one begins', async () => {
    execFileSync('docker', ['restart', '--time', '1', (await now('calm')).container_name ?? '']);
    await comesBack('calm');
    expect(await texts('calm')).toContain(
      'attempt 1 ends: its container was restarted by someone else, and Codex cannot be spoken to in it any more',
    );
    expect(await fleet.send('calm', 'two', { wait_ms: 30_000 })).toMatchObject({ reply: 'second' });
  });

  it('a reader whose cursor is ahead of the transcript is told, and hears what comes', async () => {
    const last = (await texts('calm')).length;
    const response = await fetchEvents(rig.paths.socket, '/v1/sessions/calm/events?after=1000000');
    expect(response).toMatch(new RegExp(`^event: resync\\ndata: {"after":${last},"missed":0}\\n\\n`));
    const ending = new AbortController();
    const heard: number[] = [];
    let is_open = false;
    const following = (async () => {
      for await (const event of fleet.tail('calm', { after: 1_000_000, follow: true, signal: ending.signal })) {
        is_open ||= event.type === 'row';
        if (event.type === 'entry') heard.push(event.entry.seq);
        if (event.type === 'entry' && event.entry.text === 'first') return;
      }
    })();
    await eventually('it reads along', () => Promise.resolve(is_open));
    await fleet.send('calm', 'one', { wait_ms: 30_000 });
    await following;
    ending.abort();
    expect(heard.length).toBeGreaterThan(0);
    expect(heard).toEqual(heard.map((_, at) => (heard[0] ?? 0) + at));
  });

  it('a damaged journal is needed no more: a daemon that has to tell everything again goes on from what was put by', async () => {
    const before = new Map<string, string[]>();
    for (const id of rows.keys()) before.set(id, await texts(id));
    await eventually('all is put by', () =>
      Promise.resolve([...rows.keys()].every((id) => id === 'calm' || existsSync(sessionFiles(folderOf(id)).base))),
    );
    await fleet.stopDaemon();
    fleet.close();
    for (const id of rows.keys()) await rm(sessionFiles(folderOf(id)).checkpoint);
    fleet = await rig.fleet();
    for (const id of rows.keys()) {
      expect(await now(id)).toMatchObject({ phase: 'running', attempt: 2 });
      expect(await texts(id)).toEqual(before.get(id));
      expect((await rig.cli(['transcript', 'verify', id])).code).toBe(0);
    }
  });
});

/** What a stream of events says first, as it is. */
function fetchEvents(socketPath: string, path: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const asked = request({ socketPath, path }, (response) => {
      response.setEncoding('utf8').once('data', (text: string) => {
        response.destroy();
        resolve(text);
      });
    });
    asked.on('error', reject).end();
  });
}

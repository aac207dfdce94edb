import { copyFile, mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Fleet } from '../../src/client/fleet.js';
import type { SessionRow } from '../../src/contract/session.js';
import { eventually, FleetRig } from '../support/fleet-rig.js';

const MANIFEST = `
- { id: asker, role: FEATURE, resources: { cpus: 1, memory: 256m, pids: 256 } }
- { id: worker, role: FIXER, resources: { cpus: 1, memory: 256m, pids: 256 }, escalation: { approvals: approve } }
`;
const REHEARSAL = `
parts:
  - agent: asker
    text: please
    do:
      - ask_approval: touch asked-and-approved
      - say: it was approved
  - agent: worker
    text: count
    do:
      - run: for i in 1 2 3 4 5 6 7 8; do echo line $i; sleep 0.5; done
      - say: counted to eight
`;

describe('a daemon that is killed', () => {
  let rig: FleetRig;
  let fleet: Fleet;
  let asker: SessionRow;
  let worker: SessionRow;

  beforeAll(async () => {
    rig = await FleetRig.make({ 'configs/agents/two.yml': MANIFEST });
    fleet = await rig.fleet();
    const rows = await rig.start(fleet, REHEARSAL);
    asker = rowOf(rows, 'asker');
    worker = rowOf(rows, 'worker');
  }, 120_000);

  afterAll(async () => {
    await fleet[Symbol.asyncDispose]();
    await rig.end();
  }, 60_000);

  const again = async (): Promise<Fleet> => {
    await fleet[Symbol.asyncDispose]();
    fleet = await rig.fleet();
    return fleet;
  };

  it('is not missed by its agents, and the next one goes on where it was', async () => {
    await fleet.send('worker', 'count');
    await fleet.send('asker', 'please');
    await eventually('the asker waits for a person', async () => (await fleet.prompts()).length === 1);
    const [before] = await fleet.prompts();
    const containers = await rig.containers();
    process.kill(await rig.daemonPid(), 'SIGKILL');
    await new Promise((resolve) => setTimeout(resolve, 1500));
    expect(await rig.containers()).toEqual(containers);

    await again();
    const [prompt] = await fleet.prompts();
    expect(prompt).toEqual(before);
    const decided = await rig.cli(['feedback', 'approve', prompt?.prompt_id ?? '']);
    expect(decided.code, decided.stderr).toBe(0);
    await eventually('both are idle again', async () =>
      (await fleet.sessions()).every((row) => row.activity === 'idle'),
    );

    const asked = await rig.transcript(asker.transcript);
    expect(asked.filter((e) => e.kind === 'command')).toHaveLength(1);
    expect(asked.find((e) => e.kind === 'command')?.data?.['exit_code']).toBe(0);
    expect(asked.filter((e) => e.kind === 'reply').map((e) => e.text)).toEqual(['it was approved']);
    const counted = await rig.transcript(worker.transcript);
    expect(counted.filter((e) => e.text === 'counted to eight')).toHaveLength(1);
    for (const entries of [asked, counted]) expect(entries.map((e) => e.seq)).toEqual(entries.map((_, at) => at + 1));
    expect((await fleet.sessions()).map((row) => row.attempt)).toEqual([1, 1]);
  });

  it('loses no message that was accepted or queued while it was killed again and again', async () => {
    const sent: string[] = [];
    for (let round = 0; round < 5; round += 1) {
      for (let n = 0; n < 3; n += 1) {
        const text = `round ${String(round)} message ${String(n)}`;
        await fleet.send('worker', text, { mode: 'queue' });
        sent.push(text);
      }
      process.kill(await rig.daemonPid(), 'SIGKILL');
      await again();
    }
    await eventually(
      'all are taken',
      async () =>
        (await rig.transcript(worker.transcript)).filter((e) => e.kind === 'message').length >= sent.length + 1,
      60_000,
    );
    await eventually('idle', async () => (await fleet.sessions()).every((row) => row.activity === 'idle'));
    const messages = (await rig.transcript(worker.transcript)).filter((e) => e.kind === 'message').map((e) => e.text);
    expect(messages).toEqual(['count', ...sent]);
  }, 120_000);

  it('a transcript derived again from journal and ledger is the same, byte for byte', async () => {
    const keep = await mkdtemp(join(tmpdir(), 'filare-transcript-'));
    try {
      await rig.cli(['daemon', 'stop']);
      const copy = join(keep, 'transcript.jsonl');
      await copyFile(worker.transcript, copy);
      await rm(worker.transcript);
      await again();
      await eventually(
        'it is there again',
        async () =>
          (await readFile(worker.transcript, 'utf8').catch(() => '')).length >= (await readFile(copy, 'utf8')).length,
      );
      expect(await readFile(worker.transcript, 'utf8')).toBe(await readFile(copy, 'utf8'));
    } finally {
      await rm(keep, { recursive: true, force: true });
    }
  });

  it('two daemons for one project: the second says so and leaves the first alone', async () => {
    const pid = await rig.daemonPid();
    const second = await rig.cli(['daemon', 'run']);
    expect(second.code).toBe(4);
    expect(second.stderr).toContain('another daemon');
    expect(await rig.daemonPid()).toBe(pid);
  });

  it('resume-all brings back at once what a reboot took away, on the same threads', async () => {
    await again();
    const before = await fleet.sessions();
    await fleet.send('worker', 'before the machine goes down', { wait_ms: 30_000 });
    process.kill(await rig.daemonPid(), 'SIGKILL');
    for (const row of before) await rig.engine.remove(row.container_id ?? '');
    const ran = await rig.cli(['resume-all', '--json']);
    expect(ran.code, ran.stderr).toBe(0);
    const resumed = JSON.parse(ran.stdout) as { sessions: SessionRow[]; begun: string[] };
    expect(resumed.begun.sort()).toEqual(before.map((row) => row.session_id).sort());
    await again();
    const after = await fleet.sessions();
    expect(after.map((row) => [row.id, row.phase, row.thread_id])).toEqual(
      before.map((row) => [row.id, 'running', row.thread_id]),
    );
    for (const [at, row] of after.entries()) expect(row.attempt).toBe((before[at]?.attempt ?? 0) + 1);
    expect(await fleet.send('worker', 'and after', { wait_ms: 30_000 })).toMatchObject({ delivery: 'accepted' });
    expect((await rig.cli(['resume-all'])).stdout).toContain('as it was');
  }, 120_000);
});

describe('a container that somebody else removes', () => {
  it('is noticed and said, and the agent comes back on the same thread', async () => {
    const rig = await FleetRig.make({
      'configs/agents/a.yml':
        'id: lone\nrole: FEATURE\nresources: { cpus: 1, memory: 256m, pids: 256 }\nrestart: { backoff: 1s }\n',
    });
    const fleet = await rig.fleet();
    try {
      const [row] = await rig.start(fleet);
      await fleet.send('lone', 'remember me', { wait_ms: 20_000 });
      await rig.engine.remove(row?.container_id ?? '');
      await eventually('a second attempt runs', async () =>
        (await fleet.sessions()).some((r) => r.attempt === 2 && r.phase === 'running'),
      );
      const [after] = await fleet.sessions();
      expect(after?.thread_id).toBe(row?.thread_id);
      const entries = await rig.transcript(row?.transcript ?? '');
      expect(entries.find((e) => e.kind === 'error')?.text).toContain('removed by someone else');
      expect(await fleet.send('lone', 'still you?', { wait_ms: 20_000 })).toMatchObject({ delivery: 'accepted' });
    } finally {
      await fleet[Symbol.asyncDispose]();
      await rig.end();
    }
  }, 120_000);
});

function rowOf(rows: readonly SessionRow[], id: string): SessionRow {
  const row = rows.find((r) => r.id === id);
  if (row === undefined) throw new Error(`no row of ${id}`);
  return row;
}

import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Fleet } from '../../src/client/fleet.js';
import type { SessionRow } from '../../src/contract/session.js';
import type { TranscriptEntry } from '../../src/contract/transcript.js';
import { eventually, FleetRig, smallAgents } from '../support/fleet-rig.js';

const REHEARSAL = `
parts:
  - text: long work
    do:
      - run: sleep 4
      - say: long work is done
  - text: endless
    do:
      - say: begun
      - hang: true
  - text: break
    do:
      - fail: { status: 400, message: the model says no }
`;

describe('a message sent while a turn runs', () => {
  let rig: FleetRig;
  let fleet: Fleet;
  let row: SessionRow;

  beforeAll(async () => {
    rig = await FleetRig.make({ 'configs/agents/a.yml': smallAgents(['worker']) });
    fleet = await rig.fleet();
    const [first] = await rig.start(fleet, REHEARSAL);
    if (first === undefined) throw new Error('nothing started');
    row = first;
  }, 120_000);

  afterAll(async () => {
    await fleet[Symbol.asyncDispose]();
    await rig.end();
  }, 60_000);

  const story = (): Promise<TranscriptEntry[]> => rig.transcript(row.transcript);
  const activity = async (): Promise<string | null | undefined> =>
    (await fleet.sessions()).find((r) => r.id === 'worker')?.activity;
  const turnOf = (entries: readonly TranscriptEntry[], text: string): unknown =>
    entries.find((e) => e.kind === 'message' && e.text === text)?.data?.['turn_id'];

  it('waits for the end of the turn by default, and says that it is queued', async () => {
    expect(await fleet.send('worker', 'long work one')).toMatchObject({ delivery: 'accepted' });
    expect(await fleet.send('worker', 'after one')).toMatchObject({ delivery: 'queued' });
    await eventually(
      'both are answered',
      async () => (await activity()) === 'idle' && turnOf(await story(), 'after one') !== undefined,
    );
    const entries = await story();
    expect(turnOf(entries, 'after one')).not.toBe(turnOf(entries, 'long work one'));
    const order = entries
      .filter(
        (e) =>
          (e.kind === 'reply' && e.text === 'long work is done') || (e.kind === 'message' && e.text === 'after one'),
      )
      .map((e) => e.text);
    expect(order).toEqual(['long work is done', 'after one']);
  });

  it('a shell without a terminal is as any program in a pipe', async () => {
    const script = 'tty\nprintf "a\\0b\\r\\n"\necho trouble >&2\nexit 9\n';
    expect(await rig.cli(['shell', 'worker'], { input: script })).toEqual({
      code: 9,
      stdout: 'not a tty\na\0b\r\n',
      stderr: 'trouble\n',
    });
  });

  it('joins the running turn with --steer', async () => {
    expect(await fleet.send('worker', 'long work two')).toMatchObject({ delivery: 'accepted' });
    const steered = await rig.cli(['send', 'worker', 'look here as well', '--steer', '--json']);
    expect(steered.code, steered.stderr).toBe(0);
    await eventually('the turn is over', async () => (await activity()) === 'idle');
    const entries = await story();
    expect(turnOf(entries, 'look here as well')).toBe(turnOf(entries, 'long work two'));
  });

  it('ends the running turn with --interrupt and is the next', async () => {
    expect(await fleet.send('worker', 'endless')).toMatchObject({ delivery: 'accepted' });
    const sent = await rig.cli(['send', 'worker', 'now this', '--interrupt', '--wait', '--json']);
    expect(sent.code, sent.stderr).toBe(0);
    expect(JSON.parse(sent.stdout)).toMatchObject({
      delivery: 'accepted',
      reply: expect.stringContaining('now this') as unknown,
    });
    const entries = await story();
    const endless = turnOf(entries, 'endless');
    expect(entries.find((e) => e.data?.['turn_id'] === endless && e.text === 'turn interrupted')).toBeDefined();
  });

  it('interrupt ends the turn and nothing else; with no turn it says so', async () => {
    expect(await fleet.send('worker', 'endless')).toMatchObject({ delivery: 'accepted' });
    expect(await rig.cli(['interrupt', 'worker'])).toMatchObject({ code: 0 });
    expect(await activity()).toBe('idle');
    const again = await rig.cli(['interrupt', 'worker']);
    expect(again.code).toBe(4);
    expect(again.stderr).toContain('no turn');
    expect(await fleet.send('worker', 'still there?', { wait_ms: 20_000 })).toMatchObject({ delivery: 'accepted' });
  });

  it('a turn that failed is exit 1 for who waited, and the session goes on', async () => {
    const sent = await rig.cli(['send', 'worker', 'break', '--wait']);
    expect(sent.code, sent.stderr).toBe(1);
    expect(sent.stderr).toContain('the model says no');
    expect(await activity()).toBe('idle');
  });

  it('a wait that takes too long is exit 5, and the message stays sent', async () => {
    const sent = await rig.cli(['send', 'worker', 'long work three', '--wait', '--timeout', '1s']);
    expect(sent.code, sent.stderr).toBe(5);
    await eventually('the turn ends all the same', async () => (await activity()) === 'idle');
  });

  it('an image goes along, as a file that the agent’s container sees and cannot change', async () => {
    // The smallest PNG: one transparent pixel.
    const png = 'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNkYPhfDwAChwGA60e6kgAAAABJRU5ErkJggg==';
    await writeFile(join(rig.root, 'pixel.png'), Buffer.from(png, 'base64'));
    const sent = await rig.cli(['send', 'worker', 'what is on it?', '--file', 'pixel.png', '--wait']);
    expect(sent.code, sent.stderr).toBe(0);
    const journal = await readFile(join(row.transcript, '..', 'attempts', '1', 'journal', 'out'), 'utf8');
    const path = /\/opt\/filare\/images\/[\w.-]+\.png/.exec(journal)?.[0] ?? '';
    const seen = await rig.engine.exec(row.container_id ?? '', {
      command: ['/bin/bash', '-c', `base64 -w0 ${path}; rm ${path}`],
    });
    expect(seen.stdout).toBe(png);
    expect(seen.stderr).toContain('Read-only');
  });

  it('restart goes on with the same thread in a new attempt', async () => {
    const before = (await fleet.sessions())[0];
    const ran = await rig.cli(['restart', 'worker', '--json']);
    expect(ran.code, ran.stderr).toBe(0);
    const after = (await fleet.sessions())[0];
    expect(after).toMatchObject({
      attempt: (before?.attempt ?? 0) + 1,
      thread_id: before?.thread_id,
      phase: 'running',
    });
    expect(after?.container_id).not.toBe(before?.container_id);
    expect(await fleet.send('worker', 'you again', { wait_ms: 30_000 })).toMatchObject({ delivery: 'accepted' });
  });
});

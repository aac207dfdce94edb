import { execFileSync } from 'node:child_process';
import { mkdirSync } from 'node:fs';
import { rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Fleet } from '../../src/client/fleet.js';
import type { Prompt, SessionRow } from '../../src/contract/session.js';
import type { TranscriptEntry } from '../../src/contract/transcript.js';
import { eventually, FleetRig } from '../support/fleet-rig.js';

const MANIFEST = `
defaults:
  resources: { cpus: 1, memory: 256m, pids: 256 }
  escalation: { approvals: approve }
  health: { interval: 1s, timeout: 1s, failures: 2, stall_after: 2s }
  restart: { backoff: 1s, max_attempts: 2 }
sessions:
  - { id: hangs, role: FIXER }
  - { id: quiet, role: FIXER }
  - { id: crashes, role: FIXER }
  - { id: full, role: FIXER }
  - { id: bounded, role: FIXER, limits: { turns: 2 } }
  - { id: spends, role: FIXER, limits: { tokens: 1 } }
`;
const REHEARSAL = `
parts:
  - text: be quiet
    do:
      - say: I think
      - hang: 5s
      - say: there I am
`;

/** A file system of its own, so small that it can be filled; null where this user may not mount one. */
function mountSmall(path: string): { readonly unmount: () => void } | null {
  mkdirSync(path, { recursive: true });
  try {
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=8m', 'tmpfs', path], { stdio: 'ignore' });
  } catch {
    return null;
  }
  return { unmount: () => void execFileSync('umount', ['--lazy', path]) };
}

describe('an agent that does not do well', () => {
  let small: ReturnType<typeof mountSmall> = null;
  let rig: FleetRig;
  let fleet: Fleet;
  const transcripts = new Map<string, string>();

  beforeAll(async () => {
    rig = await FleetRig.make({ 'configs/agents/a.yml': MANIFEST });
    small = mountSmall(join(rig.paths.agents, 'full', 'codex'));
    fleet = await rig.fleet();
    for (const row of await rig.start(fleet, REHEARSAL)) transcripts.set(row.id, row.transcript);
  }, 120_000);
  afterAll(async () => {
    await fleet[Symbol.asyncDispose]();
    small?.unmount();
    await rig.end();
  }, 60_000);

  const rowOf = async (id: string): Promise<SessionRow> => (await fleet.describe(id)).row;
  const story = (id: string): Promise<TranscriptEntry[]> => rig.transcript(transcripts.get(id) ?? '');
  const promptOf = async (id: string): Promise<Prompt> => {
    let found: Prompt | undefined;
    await eventually(`${id} has a prompt`, async () => (found = (await fleet.prompts(id))[0]) !== undefined);
    if (found === undefined) throw new Error('no prompt');
    return found;
  };
  const inContainer = async (id: string, script: string): Promise<void> => {
    const { container_id } = await rowOf(id);
    await rig.engine.exec(container_id ?? '', { command: ['/bin/bash', '-c', script] });
  };

  it('hangs: found by asking Codex itself, named, and restarted on the same thread', async () => {
    await fleet.send('hangs', 'hello', { wait_ms: 20_000 });
    const before = await rowOf('hangs');
    await inContainer('hangs', 'pkill -STOP -x codex');
    await eventually('it is seen', async () => (await rowOf('hangs')).health === 'unresponsive');
    await eventually('it runs again', async () => {
      const row = await rowOf('hangs');
      return row.attempt === 2 && row.phase === 'running' && row.health === 'ok';
    });
    expect(await rowOf('hangs')).toMatchObject({ thread_id: before.thread_id });
    expect(await fleet.send('hangs', 'are you there?', { wait_ms: 20_000 })).toMatchObject({ delivery: 'accepted' });
    const said = (await story('hangs')).map((e) => e.text ?? '');
    expect(said.some((text) => text.includes('(2 of 2 looks)'))).toBe(true);
    expect(said.some((text) => text.includes('Codex has not answered 2 looks in a row'))).toBe(true);
  });

  it('has a Codex home that is full: said, shown, and over when its history is kept again', async ({ skip }) => {
    if (small === null) return skip('this user may not mount a file system');
    await fleet.send('full', 'before', { wait_ms: 20_000 });
    const filler = join(rig.paths.agents, 'full', 'codex', 'filler');
    await expect(writeFile(filler, Buffer.alloc(16 * 2 ** 20))).rejects.toMatchObject({ code: 'ENOSPC' });
    await fleet.send('full', 'x'.repeat(9_000), { wait_ms: 20_000 });
    await eventually('it is seen', async () => (await rowOf('full')).health === 'degraded');
    expect((await rowOf('full')).waiting_for).toBe('Codex cannot keep its history: no space is left');
    await fleet.send('full', 'meanwhile', { wait_ms: 20_000 });
    await rm(filler);
    await eventually('a turn is kept', async () => {
      await fleet.send('full', 'after', { wait_ms: 20_000 });
      return (await rowOf('full')).health === 'ok';
    });
    const said = (await story('full')).map((e) => e.text ?? '');
    expect(said.filter((text) => text.startsWith('Codex cannot keep its history'))).toHaveLength(1);
    expect(said).toContain('Codex keeps its history again');
    // What Codex kept in memory meanwhile is in its history now.
    await fleet.restart('full');
    expect(await fleet.send('full', 'again', { wait_ms: 20_000 })).toMatchObject({ delivery: 'accepted' });
  });

  it('is quiet within a turn: announced and asked about, not acted on; its next sign takes the question back', async () => {
    await fleet.send('quiet', 'be quiet');
    const prompt = await promptOf('quiet');
    expect(prompt).toMatchObject({ origin: 'stall', choices: ['wait', 'interrupt', 'restart'], blocking: false });
    expect(await rowOf('quiet')).toMatchObject({ health: 'stalled', activity: 'working' });
    await eventually('it goes on', async () => (await rowOf('quiet')).activity === 'idle');
    expect(await fleet.prompts('quiet')).toEqual([]);
    expect(await fleet.prompt(prompt.prompt_id)).toMatchObject({ decision: { outcome: 'withdrawn' } });
    expect((await rowOf('quiet')).health).toBe('ok');
    expect((await story('quiet')).filter((e) => e.kind === 'reply').at(-1)?.text).toBe('there I am');

    await fleet.send('quiet', 'be quiet');
    const again = await promptOf('quiet');
    await fleet.decide(again.prompt_id, { choice: 'interrupt' });
    await eventually('its turn is over', async () => (await rowOf('quiet')).activity === 'idle');
    expect((await story('quiet')).some((e) => e.text === 'turn interrupted')).toBe(true);
  });

  it('crashes again and again: a person is asked before the next attempt, and the count begins anew', async () => {
    for (let attempt = 1; attempt <= 2; attempt += 1) {
      await eventually(`attempt ${String(attempt)} runs`, async () => {
        const row = await rowOf('crashes');
        return row.phase === 'running' && row.attempt === attempt;
      });
      await inContainer('crashes', 'pkill -KILL -x codex');
    }
    const prompt = await promptOf('crashes');
    expect(prompt).toMatchObject({ origin: 'crash_loop', severity: 'critical', choices: ['try again', 'give up'] });
    expect(await rowOf('crashes')).toMatchObject({
      phase: 'backing_off',
      waiting_for: expect.stringContaining(prompt.prompt_id) as unknown,
    });
    await fleet.decide(prompt.prompt_id, { choice: 'try again' });
    await eventually('it runs again', async () => (await rowOf('crashes')).phase === 'running');
    expect((await rowOf('crashes')).attempt).toBe(3);
    expect(await fleet.send('crashes', 'still you?', { wait_ms: 20_000 })).toMatchObject({ delivery: 'accepted' });
  });

  it('a container that somebody paused is shown so, left alone, and goes on', async () => {
    const { container_id } = await rowOf('hangs');
    const docker = async (action: string): Promise<void> => {
      const { request } = await import('node:http');
      await new Promise<void>((resolve, reject) => {
        const sent = request(
          { socketPath: '/var/run/docker.sock', method: 'POST', path: `/containers/${container_id ?? ''}/${action}` },
          (response) => {
            const refused = new Error(`${action}: ${String(response.statusCode)}`);
            response.resume().on('end', () => (response.statusCode === 204 ? resolve() : reject(refused)));
          },
        );
        sent.on('error', reject).end();
      });
    };
    await docker('pause');
    await eventually('it is seen', async () => (await rowOf('hangs')).health === 'degraded', 60_000);
    await new Promise((resolve) => setTimeout(resolve, 3_000));
    expect((await rowOf('hangs')).attempt).toBe(2);
    await docker('unpause');
    await eventually('it goes on', async () => (await rowOf('hangs')).health === 'ok', 60_000);
    expect(await fleet.send('hangs', 'back?', { wait_ms: 20_000 })).toMatchObject({ delivery: 'accepted' });
  }, 120_000);

  it('reaches a limit of turns: held and asked; more is given, or it is stopped', async () => {
    for (const text of ['one', 'two']) await fleet.send('bounded', text, { wait_ms: 20_000 });
    await fleet.send('bounded', 'three', { mode: 'queue' });
    const prompt = await promptOf('bounded');
    expect(prompt).toMatchObject({ origin: 'limit', choices: ['go on', 'stop'], severity: 'warning' });
    expect(prompt.summary).toContain('2 turns');
    expect(await rowOf('bounded')).toMatchObject({ activity: 'paused' });
    const wrong = await rig.cli(['feedback', 'answer', prompt.prompt_id, 'maybe']);
    expect(wrong.code).toBe(2);
    expect(wrong.stderr).toContain('go on, stop');
    await fleet.decide(prompt.prompt_id, { choice: 'go on' });
    await eventually('three was taken', async () => (await story('bounded')).some((e) => e.text === 'three'));
    await eventually('idle', async () => (await rowOf('bounded')).activity === 'idle');
    await fleet.send('bounded', 'four', { wait_ms: 20_000 });
    await fleet.send('bounded', 'five', { mode: 'queue' });
    await fleet.decide((await promptOf('bounded')).prompt_id, { choice: 'stop' });
    await fleet.wait(['bounded'], 'stopped', { timeout_ms: 30_000 });
  });

  it('reaches a limit of tokens, and what was used is told by agent and day', async () => {
    await fleet.send('spends', 'one');
    const prompt = await promptOf('spends');
    expect(prompt.summary).toContain('1 tokens');
    await fleet.resume('spends');
    const day = new Date().toISOString().slice(0, 10);
    await eventually('it is in the book', async () => (await fleet.usage()).some((row) => row.id === 'spends'));
    const [row] = (await fleet.usage()).filter((one) => one.id === 'spends');
    expect(row).toMatchObject({ day, role: 'FIXER', sessions: 1 });
    expect(row?.total).toBe((await rowOf('spends')).tokens.total);
  });
});

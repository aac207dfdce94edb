import { spawn, type ChildProcess } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { afterEach, describe, expect, it } from 'vitest';
import { FleetRig, smallAgents } from '../support/fleet-rig.js';

const BIN = fileURLToPath(new URL('../../bin/filare-agents.js', import.meta.url));
const SLOW_START = 'parts:\n  - do: [say: hello]\n';

describe('nothing is left', () => {
  let rig: FleetRig | undefined;
  afterEach(async () => {
    await rig?.end();
    rig = undefined;
  }, 60_000);

  it('after stop --all and daemon stop', async () => {
    rig = await FleetRig.make({ 'configs/agents/a.yml': smallAgents(['one', 'two', 'three']), 'r.yml': SLOW_START });
    const started = await rig.cli(['start', '--rehearsal', 'r.yml', '--json']);
    expect(started.code, started.stderr).toBe(0);
    expect(await rig.containers()).toHaveLength(4);
    expect((await rig.cli(['stop', '--all'])).code).toBe(0);
    expect(await rig.containers()).toEqual([]);
    expect(await rig.json<unknown[]>(['list'])).toEqual([]);
    expect((await rig.json<{ phase: string }[]>(['list', '--all'])).map((row) => row.phase)).toEqual([
      'stopped',
      'stopped',
      'stopped',
    ]);
    expect((await rig.cli(['daemon', 'stop'])).code).toBe(0);
    expect(await rig.leftovers()).toEqual([]);
  }, 120_000);

  it('daemon stop alone leaves the agents running, and the next command finds them', async () => {
    rig = await FleetRig.make({ 'configs/agents/a.yml': smallAgents(['one']), 'r.yml': SLOW_START });
    expect((await rig.cli(['start', '--rehearsal', 'r.yml'])).code).toBe(0);
    const before = await rig.containers();
    const [row] = await rig.json<{ container_id: string }[]>(['list']);
    expect((await rig.cli(['daemon', 'stop'])).code).toBe(0);
    expect(await rig.containers()).toEqual(before);
    const [after] = await rig.json<{ container_id: string; phase: string; activity: string }[]>(['list']);
    expect(after).toMatchObject({ container_id: row?.container_id, phase: 'running', activity: 'idle' });
    expect(await rig.cli(['send', 'one', 'hello', '--wait'])).toMatchObject({ code: 0 });
  }, 120_000);

  it('starting what runs is exit 0 and says so; stopping what has ended too', async () => {
    rig = await FleetRig.make({ 'configs/agents/a.yml': smallAgents(['one']), 'r.yml': SLOW_START });
    const first = await rig.json<{ outcome: string }[]>(['start', '--rehearsal', 'r.yml']);
    expect(first.map((o) => o.outcome)).toEqual(['started']);
    const second = await rig.json<{ outcome: string; session: { session_id: string } }[]>([
      'start',
      '--rehearsal',
      'r.yml',
    ]);
    expect(second.map((o) => o.outcome)).toEqual(['already_running']);
    expect((await rig.cli(['stop', 'one'])).code).toBe(0);
    expect((await rig.cli(['stop', 'one'])).code).toBe(0);
    const third = await rig.json<{ outcome: string; session: { session_id: string } }[]>([
      'start',
      '--rehearsal',
      'r.yml',
    ]);
    expect(third[0]).toMatchObject({ outcome: 'started' });
    expect(third[0]?.session.session_id).not.toBe(second[0]?.session.session_id);
  }, 120_000);

  // Ctrl-C at moments spread over the whole of `up` before its live view: found by waiting for what it says, and by time in between.
  const moments: readonly (readonly [string, (said: () => string) => Promise<void>])[] = [
    ['at once', () => pause(50)],
    ['while the daemon starts', () => pause(400)],
    ['while agents start', () => pause(1000)],
    ['a little later', () => pause(1600)],
    ['later still', () => pause(2400)],
  ];
  for (const [name, moment] of moments) {
    it(`after Ctrl-C in up, ${name}: what this call began is rolled back`, async () => {
      const own = await FleetRig.make({
        'configs/agents/a.yml': smallAgents(['one', 'two', 'three']),
        'r.yml': SLOW_START,
      });
      rig = own;
      const up = startUp(own);
      await moment(() => up.said());
      up.child.kill('SIGINT');
      const code = await up.ended;
      if (up.said().includes('live view')) return;
      expect([0, 130]).toContain(code);
      if (code === 130) {
        await own.nothingLeft();
      }
    }, 60_000);
  }

  it('up without a terminal starts all, says so in plain lines, and Ctrl-C in it leaves agents running', async () => {
    rig = await FleetRig.make({ 'configs/agents/a.yml': smallAgents(['one', 'two']), 'r.yml': SLOW_START });
    const ran = await rig.cli(['up', '--rehearsal', 'r.yml', '--wait', 'idle', '--progress', 'plain']);
    expect(ran.code, ran.stderr).toBe(0);
    expect(`${ran.stdout}${ran.stderr}`).toContain('one');
    expect(await rig.json<{ phase: string }[]>(['list'])).toMatchObject([{ phase: 'running' }, { phase: 'running' }]);
  }, 120_000);
});

function startUp(rig: FleetRig): { readonly child: ChildProcess; readonly ended: Promise<number>; said(): string } {
  const child = spawn(process.execPath, [BIN, 'up', '--rehearsal', 'r.yml'], {
    cwd: rig.root,
    env: { ...process.env, NO_COLOR: '1' },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let text = '';
  child.stdout.on('data', (data: Buffer) => (text += data.toString()));
  child.stderr.on('data', (data: Buffer) => (text += data.toString()));
  const ended = new Promise<number>((resolve) =>
    child.on('close', (code, signal) => resolve(code ?? (signal === 'SIGINT' ? 130 : -1))),
  );
  return { child, ended, said: () => text };
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

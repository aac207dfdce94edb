import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, describe, expect, it } from 'vitest';
import { readProjectLedger } from '../../src/ledger/read-project-ledger.js';
import { FleetRig, run, smallAgents } from '../support/fleet-rig.js';

const HELLO = 'parts:\n  - do: [say: hello]\n';

describe('the book of the project is balanced', () => {
  let rig: FleetRig | undefined;
  afterEach(async () => {
    await rig?.end();
    rig = undefined;
  }, 60_000);

  const open = async (own: FleetRig): Promise<string[]> =>
    (await readProjectLedger(own.paths.ledger))
      .filter(({ state }) => state === 'intended' || state === 'opened')
      .map(({ kind, name }) => `${kind} ${name}`);
  /** What is open while nothing but the daemon is there. */
  const daemonsOwn = (lines: readonly string[]): string[] =>
    lines.filter((line) => !line.startsWith('process ') && !line.startsWith('socket '));

  it('while agents run each thing is in it, after stop only the daemon, after daemon stop nothing; what stays is kept', async () => {
    rig = await FleetRig.make({
      'configs/agents/a.yml': smallAgents(['one'], '').replace(
        '{ id: one, role: FEATURE }',
        '{ id: one, role: FEATURE, env_file: ../../keys.env, startup_script: "true" }',
      ),
      'r.yml': HELLO,
    });
    await rig.write('keys.env', 'TOKEN=abc\n', 0o600);
    const started = await rig.cli(['start', '--rehearsal', 'r.yml']);
    expect(started.code, started.stderr).toBe(0);
    const kinds = (await open(rig)).map((line) => line.split(' ')[0]).sort();
    expect(kinds).toEqual([
      'container',
      'container',
      'fifo',
      'folder',
      'folder',
      'network',
      'process',
      'secret',
      'socket',
      'socket',
    ]);
    expect((await rig.cli(['stop', '--all'])).code).toBe(0);
    expect(daemonsOwn(await open(rig))).toEqual([]);
    expect((await rig.cli(['daemon', 'stop'])).code).toBe(0);
    expect(await open(rig)).toEqual([]);
    const kept = (await readProjectLedger(rig.paths.ledger)).filter(({ state }) => state === 'kept');
    expect(kept.map(({ reason }) => reason).sort()).toEqual([
      'Codex home',
      'home of the agent',
      'record of the session',
      'workspace',
    ]);
  }, 60_000);

  // Kills spread over a launch, from the first record to the running agent.
  it.each([400, 1300])(
    'after a daemon that was killed %i ms into a start, and the next one',
    async (delay_ms) => {
      rig = await FleetRig.make({ 'configs/agents/a.yml': smallAgents(['one', 'two']), 'r.yml': HELLO });
      expect((await rig.cli(['list'])).code).toBe(0);
      const pid = await rig.daemonPid();
      const starting = rig.cli(['start', '--rehearsal', 'r.yml']);
      await sleep(delay_ms);
      process.kill(pid, 'SIGKILL');
      await starting;
      expect((await rig.cli(['stop', '--all', '--grace', '1s'])).code).toBe(0);
      expect(daemonsOwn(await open(rig))).toEqual([]);
      expect((await rig.cli(['daemon', 'stop'])).code).toBe(0);
      expect(await open(rig)).toEqual([]);
    },
    60_000,
  );

  it('a copy of the project is refused beside the original, which goes on; adopted, it ends its copies in the record alone', async () => {
    rig = await FleetRig.make({ 'configs/agents/a.yml': smallAgents(['one']), 'r.yml': HELLO });
    expect((await rig.cli(['start', '--rehearsal', 'r.yml'])).code).toBe(0);
    const before = await rig.containers();
    const copy = await FleetRig.make();
    try {
      expect((await run('cp', ['-a', `${rig.root}/.`, copy.root])).code).toBe(0);
      const refused = await copy.cli(['list']);
      expect(refused.code).toBe(4);
      expect(refused.stderr).toContain(rig.root);
      const adopted = await copy.cli(['list', '--all', '--json'], { env: { FILARE_ADOPT: '1' } });
      expect(adopted.code, adopted.stderr).toBe(0);
      expect(JSON.parse(adopted.stdout)).toMatchObject([
        { phase: 'stopped', end_reason: expect.stringContaining(rig.root) as string },
      ]);
      expect(daemonsOwn(await open(copy))).toEqual([]);
      // The pipe of the original's attempt was copied too, and is nobody's here.
      expect((await copy.cli(['cleanup', '--yes'])).code).toBe(0);
      const proof = await copy.cli(['doctor', '--leaks']);
      expect(proof.code, proof.stdout).toBe(0);
    } finally {
      await copy.end();
    }
    expect(await rig.containers()).toEqual(before);
    expect((await rig.cli(['send', 'one', 'hello', '--wait'])).code).toBe(0);
  }, 60_000);

  it('after a daemon that was killed while it stopped, and the next one', async () => {
    rig = await FleetRig.make({ 'configs/agents/a.yml': smallAgents(['one', 'two']), 'r.yml': HELLO });
    expect((await rig.cli(['start', '--rehearsal', 'r.yml'])).code).toBe(0);
    const pid = await rig.daemonPid();
    const stopping = rig.cli(['stop', '--all']);
    await sleep(600);
    process.kill(pid, 'SIGKILL');
    await stopping;
    expect((await rig.cli(['stop', '--all', '--grace', '1s'])).code).toBe(0);
    expect((await rig.cli(['daemon', 'stop'])).code).toBe(0);
    expect(await open(rig)).toEqual([]);
  }, 60_000);
});

import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Fleet } from '../../src/client/fleet.js';
import { FleetRig } from '../support/fleet-rig.js';

const MANIFEST = `
id: one
role: FEATURE
goal: work
resources: { cpus: 1, memory: 256m, pids: 256 }
`;

describe('one command in the container of an agent', () => {
  let rig: FleetRig;
  let fleet: Fleet;

  beforeAll(async () => {
    rig = await FleetRig.make({ 'configs/agents/one.yml': MANIFEST });
    fleet = await rig.fleet();
    await rig.start(fleet);
    await fleet.wait(['one'], 'idle', { timeout_ms: 60_000 });
  }, 120_000);

  afterAll(async () => {
    fleet.close();
    await rig.end();
  }, 60_000);

  it('gets its words as they are, in the workspace, with pipes and an exit code of its own', async () => {
    const words = ['shell', 'one', '--', 'printf', '[%s]', "it's *", '$HOME', '', '; exit 9', '--json'];
    expect(await rig.cli(words)).toMatchObject({ code: 0, stdout: "[it's *][$HOME][][; exit 9][--json]", stderr: '' });
    const script = ['shell', 'one', '--', 'sh', '-c', 'cat; pwd; echo trouble >&2; exit 7'];
    expect(await rig.cli(script, { input: 'in\n' })).toMatchObject({
      code: 7,
      stdout: 'in\n/home/agent/workspace\n',
      stderr: 'trouble\n',
    });
    // Which of the two depends on the engine.
    expect([126, 127]).toContain((await rig.cli(['shell', 'one', '--', 'no-such-program'])).code);
  }, 60_000);

  it('is told when the daemon ends under it', async () => {
    const open = rig.cli(['shell', 'one', '--', 'sh', '-c', 'touch begun; sleep 60']);
    const begun = ['shell', 'one', '--', 'sh', '-c', 'until test -e begun; do sleep 0.1; done'];
    expect((await rig.cli(begun)).code).toBe(0);
    process.kill(await rig.daemonPid(), 'SIGKILL');
    const { code, stderr } = await open;
    expect(stderr).toContain('the daemon ended, and this connection with it; one goes on');
    expect(code).toBe(4);
  }, 60_000);
});

/** A daemon that is killed while it forks: there is a whole session afterwards, or none and nothing of it. */
import { readdir, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Fleet } from '../../src/client/fleet.js';
import { eventually, FleetRig, smallAgents } from '../support/fleet-rig.js';
import type { Kill, WriteKind } from '../support/kill-rig.js';

const DAEMON = fileURLToPath(new URL('../support/killable-daemon.mjs', import.meta.url));
const REHEARSAL = `
parts:
  - text: make
    do:
      - run: echo made > made.txt
  - text: which turn
    do:
      - say: 'this is turn {{turn}}'
`;
/** Around which write of a fork, counted from its beginning. */
const POINTS: readonly [WriteKind, number, Kill['when']][] = [
  ['project ledger', 3, 'before'],
  ['project ledger', 6, 'after'],
  ['session ledger', 1, 'torn'],
  ['session ledger', 1, 'after'],
  ['project ledger', 7, 'after'],
  ['project ledger', 9, 'before'],
];

describe('a daemon killed while it forks', () => {
  let rig: FleetRig;

  beforeAll(async () => {
    rig = await FleetRig.make({ 'configs/agents/a.yml': smallAgents(['source']) });
    await using fleet = await rig.fleet();
    await rig.start(fleet, REHEARSAL);
    await fleet.send('source', 'make', { wait_ms: 30_000 });
  }, 120_000);
  afterAll(() => rig.end(), 60_000);

  const file = (name: string): string => join(rig.root, name);
  const lines = async (name: string): Promise<string[]> =>
    (await readFile(file(name), 'utf8').catch(() => '')).split('\n').filter((line) => line !== '');
  const count = async (kind: WriteKind): Promise<number> =>
    (await lines('counts')).filter((one) => one === kind).length;

  /** Another daemon in the place of the one that runs. */
  async function daemon(kill: Kill | null): Promise<Fleet> {
    await rig.cli(['daemon', 'stop']);
    await rm(file('counts'), { force: true });
    const settings = { kill, counts: file('counts'), deaths: file('deaths'), pid_file: file('pid'), docker_host: null };
    const fleet = await Fleet.open({
      project: rig.root,
      daemon_command: [process.execPath, DAEMON, JSON.stringify(settings), rig.root],
    });
    await fleet.wait(['source'], 'idle', { timeout_ms: 30_000 });
    return fleet;
  }

  it('leaves a session that is whole, or nothing', async () => {
    const counting = await daemon(null);
    const before = new Map([
      ['project ledger', await count('project ledger')],
      ['session ledger', await count('session ledger')],
    ]);
    counting.close();
    let whole = 0;
    for (const [at, [kind, n, when]] of POINTS.entries()) {
      const as = `fork-${String(at)}`;
      const point = `${kind} ${String(n)} ${when}`;
      const dying = await daemon({ kind, n: (before.get(kind) ?? 0) + n, when });
      await expect(dying.fork('source', { as, message: 'which turn' }), point).rejects.toThrow();
      dying.close();
      expect(await lines('deaths'), point).toHaveLength(at + 1);

      await using fleet = await rig.fleet();
      const row = (await fleet.sessions({ all: true })).find((one) => one.id === as);
      const workspaces = await readdir(rig.paths.workspaces);
      expect(
        workspaces.filter((name) => name.includes('filare-seed')),
        point,
      ).toEqual([]);
      expect(
        (await rig.containers()).filter((name) => name.endsWith('-fork')),
        point,
      ).toEqual([]);
      expect(workspaces.includes(as), point).toBe(row !== undefined);
      if (row === undefined) continue;
      whole += 1;
      await eventually(`${point}: it runs`, async () => (await fleet.describe(as)).row.phase === 'running');
      expect((await fleet.send(as, 'which turn', { wait_ms: 30_000 })).reply).toMatch(/^this is turn [23]$/);
      expect(await readFile(join(row.workspace, 'made.txt'), 'utf8'), point).toBe('made\n');
      const story = await rig.transcript((await fleet.describe('source')).row.transcript);
      expect(
        story.filter((entry) => entry.text === `forked as ${as} (session ${row.session_id})`),
        point,
      ).toHaveLength(1);
      await fleet.stop(as);
    }
    expect(whole).toBeGreaterThan(0);
    expect(whole).toBeLessThan(POINTS.length);
    expect(await rig.cli(['doctor', '--leaks'])).toMatchObject({ code: 0 });
  }, 180_000);
});

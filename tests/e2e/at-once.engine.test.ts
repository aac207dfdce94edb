import { homedir } from 'node:os';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Fleet } from '../../src/client/fleet.js';
import { loadManifests } from '../../src/manifest/load-manifests.js';
import { loadRehearsal } from '../../src/rehearsal/script.js';
import { checkInvariants } from '../support/invariants.js';
import { eventually, FleetRig, smallAgents } from '../support/fleet-rig.js';

const IDS = ['a1', 'a2', 'a3', 'a4', 'a5', 'a6'];
const CLIENTS = 8;

describe('the same asked for by many at the same moment', () => {
  let rig: FleetRig;
  let fleet: Fleet;
  beforeAll(async () => {
    rig = await FleetRig.make({
      'configs/agents/a.yml': smallAgents(IDS),
      'r.yml': 'parts: []\n',
    });
    fleet = await rig.fleet();
  }, 60_000);
  afterAll(async () => {
    await fleet[Symbol.asyncDispose]();
    await rig.end();
  }, 60_000);

  const nothingWrong = async (): Promise<void> => {
    const look = async () => (await checkInvariants(fleet, rig.engine, { said: [], canaries: [] })).violations;
    await eventually('nothing is wrong', async () => (await look()).length === 0).catch(() => undefined);
    expect(await look()).toEqual([]);
  };

  it('starts each agent once: the others are told that it runs already', async () => {
    const { root } = rig;
    const place = { project_root: root, cwd: root, env: process.env, home: homedir() };
    const { agents } = await loadManifests(undefined, place);
    const script = await loadRehearsal([`${root}/r.yml`]);
    const rehearsal = { rehearsal: { script, origin: 'r.yml' } };
    const clients = await Promise.all(Array.from({ length: CLIENTS }, () => rig.fleet()));
    const all = (await Promise.all(clients.map((client) => client.start(agents, rehearsal)))).flat();
    for (const client of clients) client.close();
    for (const id of IDS) {
      const outcomes = all.filter((one) => one.id === id);
      expect(outcomes.map(({ error }) => error)).toEqual(outcomes.map(() => null));
      expect(new Set(outcomes.map(({ session }) => session?.session_id)).size, id).toBe(1);
      expect(
        outcomes.filter(({ outcome }) => outcome === 'started'),
        id,
      ).toHaveLength(1);
      expect(
        outcomes.filter(({ outcome }) => outcome === 'already_running'),
        id,
      ).toHaveLength(CLIENTS - 1);
    }
    expect((await rig.containers()).filter((name) => name.endsWith('-1'))).toHaveLength(IDS.length);
    await nothingWrong();
  }, 120_000);

  it('a resume-all that is cut half way is finished by the next one: each is back once, on its thread', async () => {
    for (const id of IDS) await fleet.send(id, `remember ${id}`, { wait_ms: 30_000 });
    const before = await fleet.sessions();
    process.kill(await rig.daemonPid(), 'SIGKILL');
    for (const row of before) await rig.engine.remove(row.container_id ?? '');
    const cut = rig.cli(['resume-all']);
    const second = async (): Promise<number> =>
      (await rig.engine.list({ 'filare.project': rig.paths.key, 'filare.purpose': 'agent', 'filare.attempt': '2' }))
        .length;
    await eventually('some are back, not all', async () => (await second()) > 0);
    process.kill(await rig.daemonPid(), 'SIGKILL');
    const made = await second();
    await cut;
    const again = await rig.cli(['resume-all', '--json']);
    expect(again.code, again.stderr).toBe(0);
    await fleet[Symbol.asyncDispose]();
    fleet = await rig.fleet();
    await eventually('all run', async () => (await fleet.sessions()).every((row) => row.phase === 'running'));
    const after = await fleet.sessions();
    expect(made).toBeGreaterThan(0);
    expect(after.map((row) => [row.session_id, row.thread_id])).toEqual(
      before.map((row) => [row.session_id, row.thread_id]),
    );
    for (const id of IDS)
      expect(await fleet.send(id, 'back?', { wait_ms: 30_000 })).toMatchObject({ delivery: 'accepted' });
    await nothingWrong();
  }, 120_000);
});

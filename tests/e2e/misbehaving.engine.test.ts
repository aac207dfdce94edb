import { randomUUID } from 'node:crypto';
import { homedir } from 'node:os';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Fleet } from '../../src/client/fleet.js';
import type { StartOutcome } from '../../src/contract/api-shapes.js';
import type { SessionRow } from '../../src/contract/session.js';
import { loadManifests } from '../../src/manifest/load-manifests.js';
import { loadRehearsal } from '../../src/rehearsal/script.js';
import { checkInvariants } from '../support/invariants.js';
import { eventually, FleetRig } from '../support/fleet-rig.js';
import { buildMisbehaving, misbehaviours, misbehavingProject } from '../support/misbehaving.js';

/** `npm run soak` takes the full size. */
const WAYS = misbehaviours({ long_mib: 20, flood_lines: 50_000, endless_mib: 24, garbage: 20 });
const MOST_MEMORY_BYTES = 512 * 2 ** 20;

describe('a process that misbehaves in the place of Codex', () => {
  const image = `filare-misbehaving:${randomUUID()}`;
  let rig: FleetRig;
  let fleet: Fleet;
  let outcomes: StartOutcome[];
  let most_memory = 0;
  let watching: NodeJS.Timeout;

  beforeAll(async () => {
    rig = await FleetRig.make(misbehavingProject(image, WAYS));
    await buildMisbehaving(rig.engine, image);
    fleet = await rig.fleet();
    const script = await rig.write('r.yml', 'parts: []');
    const { root } = rig;
    const { agents } = await loadManifests(undefined, {
      project_root: root,
      cwd: root,
      env: process.env,
      home: homedir(),
    });
    watching = setInterval(() => {
      void fleet.daemon().then(
        (status) => (most_memory = Math.max(most_memory, status?.memory_bytes ?? 0)),
        () => undefined,
      );
    }, 500);
    outcomes = await fleet.start(agents, { rehearsal: { script: await loadRehearsal([script]), origin: script } });
    // They die of what is said to them: nobody waits for an answer.
    const doomed = WAYS.filter(({ ending }) => ending === 'crash loop' || ending === 'restarted');
    await Promise.all(doomed.map(({ id }) => fleet.send(id, `hello ${id}`, { mode: 'queue' })));
  }, 240_000);
  afterAll(async () => {
    clearInterval(watching);
    await fleet[Symbol.asyncDispose]();
    await rig.end();
    await rig.engine.removeImage(image);
  }, 120_000);

  const rowOf = async (id: string): Promise<SessionRow> => (await fleet.describe(id)).row;

  for (const { id, ending, reason } of WAYS) {
    it(`${id}: ${ending}${reason === null ? '' : `, because it ${reason}`}`, async () => {
      const outcome = outcomes.find((one) => one.id === id);
      switch (ending) {
        case 'talks':
          expect(outcome?.error).toBeNull();
          expect(await fleet.send(id, `hello ${id}`, { wait_ms: 60_000 })).toMatchObject({ delivery: 'accepted' });
          expect(await rowOf(id)).toMatchObject({ phase: 'running', attempt: 1 });
          return;
        case 'failed':
          expect(outcome?.error?.message).toContain(reason);
          expect(await rowOf(id)).toMatchObject({ phase: 'failed', container_id: null });
          return;
        case 'restarted': {
          await eventually('the next attempt runs', async () => {
            const row = await rowOf(id);
            return row.phase === 'running' && row.attempt === 2;
          });
          const entries = await rig.transcript((await rowOf(id)).transcript);
          expect(entries.filter((entry) => entry.kind === 'message')).toHaveLength(1);
          expect(entries.some((entry) => entry.text?.includes(reason ?? '') === true)).toBe(true);
          return;
        }
        case 'crash loop':
          await eventually(
            'a person is asked',
            async () => (await fleet.prompts(id))[0]?.origin === 'crash_loop',
            90_000,
          );
          expect((await fleet.prompts(id))[0]?.summary).toContain(reason);
          expect(await rowOf(id)).toMatchObject({ phase: 'backing_off', container_id: null });
      }
    }, 120_000);
  }

  it('what was no message of the protocol is in the transcript', async () => {
    const entries = await rig.transcript((await rowOf('garbage')).transcript);
    expect(
      entries.filter((entry) => entry.kind === 'raw' && entry.text?.includes('this is no JSON') === true),
    ).toHaveLength(20);
    expect(entries.filter((entry) => entry.kind === 'reply').map((entry) => entry.text)).toEqual(['well']);
  });

  it('a request that nobody knows is refused, and the turn goes on', async () => {
    const entries = await rig.transcript((await rowOf('asks')).transcript);
    expect(entries.filter((entry) => entry.kind === 'reply').map((entry) => entry.text)).toEqual(['refused -32601']);
  });

  it('the ordinary agent beside them did not notice, and the daemon stayed small', async () => {
    expect(await fleet.send('calm', 'hello', { wait_ms: 60_000 })).toMatchObject({
      delivery: 'accepted',
      reply: 'hello',
    });
    expect(await rowOf('calm')).toMatchObject({ phase: 'running', attempt: 1, health: 'ok' });
    expect(most_memory).toBeGreaterThan(0);
    expect(most_memory).toBeLessThan(MOST_MEMORY_BYTES);
  });

  it('one that ignores SIGTERM is ended by force after its grace', async () => {
    expect(await fleet.stop('deathless', { grace_ms: 1_000 })).toMatchObject({ phase: 'stopped' });
  });

  it('all of them are in a state that may be', async () => {
    await eventually('nothing is wrong', async () => {
      const { violations } = await checkInvariants(fleet, rig.engine, { said: [], canaries: [] });
      return violations.length === 0;
    }).catch(async () => {
      expect((await checkInvariants(fleet, rig.engine, { said: [], canaries: [] })).violations).toEqual([]);
    });
  }, 60_000);
});

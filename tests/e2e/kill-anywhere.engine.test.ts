import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { inOrderOf, killPoints, sayPoint, type KillPoint } from '../support/kill-points.js';
import { KillRig } from '../support/kill-rig.js';
import { chosenSeed } from '../support/seeded.js';

/** How many of all points this run takes; `npm run soak` takes them all. */
const WRITES = 3;
const CALLS = 1;
const SEED = chosenSeed();

describe(`a daemon that is killed at any point (FILARE_SEED=${SEED} takes the same points again)`, () => {
  let rig: KillRig;
  let points: KillPoint[];
  beforeAll(async () => {
    rig = await KillRig.make(2);
    points = inOrderOf(SEED, await killPoints(rig));
  }, 180_000);
  afterAll(async () => {
    await rig[Symbol.asyncDispose]();
  }, 60_000);

  it('has points of every kind: found by counting, not by guessing', () => {
    const kinds = new Set(points.map((point) => ('kill' in point ? point.kill.kind : point.fault.call)));
    expect(points.length).toBeGreaterThan(300);
    for (const kind of [
      'session ledger',
      'transcript',
      'project ledger',
      'rules',
      'calls',
      'usage',
      'pipe',
      'checkpoint',
    ])
      expect(kinds).toContain(kind);
    for (const call of [
      'POST containers/create',
      'POST containers/*/start',
      'POST containers/*/stop',
      'DELETE containers/*',
      'POST networks/create',
    ])
      expect(kinds).toContain(call);
  });

  it('loses nothing, takes nothing twice, leaves nothing: around its writes', async () => {
    let died = 0;
    for (const point of points.filter((one) => 'kill' in one).slice(0, WRITES)) {
      const found = await rig.life(word(point), [point.kill]);
      expect(found.violations, `${sayPoint(point)}; seed ${SEED}`).toEqual([]);
      died += found.kills;
    }
    // The last writes of a life are made only where the daemon was slower than when they were counted.
    expect(died, 'the kills are real').toBeGreaterThan(0);
  }, 300_000);

  it('loses nothing, takes nothing twice, leaves nothing: around its calls to the engine', async () => {
    for (const point of points.filter((one) => 'fault' in one).slice(0, CALLS)) {
      const found = await rig.life(word(point), [], point.fault);
      expect(found.violations, `${sayPoint(point)}; seed ${SEED}`).toEqual([]);
    }
  }, 300_000);

  it('a container that the engine made, and did not say so, is not made twice', async () => {
    const fault = { call: 'POST containers/create', n: 2, how: 'drop' } as const;
    const found = await rig.life('unsaid', [], fault);
    expect(rig.proxy.struck).toBe(true);
    expect(found.violations).toEqual([]);
  }, 300_000);

  it('an engine that takes every call and answers none holds up no message, no prompt and no answer', async () => {
    rig.proxy.plan(null);
    await rig.begin();
    await rig.startAll();
    rig.proxy.stall();
    for (const id of rig.ids) await rig.say(id, `append ${id}-stalled`);
    await rig.answerAll();
    rig.proxy.release();
    expect((await rig.end('stalled')).violations).toEqual([]);
  }, 300_000);

  it('what the engine refuses to take back at the very end is given back with the next look', async () => {
    // The last container of all is the model server: nobody is left who would ask for it again.
    const fault = { call: 'DELETE containers/*', n: 4, how: 'error after' } as const;
    const found = await rig.life('refused', [], fault);
    expect(rig.proxy.struck).toBe(true);
    expect(found.violations).toEqual([]);
  }, 300_000);

  it('when it is killed again while it comes back', async () => {
    const kills = points.flatMap((one) => ('kill' in one ? [one.kill] : [])).slice(WRITES, WRITES + 4);
    const found = await rig.life('again', kills);
    expect(found.violations, `${JSON.stringify(kills)}; seed ${SEED}`).toEqual([]);
  }, 300_000);
});

function word(point: KillPoint): string {
  return sayPoint(point).replaceAll(/[^a-z0-9]+/gi, '-');
}

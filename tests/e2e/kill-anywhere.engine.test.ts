import { execFile } from 'node:child_process';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { inOrderOf, killPoints, sayPoint, type KillPoint } from '../support/kill-points.js';
import { KillRig } from '../support/kill-rig.js';
import { chosenSeed, seeded } from '../support/seeded.js';
import { cycle, DISTURBANCES } from '../soak/kills.js';

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

  it('a message that Codex reads only when the next daemon looks for it is taken once', async () => {
    rig.proxy.plan(null);
    await rig.begin([{ kind: 'pipe', n: 1, when: 'after', holds: 'turn/start' }]);
    const rows = await rig.startAll();
    const name = rows.find((row) => row.id === 'a1')?.container_name ?? '';
    const docker = (how: string): Promise<unknown> => promisify(execFile)('docker', [how, name]);
    await docker('pause');
    await rig.say('a1', 'append a1-late');
    // The next daemon comes with the first question to it, and asks Codex what became of the message.
    for (let look = 0; look < 8; look += 1) {
      await sleep(250);
      await rig.looks();
    }
    await docker('unpause');
    await rig.answerAll();
    const found = await rig.end('late');
    expect(found.kills).toBe(1);
    expect(found.violations).toEqual([]);
  }, 300_000);

  it('started and stopped with something in between, the book is balanced and the engine clean', async () => {
    const random = seeded(SEED);
    for (const what of DISTURBANCES.slice(1)) {
      const found = await cycle(rig, what, random);
      expect(found.violations, `${what}; seed ${SEED}`).toEqual([]);
    }
  }, 300_000);
});

function word(point: KillPoint): string {
  return sayPoint(point).replaceAll(/[^a-z0-9]+/gi, '-');
}

import { setTimeout as sleep } from 'node:timers/promises';
import { ENGINE_FAULTS } from '../support/engine-proxy.js';
import { inOrderOf, killPoints, sayPoint, type KillPoint } from '../support/kill-points.js';
import { KillRig, WRITE_KINDS, type Outcome } from '../support/kill-rig.js';
import type { Seeded } from '../support/seeded.js';
import type { Tally } from './tally.js';

type Say = (text: string) => void;

/** Daemons killed around every write, each write three ways. */
export function soakWrites(tally: Tally, seed: number, until: number, say: Say): Promise<void> {
  return soakPoints(tally, (point) => 'kill' in point, seed, until, say);
}

/** Calls to the engine that go wrong, each call five ways. */
export function soakCalls(tally: Tally, seed: number, until: number, say: Say): Promise<void> {
  return soakPoints(tally, (point) => 'fault' in point, seed, until, say);
}

async function soakPoints(
  tally: Tally,
  taken: (point: KillPoint) => boolean,
  seed: number,
  until: number,
  say: Say,
): Promise<void> {
  const rigs = new Rigs(tally, 2, say);
  const counted = await rigs.with('counting', (rig) => killPoints(rig));
  const points = inOrderOf(seed, (counted ?? []).filter(taken));
  tally.of = points.length;
  const begun = tally.cases;
  // An earlier run of the same seed has taken the first ones.
  for (const [at, point] of points.entries()) {
    if (Date.now() > until) break;
    if (at < begun) continue;
    await rigs.live(sayPoint(point), (rig) =>
      'kill' in point ? rig.life(`p${at}`, [point.kill]) : rig.life(`p${at}`, [], point.fault),
    );
  }
  await rigs.end();
}

/** Daemons killed at moments that nothing chose, while eight agents are talked to, ask, and are answered. */
export async function soakRandom(tally: Tally, random: Seeded, until: number, say: Say): Promise<void> {
  const rigs = new Rigs(tally, 8, say);
  let life = 0;
  while (Date.now() < until && tally.kills < (tally.of ?? 0)) {
    life += 1;
    await rigs.live(`life ${life}`, async (rig) => {
      await rig.begin();
      await rig.startAll();
      const rounds_until = Math.min(until, Date.now() + 60_000);
      for (let round = 0; Date.now() < rounds_until; round += 1) {
        const over = new AbortController();
        const killing = killAtRandom(rig, random, over.signal);
        for (const id of rig.ids) await rig.say(id, `append ${id}-l${life}r${round}`);
        await rig.answerAll();
        over.abort();
        await killing;
      }
      return rig.end(`l${life}r`);
    });
  }
  tally.cases = tally.kills;
  await rigs.end();
}

async function killAtRandom(rig: KillRig, random: Seeded, signal: AbortSignal): Promise<void> {
  // Half of them soon after the one before: while the next daemon still finds its sessions again.
  const pause = (): number => 200 + random.below(random.below(2) === 0 ? 800 : 3_000);
  const waited = (): Promise<boolean> => sleep(pause(), true, { signal }).catch(() => false);
  while (await waited()) rig.kill();
}

/** What happens between a start and a stop. */
export const DISTURBANCES = [
  'nothing',
  'kill around a write',
  'engine fault',
  'kill at random',
  'container removed',
  'stopped while it starts',
] as const;

/** Agents started and stopped again, with a fault at a random step; afterwards the book is balanced and the engine clean. */
export async function launchAndKill(tally: Tally, random: Seeded, until: number, say: Say): Promise<void> {
  const rigs = new Rigs(tally, 2, say);
  while (Date.now() < until && tally.cases < (tally.of ?? 0)) {
    const what = random.pick(DISTURBANCES);
    await rigs.live(`cycle ${tally.cases + 1}: ${what}`, (rig) => cycle(rig, what, random));
  }
  await rigs.end();
}

/** One start and stop. */
export async function cycle(rig: KillRig, what: (typeof DISTURBANCES)[number], random: Seeded): Promise<Outcome> {
  const calls = [
    'POST containers/create',
    'POST containers/*/start',
    'POST containers/*/stop',
    'DELETE containers/*',
    'POST networks/create',
  ];
  const fault = {
    call: random.pick(calls),
    n: 1 + random.below(3),
    how: random.pick(ENGINE_FAULTS),
    kill: () => rig.kill(),
  };
  rig.proxy.plan(what === 'engine fault' ? fault : null);
  const kill = {
    kind: random.pick(WRITE_KINDS.slice(0, 3)),
    n: 1 + random.below(20),
    when: random.pick(['before', 'torn', 'after'] as const),
  };
  await rig.begin(what === 'kill around a write' ? [kill] : []);
  if (what === 'stopped while it starts') {
    const starting = rig.startOnce();
    await sleep(random.below(2_000));
    const outcome = await rig.end('-');
    await starting;
    return outcome;
  }
  const starting = rig.startAll();
  if (what === 'kill at random') {
    await sleep(random.below(2_500));
    rig.kill();
  }
  await starting;
  if (what === 'container removed') {
    const own = await rig.engine.list({ 'filare.project': rig.paths.key, 'filare.purpose': 'agent' });
    await rig.engine.remove(random.pick(own).id);
    if (random.below(2) === 0) await sleep(random.below(1_500));
  }
  return rig.end('-');
}

/** Makes each case's project, keeps it for the next one, and throws away one in which something went wrong. */
class Rigs {
  readonly #tally: Tally;
  readonly #agents: number;
  readonly #say: Say;
  #rig: KillRig | null = null;

  constructor(tally: Tally, agents: number, say: Say) {
    this.#tally = tally;
    this.#agents = agents;
    this.#say = say;
  }

  /** Runs one case and counts what it came to. */
  async live(where: string, work: (rig: KillRig) => Promise<Outcome>): Promise<void> {
    const found = await this.with(where, work);
    if (found === null) return;
    const tally = this.#tally;
    tally.cases += 1;
    tally.kills += found.kills;
    tally.entries += found.entries;
    for (const violation of found.violations) this.#note(violation.kind, where, violation.text);
    if (found.violations.length > 0) await this.end();
    if (tally.cases % 10 === 0)
      this.#say(`${tally.name}: ${tally.cases} cases, ${tally.kills} kills, ${tally.violations.length} violations`);
  }

  /** Runs something in a project; what it throws is a violation. */
  async with<T>(where: string, work: (rig: KillRig) => Promise<T>): Promise<T | null> {
    this.#rig ??= await KillRig.make(this.#agents);
    try {
      return await work(this.#rig);
    } catch (failure) {
      this.#note('state', where, failure instanceof Error ? failure.message : String(failure));
      console.log((await this.#rig.log()).split('\n').slice(-15).join('\n'));
      await this.end();
      return null;
    }
  }

  async end(): Promise<void> {
    await this.#rig?.[Symbol.asyncDispose]();
    this.#rig = null;
  }

  #note(kind: Tally['violations'][number]['kind'], where: string, text: string): void {
    this.#tally.violations.push({ kind, where, text });
    this.#say(`VIOLATION ${kind} ${where}: ${text}`);
  }
}

import { createHash } from 'node:crypto';
import { ENGINE_FAULTS } from './engine-proxy.js';
import type { Kill, KillRig, PlannedFault } from './kill-rig.js';

/** One case: where the first daemon dies, or which call to the engine goes wrong. */
export type KillPoint = { readonly kill: Kill } | { readonly fault: PlannedFault };

/** Calls that look and change nothing; of them only the first few of each kind are cases. */
const LOOKS_AS_CASES = 3;

/** Every point of a life at which it can be cut, found by living it once: each write three ways, each call to the engine five ways. */
export async function killPoints(rig: KillRig): Promise<KillPoint[]> {
  await rig.life('counted', []);
  const points: KillPoint[] = [];
  for (const [kind, times] of await rig.counts()) {
    for (let n = 1; n <= times; n += 1)
      for (const when of ['before', 'torn', 'after'] as const) points.push({ kill: { kind, n, when } });
  }
  for (const [call, times] of rig.proxy.calls) {
    if (call === 'GET events') continue;
    const cases = call.startsWith('GET') ? Math.min(times, LOOKS_AS_CASES) : times;
    for (let n = 1; n <= cases; n += 1) for (const how of ENGINE_FAULTS) points.push({ fault: { call, n, how } });
  }
  return points;
}

/** A point as words. */
export function sayPoint(point: KillPoint): string {
  return 'kill' in point
    ? `killed ${point.kill.when === 'torn' ? 'in the middle of' : point.kill.when} write ${point.kill.n} of ${point.kill.kind}`
    : `${point.fault.how}: call ${point.fault.n} of ${point.fault.call}`;
}

/** The points in an order that the seed gives, whatever other points there are: how often a daemon writes differs a little from life to life. */
export function inOrderOf(seed: number, points: readonly KillPoint[]): KillPoint[] {
  const place = (point: KillPoint): string =>
    createHash('sha256')
      .update(`${seed} ${sayPoint(point)}`)
      .digest('hex');
  return points
    .map((point) => ({ point, at: place(point) }))
    .sort((a, b) => (a.at < b.at ? -1 : 1))
    .map(({ point }) => point);
}

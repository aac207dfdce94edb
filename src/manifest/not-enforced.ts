import type { Findings } from './diagnostic.js';
import { keyPlaceAt, valueAt, type LocatedMap } from './located.js';

/** A field about safety that is known and cannot be enforced yet: giving it is a mistake. */
interface NotEnforced {
  readonly path: string;
  readonly instead: string;
}

/** Safety fields that cannot be enforced yet. */
const NOT_ENFORCED: readonly NotEnforced[] = [
  { path: 'network.allow', instead: 'use network: none, or network: open if the agent may reach everything' },
  { path: 'resources.disk', instead: 'leave it out, and put the workspace on a file system of the size you want' },
];

/** Refuses each of NOT_ENFORCED that this agent gives. */
export function reportNotEnforced(agent: LocatedMap, findings: Findings): void {
  for (const { path, instead } of NOT_ENFORCED) {
    const steps = path.split('.');
    if (valueAt(agent, steps) === undefined) continue;
    findings.mistake(keyPlaceAt(agent, steps), {
      message: `${path} cannot be enforced yet, and is therefore refused`,
      hint: instead,
    });
  }
}

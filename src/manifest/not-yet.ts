import type { Findings } from './diagnostic.js';
import { keyPlaceAt, valueAt, type LocatedMap } from './located.js';

/** A field that is known and kept, and that nothing acts on yet. */
export interface NotYet {
  /** Dotted path of the field. */
  readonly path: string;
  /** The version that knows it. */
  readonly since: string;
  /** What happens meanwhile, for people. */
  readonly meanwhile: string;
}

/** Fields that are not acted on yet: each one that a manifest gives is named in a warning. Take a row out when its field works. */
export const NOT_YET: readonly NotYet[] = [
  { path: 'metadata', since: '0.1.0', meanwhile: 'no agent sees it; put what it shall know into goal or instructions' },
];

/** A field about safety that is known and cannot be enforced yet: giving it is a mistake. */
export interface NotEnforced {
  readonly path: string;
  readonly instead: string;
}

/** Safety fields that cannot be enforced yet. */
export const NOT_ENFORCED: readonly NotEnforced[] = [
  { path: 'network.allow', instead: 'use network: none, or network: open if the agent may reach everything' },
  { path: 'resources.disk', instead: 'leave it out, and put the workspace on a file system of the size you want' },
];

/** Warns of each field of NOT_YET, and refuses each of NOT_ENFORCED, that this agent gives. */
export function reportNotYet(agent: LocatedMap, findings: Findings): void {
  for (const { path, meanwhile } of NOT_YET) {
    const steps = path.split('.');
    if (valueAt(agent, steps) === undefined) continue;
    findings.warning(keyPlaceAt(agent, steps), { message: `${path} is not acted on yet: ${meanwhile}` });
  }
  for (const { path, instead } of NOT_ENFORCED) {
    const steps = path.split('.');
    if (valueAt(agent, steps) === undefined) continue;
    findings.mistake(keyPlaceAt(agent, steps), {
      message: `${path} cannot be enforced yet, and is therefore refused`,
      hint: instead,
    });
  }
}

import { closestWord } from './closest-word.js';
import type { Findings } from './diagnostic.js';
import type { Located, LocatedMap } from './located.js';
import { EMPTY } from './parse-yaml.js';
import { fieldsAt } from './schema-walk.js';

/** An agent of a manifest: its own entries, and the defaults that they are merged over. */
export interface DeclaredAgent {
  readonly own: LocatedMap;
  readonly defaults: LocatedMap | undefined;
}

const BUNDLE = ['defaults', 'sessions'];
const AGENT = 'a mapping (id: …, role: …)';

/** The agents of a manifest in any of its three shapes: one mapping, a list of them, or {defaults, sessions}. */
export function declaredAgents(manifest: Located, findings: Findings): DeclaredAgent[] {
  if (manifest.kind === 'list') return fromList(manifest.items, manifest, undefined, findings);
  if (manifest.kind === 'scalar') {
    findings.mistake(
      manifest.place,
      manifest.value === null ? EMPTY : { message: 'a manifest is not a single value', expected: EMPTY.expected },
    );
    return [];
  }
  if (manifest.entries.size === 0) {
    findings.mistake(manifest.place, EMPTY);
    return [];
  }
  return isBundle(manifest) ? fromBundle(manifest, findings) : [{ own: manifest, defaults: undefined }];
}

/** A mapping with `sessions`, or with a word like it and no `id`, is meant as a bundle. */
function isBundle(manifest: LocatedMap): boolean {
  if (manifest.entries.has('sessions')) return true;
  if (manifest.entries.has('id')) return false;
  return [...manifest.entries.keys()].some((key) => key === 'agents' || closestWord(key, BUNDLE) !== undefined);
}

function fromBundle(manifest: LocatedMap, findings: Findings): DeclaredAgent[] {
  for (const [key, entry] of manifest.entries) {
    if (BUNDLE.includes(key)) continue;
    const near = closestWord(key, BUNDLE) ?? (key === 'agents' ? 'sessions' : undefined);
    findings.mistake(entry.key, {
      message: `unknown field "${key}" beside sessions`,
      hint: near === undefined ? fieldHint(key) : `did you mean "${near}"?`,
    });
  }
  const defaults = manifest.entries.get('defaults')?.value;
  const usable = defaults?.kind === 'map' ? defaults : undefined;
  if (defaults !== undefined && usable === undefined && !isNothing(defaults))
    findings.mistake(defaults.place, {
      message: 'defaults is not a mapping',
      expected: 'a mapping of fields that all sessions have',
    });
  if (usable?.entries.has('id') === true)
    findings.mistake(usable.entries.get('id')?.key ?? usable.place, {
      message: 'defaults cannot have an id: each agent has its own',
      hint: 'move it to a session',
    });
  const sessions = manifest.entries.get('sessions');
  if (sessions === undefined) {
    if (![...manifest.entries.keys()].some((key) => !BUNDLE.includes(key)))
      findings.mistake(manifest.place, { message: '"sessions" is missing', expected: 'sessions: a list of agents' });
    return [];
  }
  const list = sessions.value;
  if (list.kind === 'list') return fromList(list.items, list, usable, findings);
  findings.mistake(isNothing(list) ? sessions.key : list.place, {
    message: isNothing(list) ? 'sessions is empty' : 'sessions is not a list',
    expected: 'a list of agents, each beginning with "- id: …"',
  });
  return [];
}

function fromList(
  items: readonly Located[],
  list: Located,
  defaults: LocatedMap | undefined,
  findings: Findings,
): DeclaredAgent[] {
  if (items.length === 0)
    findings.mistake(list.place, {
      message: 'there is no agent in this list',
      expected: `at least one agent, ${AGENT}`,
    });
  return items.flatMap((item) => {
    if (item.kind === 'map') return [{ own: item, defaults }];
    findings.mistake(item.place, { message: 'an agent is not a single value or a list', expected: AGENT });
    return [];
  });
}

function fieldHint(key: string): string {
  if (fieldsAt([]).includes(key)) return 'move it into defaults or into a session';
  return 'only defaults and sessions stand here';
}

function isNothing(value: Located): boolean {
  return value.kind === 'scalar' && value.value === null;
}

import { resolve } from 'node:path';
import type { GivenFields } from './agent-fields.js';
import type { Findings } from './diagnostic.js';
import { expandPath } from './expand-path.js';
import type { HostPlaces } from './host-places.js';
import { keyPlaceAt, placeAt, valueAt, type LocatedMap, type Path } from './located.js';
import type { FoundCatalogue } from './project-catalogue.js';
import type { Place } from './source-text.js';

/** What surrounds a load. */
export interface Surroundings {
  /** Real path of the project's folder. */
  readonly project_root: string;
  readonly cwd: string;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly home: string;
}

/** One agent while it is being checked: what it says, where it says so, and where mistakes go. Fields with mistakes are absent. */
export interface AgentDraft {
  readonly fields: GivenFields;
  /** The agent's own entries merged over the defaults. */
  readonly tree: LocatedMap;
  /** The agent's own entries. */
  readonly own: LocatedMap;
  /** The folder of the manifest, which relative paths begin from. */
  readonly folder: string;
  readonly around: Surroundings;
  readonly places: HostPlaces;
  readonly findings: Findings;
  /** The project's catalogue of commands. */
  readonly catalogue: () => FoundCatalogue;
}

/** Where the value at a path of the agent is written. */
export function at(draft: AgentDraft, ...path: Path): Place {
  return placeAt(draft.tree, path);
}

/** Where the key at a path of the agent is written. */
export function keyAt(draft: AgentDraft, ...path: Path): Place {
  return keyPlaceAt(draft.tree, path);
}

/** The absolute path that the text at a path of the agent means; says what is wrong with it and answers undefined otherwise. */
export function absolutePath(draft: AgentDraft, text: string, path: Path): string | undefined {
  const expanded = expandedText(draft, text, path);
  return expanded === undefined ? undefined : resolve(draft.folder, expanded);
}

/** The text at a path of the agent with `~` and variables replaced; says what is wrong with it and answers undefined otherwise. */
export function expandedText(draft: AgentDraft, text: string, path: Path): string | undefined {
  const expanded = expandPath(text, draft.around);
  if ('path' in expanded) return expanded.path;
  const found = valueAt(draft.tree, path);
  const inner = found?.kind === 'scalar' ? found.inner_offset : undefined;
  const place = at(draft, ...path);
  draft.findings.mistake(inner === undefined ? place : { ...place, offset: inner + expanded.at }, expanded);
  return undefined;
}

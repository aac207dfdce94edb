/**
 * YAML → a validated fleet. Contract of the room:
 * - every field of docs/manifest.md is parsed and checked: types, names, sizes, durations, every file that is named, every place of this machine
 *   that an agent would reach;
 * - all mistakes of all manifests, and of the project's settings, are told at once, each with file, line, column, the line itself and what was expected;
 * - what comes out is complete (AgentSpec): absolute paths, bytes, milliseconds, no default left open, no secret inside;
 * - known fields that nothing acts on are named in warnings; safety that cannot be enforced yet is a mistake (not-yet.ts);
 * - nothing is changed on disk, nothing is run, and files are read within bounds (1 MiB each, 1000 agents, no alias bombs).
 */
import { createHash } from 'node:crypto';
import { dirname } from 'node:path';
import { setImmediate as nextTurn } from 'node:timers/promises';
import type { AgentSpec } from '../contract/agent-spec.js';
import type { AgentDraft, Surroundings } from './agent-draft.js';
import { agentFieldsSchema, FREE_PATHS, NAMED_PATHS, type GivenFields } from './agent-fields.js';
import { checkIds, checkOrchestrators, checkReach, checkWorkspaces, type NamedAgent } from './check-fleet.js';
import { checkDependencies } from './check-dependencies.js';
import { Findings, type Diagnostic } from './diagnostic.js';
import { explainIssues, type ExplainedAgent } from './explain-issues.js';
import { hostPlaces, type HostPlaces } from './host-places.js';
import { mergeOver, plain, valueAt, withoutNothing, type LocatedMap } from './located.js';
import { invalidManifest } from './invalid-manifest.js';
import { findManifests } from './manifest-files.js';
import { declaredAgents, type DeclaredAgent } from './manifest-shape.js';
import { reportNotYet } from './not-yet.js';
import { parseYaml } from './parse-yaml.js';
import { projectCatalogue, type FoundCatalogue } from './project-catalogue.js';
import { readProjectSettings } from './project-settings.js';
import { readText } from './read-text.js';
import { resolveAgent, type ResolvedAgent } from './resolve-agent.js';
import type { EnvFileFindings } from './resolve-credentials.js';
import { lineOf, sourceText } from './source-text.js';

/** Agents of one load, at most. */
export const MAX_AGENTS = 1000;

/** Manifests, read and found good. */
export interface LoadedManifests {
  /** In the order of files and of entries. */
  readonly agents: AgentSpec[];
  readonly warnings: Diagnostic[];
  /** The files that were read, absolute. */
  readonly files: string[];
}

/** Where a load takes place. `project_root` is the project's real path, `cwd` what paths on a command line are relative to. */
export type LoadOptions = Surroundings;

/**
 * Reads the named manifests (files or folders), or all of the project. Rejects with FilareError: `invalid_manifest` with
 * `details: {mistakes: Diagnostic[], warnings: Diagnostic[]}`, or `usage` when there is no manifest.
 */
export async function loadManifests(
  paths: readonly string[] | undefined,
  options: LoadOptions,
): Promise<LoadedManifests> {
  const findings = new Findings();
  const env: EnvFileFindings = { mistakes: [], warnings: [] };
  const files = findManifests(paths, options, findings);
  const load: Load = {
    options,
    places: hostPlaces(options),
    findings,
    env,
    catalogue: projectCatalogue(options.project_root, findings),
    ids: [],
    drafts: [],
    count: 0,
  };
  const resolved: ResolvedAgent[] = [];
  for (const file of files) {
    resolved.push(...readManifest(file, load));
    // Many manifests take a while: whoever else lives in this process goes on meanwhile.
    await nextTurn();
  }
  checkIds(load.ids, findings);
  checkWorkspaces(resolved, findings);
  checkReach(resolved, findings);
  checkDependencies(
    load.drafts,
    load.ids.map(({ id }) => id),
    findings,
  );
  checkOrchestrators(
    load.drafts,
    load.ids.map(({ id }) => id),
    findings,
  );
  readProjectSettings(options.project_root, findings);
  const order = [...(paths ?? []), ...files];
  const mistakes = [...findings.mistakes(order), ...once(env.mistakes)];
  const warnings = [...findings.warnings(order), ...once(env.warnings)];
  if (mistakes.length > 0)
    throw invalidManifest({ mistakes, warnings }, options.cwd, 'mend them and try again; nothing was started');
  return { agents: resolved.map(({ spec }) => spec), warnings, files };
}

interface Load {
  readonly options: Surroundings;
  readonly places: HostPlaces;
  readonly findings: Findings;
  readonly env: EnvFileFindings;
  readonly catalogue: () => FoundCatalogue;
  readonly ids: NamedAgent[];
  /** All that are declared, with the fields that are as they should be. */
  readonly drafts: AgentDraft[];
  count: number;
}

function readManifest(file: string, load: Load): ResolvedAgent[] {
  const read = readText(file);
  if ('refusal' in read) {
    load.findings.mistake(
      { source: sourceText(file, ''), offset: undefined },
      { message: `the manifest ${read.refusal}`, hint: read.hint },
    );
    return [];
  }
  const source = sourceText(file, read.text);
  const manifest = parseYaml(source, load.findings);
  if (manifest === undefined) return [];
  const declared = declaredAgents(manifest, load.findings);
  load.count += declared.length;
  if (load.count > MAX_AGENTS) {
    load.findings.mistake(
      { source, offset: undefined },
      { message: `more than ${MAX_AGENTS} agents are declared`, hint: 'name fewer manifests' },
    );
    return [];
  }
  const sha256 = createHash('sha256').update(read.bytes).digest('hex');
  return declared.flatMap((agent) => {
    const line = lineOf(source, agent.own.place.offset ?? 0);
    return readAgent(agent, { file, line, sha256 }, load) ?? [];
  });
}

function readAgent(declared: DeclaredAgent, source: AgentSpec['source'], load: Load): ResolvedAgent | undefined {
  const { own, defaults } = declared;
  const written = defaults === undefined ? own : mergeOver(withoutId(defaults), own);
  const tree = withoutNothing(written, new Set([...FREE_PATHS, ...NAMED_PATHS]));
  const fields = parseFields({ tree, written }, load.findings);
  reportNotYet(tree, load.findings);
  const id = valueAt(tree, ['id']);
  if (fields.id !== undefined && id !== undefined) load.ids.push({ id: fields.id, place: id.place });
  const { options: around, places, findings, catalogue } = load;
  const draft = { fields, tree, own, folder: dirname(source.file), around, places, findings, catalogue };
  load.drafts.push(draft);
  return resolveAgent(draft, source, load.env);
}

/** The fields that are as they should be; the others are explained and left out, so that the rest can be checked in the same run. */
function parseFields(agent: ExplainedAgent, findings: Findings): GivenFields {
  const value = plain(agent.tree);
  const parsed = agentFieldsSchema.safeParse(value);
  if (parsed.success) return parsed.data;
  explainIssues(parsed.error.issues, agent, findings);
  const bad = new Set(
    parsed.error.issues.flatMap((issue) =>
      issue.code === 'unrecognized_keys' && issue.path.length === 0 ? issue.keys : [String(issue.path[0])],
    ),
  );
  const rest = Object.fromEntries(Object.entries(value as object).filter(([key]) => !bad.has(key)));
  const salvaged = agentFieldsSchema.partial().safeParse(rest);
  return salvaged.success ? salvaged.data : {};
}

function withoutId(defaults: LocatedMap): LocatedMap {
  return { ...defaults, entries: new Map([...defaults.entries].filter(([key]) => key !== 'id')) };
}

function once(diagnostics: readonly Diagnostic[]): Diagnostic[] {
  return [...new Map(diagnostics.map((one) => [JSON.stringify(one), one])).values()];
}

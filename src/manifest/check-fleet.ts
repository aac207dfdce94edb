import type { AgentSpec } from '../contract/agent-spec.js';
import type { AgentDraft } from './agent-draft.js';
import { closestWord } from './closest-word.js';
import type { Findings } from './diagnostic.js';
import { valueAt, type LocatedMap, type Path } from './located.js';
import { isWithin, overlap, realPlace } from './real-place.js';
import { canonicalRole, orchestratesOf, type ResolvedAgent } from './resolve-agent.js';
import { placeIn, type Place } from './source-text.js';

/** An agent's id and where it is written. */
export interface NamedAgent {
  readonly id: string;
  readonly place: Place;
}

/** Ids that differ in case alone name the same folders, containers and sessions: each id is taken once. */
export function checkIds(agents: readonly NamedAgent[], findings: Findings): void {
  const taken = new Map<string, NamedAgent>();
  for (const agent of agents) {
    const other = taken.get(agent.id.toLowerCase());
    if (other === undefined) taken.set(agent.id.toLowerCase(), agent);
    else {
      const spelled = other.id === agent.id ? 'an agent of this name' : `the agent "${other.id}"`;
      findings.mistake(agent.place, {
        message: `the id "${agent.id}" is taken: ${spelled} is declared ${whereFrom(agent.place, other.place)}`,
        hint: other.id === agent.id ? 'rename one of them' : 'rename one of them; capitals do not tell ids apart',
      });
    }
  }
}

/** No agent may work in, above or below the folder of another one. */
export function checkWorkspaces(agents: readonly ResolvedAgent[], findings: Findings): void {
  agents.forEach((agent, index) => {
    const sameId = (before: ResolvedAgent): boolean => before.spec.id.toLowerCase() === agent.spec.id.toLowerCase();
    const other = agents
      .slice(0, index)
      .find((before) => !sameId(before) && overlap(before.real_workspace, agent.real_workspace));
    if (other === undefined) return;
    const same = other.real_workspace === agent.real_workspace;
    const how = same
      ? 'is also that of'
      : isWithin(agent.real_workspace, other.real_workspace)
        ? 'lies in that of'
        : 'holds that of';
    findings.mistake(workspacePlace(agent), {
      message: `the workspace ${agent.spec.workspace.path} ${how} "${other.spec.id}" (${whereFrom(workspacePlace(agent), workspacePlace(other))})`,
      hint: 'agents never share a workspace: give each a folder of its own, or leave workspace out for .filare/workspaces/<id>',
    });
  });
}

/** Warns when an agent could read its own secrets, change its own manifest, or reach another agent's folder through a mount. */
export function checkReach(agents: readonly ResolvedAgent[], findings: Findings): void {
  for (const { spec, real_workspace, draft } of agents) {
    for (const { path, from } of secretFiles(spec)) {
      if (!isWithin(realPlace(path), real_workspace)) continue;
      findings.warning(placeOf(draft.tree, from), {
        message: `${String(from.at(-1))} lies in the agent's workspace, where the agent can read it`,
        hint: 'move it out of the workspace',
      });
    }
    if (isWithin(realPlace(spec.source.file), real_workspace)) {
      findings.warning(draft.own.place, {
        message: "this manifest lies in the agent's workspace, where the agent can change it",
        hint: 'move one of them',
      });
    }
    spec.mounts.forEach((mount, index) => {
      const other = agents.find((agent) => agent.spec.id !== spec.id && overlap(agent.real_workspace, mount.source));
      if (other === undefined) return;
      findings.warning(placeOf(draft.tree, ['mounts', index, 'source']), {
        message: `this mount gives "${spec.id}" a way into the workspace of "${other.spec.id}"`,
        hint: mount.read_only ? undefined : 'add read_only: true if looking is enough',
      });
    });
  }
}

/** The files with secrets that an agent names, and where it names them. */
function secretFiles(spec: AgentSpec): { readonly path: string; readonly from: Path }[] {
  return [
    ...(spec.env_file === undefined ? [] : [{ path: spec.env_file, from: ['env_file'] }]),
    ...(spec.ssh_key === undefined ? [] : [{ path: spec.ssh_key, from: ['ssh_key'] }]),
    ...spec.escalation.notify.flatMap((way, index) =>
      'webhook' in way && way.secret_file !== undefined
        ? [{ path: way.secret_file, from: ['escalation', 'notify', index, 'secret_file'] }]
        : [],
    ),
  ];
}

/** Checks that whoever may be driven is declared. */
export function checkOrchestrators(
  agents: readonly AgentDraft[],
  known_ids: readonly string[],
  findings: Findings,
): void {
  for (const { fields, tree } of agents) {
    const { orchestrates } = orchestratesOf(fields, canonicalRole(fields.role ?? ''));
    for (const word of orchestrates?.agents ?? []) {
      if (word === '*' || word.startsWith('tag:') || known_ids.includes(word)) continue;
      const near = closestWord(
        word,
        known_ids.filter((id) => id !== fields.id),
      );
      findings.mistake(placeOf(tree, ['orchestrates']), {
        message: `orchestrates: no agent "${word}" is declared in the manifests that were read`,
        hint: near === undefined ? 'declare it, or name its manifest too' : `did you mean "${near}"?`,
      });
    }
  }
}

/** Where `there` is, for somebody who looks at `here`. */
function whereFrom(here: Place, there: Place): string {
  const { file, line } = placeIn(there);
  return file === here.source.file ? `on line ${line}` : `in ${file}:${line}`;
}

function workspacePlace({ draft }: ResolvedAgent): Place {
  const field = ['workspace', 'workspace_template', 'workspace_prefix', 'id'].find((name) =>
    draft.tree.entries.has(name),
  );
  return placeOf(draft.tree, [field ?? 'id']);
}

function placeOf(tree: LocatedMap, path: readonly (string | number)[]): Place {
  return valueAt(tree, path)?.place ?? tree.place;
}

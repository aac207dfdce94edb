import { existsSync } from 'node:fs';
import { homedir } from 'node:os';
import { resolve } from 'node:path';
import type { AgentSpec } from '../contract/agent-spec.js';
import type { RehearsalInput } from '../client/fleet-options.js';
import { findProject } from '../client/find-project.js';
import { FilareError } from '../contract/errors.js';
import type { loadManifests } from '../manifest/load-manifests.js';
import type { CliContext } from './context.js';

/** The resolved agents of manifests: those named, else those of the project. Warnings go to standard error; mistakes are thrown, all at once. */
export async function loadAgents(context: CliContext, paths: readonly string[]): Promise<AgentSpec[]> {
  const { formatDiagnostic } = await import('../manifest/format-diagnostic.js');
  const loaded = await load(context, paths);
  for (const warning of loaded.warnings) context.out.note(formatDiagnostic(warning, { cwd: context.cwd }));
  return [...loaded.agents];
}

/** As `loadAgents`, for who starts them: where what was named is no manifest but an agent, the failure says how that one is started. */
export async function loadAgentsToStart(context: CliContext, paths: readonly string[]): Promise<AgentSpec[]> {
  try {
    return await loadAgents(context, paths);
  } catch (error) {
    const missing = paths.filter((path) => !existsSync(resolve(context.cwd, path)));
    if (missing.length === 0) throw error;
    const declared = await load(context, []).catch(() => ({ agents: [] }));
    const ids = missing.filter((path) => declared.agents.some((agent) => agent.id === path));
    if (ids.length === 0) throw error;
    throw new FilareError({
      code: 'usage',
      message: `${ids.join(', ')} ${ids.length === 1 ? 'is the id of an agent, not a manifest' : 'are ids of agents, not manifests'}`,
      hint: `filare-agents start --session ${ids.join(' ')}`,
      cause: error,
    });
  }
}

async function load(context: CliContext, paths: readonly string[]): ReturnType<typeof loadManifests> {
  const { loadManifests } = await import('../manifest/load-manifests.js');
  const project = findProject({ project: context.globals.project, cwd: context.cwd, env: context.env });
  return loadManifests(paths.length === 0 ? undefined : paths, {
    project_root: project.root,
    cwd: context.cwd,
    env: context.env,
    home: context.env['HOME'] ?? homedir(),
  });
}

/** Only the agents of these ids, in the order of the manifests; one that no manifest declares is `not_found`. */
export function onlyAgents(agents: readonly AgentSpec[], ids: readonly string[]): AgentSpec[] {
  const missing = ids.filter((id) => !agents.some((agent) => agent.id === id));
  if (missing.length > 0) {
    throw new FilareError({
      code: 'not_found',
      message: `no manifest declares ${missing.join(', ')}`,
      hint:
        agents.length === 0 ? 'write one in configs/agents' : `there are ${agents.map((agent) => agent.id).join(', ')}`,
    });
  }
  return agents.filter((agent) => ids.includes(agent.id));
}

/** The rehearsal script of `--rehearsal`, compiled; undefined without one. */
export async function loadRehearsalInput(paths: readonly string[] | undefined): Promise<RehearsalInput | undefined> {
  if (paths === undefined || paths.length === 0) return undefined;
  const { loadRehearsal } = await import('../rehearsal/script.js');
  return { script: await loadRehearsal(paths), origin: paths.join(', ') };
}

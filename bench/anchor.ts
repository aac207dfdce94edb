import { join } from 'node:path';
import { REHEARSAL_MODEL } from '../src/rehearsal/codex-setup.js';
import { DEFAULT_PACE, PLAN_VERSION, type Plan } from '../src/rehearsal/plan.js';
import { agentSpec } from './agent-spec.js';
import { bareLabel, type BareSetting } from './bare-request.js';
import type { EngineApi } from './engine-api.js';
import type { BenchProject } from './project.js';
import type { Bench } from './suite.js';

/** Starts the rehearsed agent that keeps network and model server, and says how a bare container uses them. */
export async function anchor(bench: Bench, project: BenchProject, cpus = 1): Promise<BareSetting> {
  const agent = agentSpec(project.paths, 'anchor', { cpus });
  await project.makeWorkspaces([agent]);
  const [outcome] = await project.fleet.start([agent], {
    rehearsal: { script: ECHO, origin: 'bench' },
  });
  if (outcome?.session?.phase !== 'running')
    throw new Error(outcome?.error?.message ?? 'the first agent did not start');
  bench.say('fleet, network and model server are up');
  const catalog = '/opt/filare/rehearsal-models.json';
  return {
    network: `filare-${project.paths.key}`,
    provider: {
      base_url: 'http://rehearsal:8080/v1',
      agent: 'bare',
      role: 'FEATURE',
      model: REHEARSAL_MODEL,
      model_catalog: catalog,
    },
    binds: [{ source: join(project.paths.state, 'rehearsal', 'models.json'), target: catalog, read_only: true }],
  };
}

/** A compiled rehearsal without parts: every message is said back. */
export const ECHO: Plan = { version: PLAN_VERSION, strict: false, pace: DEFAULT_PACE, parts: [] };

/** Removes the bare containers of a project, by id. */
export async function removeBare(api: EngineApi, project: BenchProject): Promise<void> {
  for (const id of await api.list(bareLabel(project))) await api.remove(id);
  api.close();
}

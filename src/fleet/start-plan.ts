import type { AgentSpec } from '../contract/agent-spec.js';
import type { StartPlan } from '../contract/api-shapes.js';
import { configToml } from '../codex/config-toml.js';
import { attemptFolder } from '../session/attempt-folder.js';
import { containerRequest } from '../session/container-request.js';
import { agentFolders } from '../session/launch.js';
import { readSecrets } from '../session/secrets.js';
import type { SessionSurroundings } from '../session/surroundings.js';
import { join } from 'node:path';

/** What `start` would do for an agent, in order, with the exact request for the engine. Does nothing, and shows no secret: there is none in a request. */
export async function startPlan(
  around: SessionSurroundings,
  agent: AgentSpec,
  { rehearsed, waits }: { readonly rehearsed: boolean; readonly waits: string | null },
): Promise<StartPlan> {
  const session_id = `${agent.id}-TIME-RAND`;
  const folder = join(around.paths.outputs, agent.role, session_id);
  const paths = attemptFolder(folder, 1);
  const secrets = await readSecrets(agent);
  const image = await around.engine.image(agent.image);
  const request = containerRequest({
    project_key: around.paths.key,
    instance: around.instance,
    session_id,
    agent,
    attempt: 1,
    branch: agent.branch ?? null,
    user: around.user,
    owner_uid: around.caller_uid,
    paths,
    ...agentFolders(around, agent.id),
    io_folder: join(paths.folder, 'io'),
    network: agent.network === 'none' ? 'none' : `filare-${around.paths.key}`,
    images: join(folder, 'images'),
    extra_binds: [],
    stage: 'codex',
  });
  return {
    id: agent.id,
    steps: [
      ...(waits === null ? [] : [`wait in the queue: ${waits}`]),
      `workspace ${agent.workspace.path}${source(agent)}`,
      ...(agent.network === 'none' ? [] : [`network filare-${around.paths.key}`]),
      ...(rehearsed ? [`rehearsal model server filare-${around.paths.key}-rehearsal`] : []),
      ...(agent.startup_script === undefined ? [] : ['startup script, in a container of its own']),
      `container ${request.name} from ${agent.image}`,
      `hand over ${String(Object.keys(secrets.variables).length)} variables${
        Object.keys(secrets.variables).length === 0
          ? ''
          : ` (${Object.keys(secrets.variables)
              .map((name) => `${name}=***`)
              .join(', ')})`
      }${secrets.ssh_key === null ? '' : ' and the SSH key'} through its pipe`,
      'Codex: initialize, thread/start',
      ...(agent.goal === undefined ? [] : ['send the goal']),
    ],
    engine_request: around.engine.describe(request),
    codex_config: configToml(agent, { model_key_names: secrets.model_key_names }),
    warnings: image === undefined ? [`the engine has no image ${agent.image}: filare-agents image build`] : [],
  };
}

function source(agent: AgentSpec): string {
  if (agent.workspace.template !== undefined) return `, seeded from ${agent.workspace.template} if empty`;
  if (agent.workspace.repo !== undefined) return `, cloned from ${agent.workspace.repo} if empty`;
  return '';
}

import { writeFile } from 'node:fs/promises';
import { existsSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { z } from 'zod';
import { OPENAI_KEY } from '../codex/config-toml.js';
import type { AgentSpec } from '../contract/agent-spec.js';
import { FilareError } from '../contract/errors.js';
import { diagnosticSchema } from '../manifest/diagnostic.js';
import { loadManifests } from '../manifest/load-manifests.js';
import { readSecrets, type Secrets } from '../session/secrets.js';
import { checkLocation } from '../workspace/check-location.js';
import { readGitState } from '../workspace/git-state.js';
import type { ContainerUser } from '../workspace/container-user.js';
import { useExisting } from '../workspace/use-existing.js';
import { HOLDER_SCRIPT } from './solo-scripts.js';

/** What a person names; paths are absolute. */
export interface SoloOptions {
  readonly workspace: string;
  readonly env_file?: string | undefined;
  readonly ssh_key?: string | undefined;
  readonly known_hosts?: string | undefined;
  readonly image?: string | undefined;
}

/** The agent that a single container is made for, checked as one of a manifest is, and its secrets. */
export interface SoloAgent {
  readonly agent: AgentSpec;
  readonly secrets: Secrets;
  readonly branch: string | null;
}

const ID = 'solo';
/** Its own terminal interface cannot be told a key in the protocol: it reads it from its environment, and keeps it from commands. */
const KEY_FROM_ENVIRONMENT = {
  model_provider: 'openai-env',
  model_providers: {
    'openai-env': {
      name: 'OpenAI API key',
      base_url: 'https://api.openai.com/v1',
      env_key: OPENAI_KEY,
      wire_api: 'responses',
    },
  },
};

/**
 * The agent that these options describe. `folder` is a private folder of this run. Errors: `usage` for what no manifest may say either, `workspace` for
 * one that cannot be used as it is, `credentials` for a bad env file.
 */
export async function soloAgent(
  options: SoloOptions,
  around: { readonly folder: string; readonly user: ContainerUser; readonly env: NodeJS.ProcessEnv },
): Promise<SoloAgent> {
  const { folder } = around;
  // What a person named is a path as it is; in a manifest, $ begins a variable.
  const fields = Object.entries<string | undefined>({ ...options }).flatMap(([field, value]) =>
    value === undefined ? [] : [[field, field === 'image' ? value : value.replaceAll('$', () => '$$')] as const],
  );
  const manifest = join(folder, 'solo.yml');
  await writeFile(manifest, JSON.stringify({ id: ID, role: 'OPERATOR', ...Object.fromEntries(fields) }));
  // The folder of this run stands for the project: the rest of its rules is asked here.
  const surroundings = { project_root: folder, cwd: folder, env: around.env, home: around.env['HOME'] ?? homedir() };
  const [declared] = (await loadManifests([manifest], surroundings).catch(asUsage)).agents;
  if (declared === undefined) throw new Error('the manifest of a single container declares an agent');
  refuseProject(declared.workspace.path);
  const place = await checkLocation(declared, folder);
  if (place.state === 'missing') throw workspaceFailure(`the workspace ${place.path} is not there`, 'make it first');
  const state = await readGitState(place.path);
  if (state.kind === 'detached')
    throw workspaceFailure(`the workspace ${place.path} has no branch checked out`, 'check one out: git switch BRANCH');
  const pinned: AgentSpec = state.kind === 'branch' ? { ...declared, branch: state.branch } : declared;
  const ready = await useExisting(pinned, place, around.user);
  const agent = { ...pinned, startup_script: HOLDER_SCRIPT, workspace: { ...pinned.workspace, path: place.path } };
  const secrets = await readSecrets(agent);
  const with_key = { ...agent, codex: { ...agent.codex, config: KEY_FROM_ENVIRONMENT } };
  return {
    agent: secrets.model_key_names.includes(OPENAI_KEY) ? with_key : agent,
    secrets,
    branch: ready.branch,
  };
}

/** The daemon's socket and its records lie there: nothing in a container may reach them. */
function refuseProject(workspace: string): void {
  const inside = workspace.split('/').includes('.filare') && !workspace.includes('/.filare/workspaces/');
  if (!inside && !existsSync(join(workspace, '.filare'))) return;
  throw workspaceFailure(
    `the workspace ${workspace} ${inside ? 'lies in' : 'holds'} the state folder .filare of a project`,
    'name another folder with --workspace, a clone of this one for example: git clone . ../work',
  );
}

function workspaceFailure(message: string, hint: string): FilareError {
  return new FilareError({ code: 'workspace', message, hint });
}

/** There is no manifest that a person could mend: what is said of it is about the options. */
function asUsage(thrown: unknown): never {
  const told = z
    .object({ mistakes: z.array(diagnosticSchema) })
    .safeParse(thrown instanceof FilareError ? thrown.details : undefined);
  if (!told.success || told.data.mistakes.length === 0) throw thrown;
  const [first] = told.data.mistakes;
  const about_workspace = first?.message.startsWith('the workspace') === true;
  throw new FilareError({
    code: 'usage',
    message: told.data.mistakes.map(({ message }) => message).join('\n'),
    hint: about_workspace ? 'name another folder with --workspace' : first?.hint,
  });
}

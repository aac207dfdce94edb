import { join, relative } from 'node:path';
import { prepareAttemptFiles } from '../src/channel/attempt-files.js';
import type { ChannelPaths } from '../src/channel/channel.js';
import { configToml, type RehearsalProvider } from '../src/codex/config-toml.js';
import { GUARDED_PATHS } from '../src/codex/guarded-files.js';
import type { AgentSpec } from '../src/contract/agent-spec.js';
import { describeCreate } from '../src/engine/docker/create-request.js';
import type { BindMount } from '../src/engine/engine.js';
import { attemptFolder, mountPoint, ownedFolder, writeAttemptFolder } from '../src/session/attempt-folder.js';
import { containerRequest, IN_CONTAINER } from '../src/session/container-request.js';
import { containerUser } from '../src/workspace/container-user.js';
import type { BenchProject } from './project.js';

/** What a bare container shares with those of the fleet. */
export interface BareSetting {
  readonly network: string;
  readonly provider: RehearsalProvider;
  readonly binds: readonly BindMount[];
}

/** A container that only needs to be created: the engine's request for it, and its pipe and files. */
export interface BareContainer {
  readonly name: string;
  readonly label: string;
  readonly body: unknown;
  readonly channel: ChannelPaths;
}

/**
 * Everything that a bare start finds ready: files, folders, pipe, and the very request that the product would send for this agent (same
 * hardening, mounts, limits, network), under a name and a label of its own, so that the daemon does not take it for one of its own.
 */
export async function prepareBare(
  project: BenchProject,
  agent: AgentSpec,
  setting: BareSetting,
): Promise<BareContainer> {
  const user = containerUser();
  const caller_uid = process.getuid?.() ?? 0;
  const folder = join(project.paths.root, 'bare', agent.id);
  const home = join(folder, 'home');
  const codex_home = join(folder, 'codex');
  const images = join(folder, 'images');
  for (const path of [home, join(home, '.codex'), join(home, 'workspace'), codex_home, images])
    await ownedFolder(path, user, caller_uid);
  const guarded = [...GUARDED_PATHS, { path: `${IN_CONTAINER.codex_home}/config.toml`, kind: 'file' as const }];
  for (const { path, kind } of guarded)
    await mountPoint(join(codex_home, relative(IN_CONTAINER.codex_home, path)), kind, user, caller_uid);
  const paths = attemptFolder(folder, 1);
  await writeAttemptFolder(paths, {
    agent,
    user,
    config_toml: configToml(agent, { model_key_names: [], rehearsal: setting.provider }),
    known_hosts: '',
  });
  const channel = await prepareAttemptFiles(paths.folder, user);
  const session_id = `bare-${agent.id}`;
  const request = containerRequest({
    project_key: `bare-${project.paths.key}`,
    session_id: `${session_id}-${project.paths.key}`,
    agent,
    attempt: 1,
    branch: null,
    user,
    owner_uid: caller_uid,
    paths,
    home,
    codex_home,
    io_folder: channel.io_folder,
    network: setting.network,
    images,
    extra_binds: setting.binds,
    stage: 'codex',
  });
  return { name: request.name, label: bareLabel(project), body: describeCreate(request), channel };
}

/** The label of a project's bare containers. */
export function bareLabel(project: BenchProject): string {
  return `filare.project=bare-${project.paths.key}`;
}

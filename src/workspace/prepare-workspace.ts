import { lchown, mkdir, realpath, rename } from 'node:fs/promises';
import { join } from 'node:path';
import type { AgentSpec } from '../contract/agent-spec.js';
import { FilareError } from '../contract/errors.js';
import { projectPaths } from '../contract/project.js';
import { whyNotBranchName } from './branch-name.js';
import { checkLocation, isWithin, refuseClosedParent, type Location } from './check-location.js';
import { checkTemplate } from './check-template.js';
import { cloneRepository, initRepository } from './clone-repository.js';
import { isRootCaller } from './container-user.js';
import { copyTemplate } from './copy-template.js';
import { readGitState, type GitState } from './git-state.js';
import { giveOwnership } from './give-ownership.js';
import { OpenFolder } from './open-folder.js';
import { pinBranch } from './pin-branch.js';
import { pinnedBranch } from './pinned-branch.js';
import type { PreparedWorkspace } from './prepared-workspace.js';
import { parseRepoAddress, type RepoAddress } from './repo-address.js';
import { removeSeedLeftovers, withStaging, type IntendFolder, type Staging } from './seed-staging.js';
import { asWorkspaceFailure, throwIfInterrupted, unlessMissing } from './system-error.js';
import { useExisting } from './use-existing.js';

/**
 * The workspace room: an agent's folder, before and after it works there.
 *
 * - A workspace is whole or absent. It is seeded in a folder beside it and renamed into place when all is done: files, branch, owner. What a
 *   killed preparation leaves is removed by the next one, when it is provably ours.
 * - No workspace shares anything with another folder: copies and clones have their own objects, and a git worktree is refused.
 * - The host runs no git where an agent can write. What is checked out in a workspace is read from files (git-state.ts). Git runs only to
 *   clone from the operator's source, and on copies that no agent has seen, under a configuration of ours (run-git.ts, detached-git.ts).
 * - A folder that an agent has written is walked by descriptors, no link is followed (open-folder.ts).
 * - Whatever is wrong is said before a container exists: `workspace`, `credentials`, `no_space`, `timeout` or `interrupted`, with what to do.
 */
export interface PrepareOptions {
  /** The container's user (container-user.ts): who must be able to write, and to whom a root caller gives what is seeded. */
  readonly uid: number;
  readonly gid: number;
  readonly project_root: string;
  readonly signal: AbortSignal;
  /** One line for each thing that takes a while or is worth knowing; text of remote servers among it, not made safe for terminals. */
  readonly onProgress: (line: string) => void;
  readonly intend: IntendFolder;
  /** A folder that an earlier, killed preparation had booked is gone now. */
  readonly onLeftoverRemoved?: ((path: string) => Promise<void>) | undefined;
  /** Other folders that agents can write (workspaces outside `.filare`, writable mounts): nothing is seeded from them. */
  readonly agent_folders?: readonly string[] | undefined;
  /** This session has prepared it before: content is no reason to refuse, whatever `reuse_existing` says. */
  readonly again?: boolean | undefined;
}

/**
 * Makes the workspace of an agent ready: a folder with content is checked and used as it is, a missing or empty one is seeded from the
 * manifest's template or repository, or left empty. Not to be called twice at once for one workspace. See the top of this file.
 */
export async function prepareWorkspace(agent: AgentSpec, options: PrepareOptions): Promise<PreparedWorkspace> {
  throwIfInterrupted(options.signal);
  refuseBadBranch(agent);
  const place = await checkLocation(agent, options.project_root);
  const root = await realpath(options.project_root);
  const mark = projectPaths(root, '').key;
  try {
    const left = await removeSeedLeftovers(place.path, mark);
    for (const path of left.removed) {
      options.onProgress(`removed ${path}, left by a preparation that was cut short`);
      await options.onLeftoverRemoved?.(path);
    }
    for (const path of left.strangers) options.onProgress(`${path} looks like ours and is not: left alone`);
    if (place.state === 'filled') return await useExisting(agent, place, options);
    return await seed(agent, place, options, mark, root);
  } catch (error) {
    throw asWorkspaceFailure(error, 'preparing the workspace', place.path);
  }
}

async function seed(
  agent: AgentSpec,
  place: Location,
  options: PrepareOptions,
  mark: string,
  root: string,
): Promise<PreparedWorkspace> {
  const source = await sourceOf(agent, place, options, root);
  if (source.kind === 'empty' && agent.branch === undefined && place.state === 'empty') {
    if (isRootCaller()) await lchown(place.path, options.uid, options.gid);
    return { path: place.path, branch: null, head: null, seeded: true, kind: 'empty' };
  }
  await refuseClosedParent(place.path);
  const state = await withStaging(place.path, mark, options.intend, async (staging) => {
    const made = await fill(agent, place, source, staging, options);
    if (isRootCaller()) await giveOwnership(staging.tree, options, options.signal);
    throwIfInterrupted(options.signal);
    await moveIntoPlace(staging, place, options.intend);
    return made;
  });
  const branch = state.kind === 'branch' ? state.branch : null;
  options.onProgress(`the workspace ${place.path} is ready${branch === null ? '' : `, on ${branch}`}`);
  return {
    path: place.path,
    branch,
    head: state.kind === 'branch' ? state.commit : null,
    seeded: true,
    kind: source.kind,
  };
}

type Source =
  | { readonly kind: 'empty' }
  | { readonly kind: 'template'; readonly path: string }
  | { readonly kind: 'clone'; readonly address: RepoAddress };

async function sourceOf(agent: AgentSpec, place: Location, options: PrepareOptions, root: string): Promise<Source> {
  const { template, repo } = agent.workspace;
  const address = template === undefined && repo !== undefined ? parseRepoAddress(repo) : undefined;
  const named = template ?? (address?.kind === 'local' ? address.path : undefined);
  if (named === undefined) return address === undefined ? { kind: 'empty' } : { kind: 'clone', address };
  const real = (await unlessMissing(realpath(named))) ?? named;
  const { workspaces } = projectPaths(root, '');
  const agents = [(await unlessMissing(realpath(workspaces))) ?? workspaces, ...(options.agent_folders ?? [])];
  const field = template === undefined ? 'repo' : 'template';
  if (agents.some((folder) => isWithin(real, folder))) {
    throw new FilareError({
      code: 'workspace',
      message: `${field} ${named} lies where an agent can write, and nothing is seeded from there`,
      hint: `bring the agent's work home first (\`filare-agents sync\`), and name that folder in \`${field}\``,
      details: { [field]: named },
    });
  }
  if (template !== undefined && (isWithin(place.path, real) || isWithin(real, place.path))) {
    throw new FilareError({
      code: 'workspace',
      message: `the template ${named} and the workspace ${place.path} lie in each other`,
      hint: 'name a template beside the workspace, or use `repo` to clone it',
      details: { template: named, workspace: place.path },
    });
  }
  if (address === undefined) return { kind: 'template', path: real };
  return { kind: 'clone', address: address.kind === 'local' ? { ...address, path: real, shown: real } : address };
}

async function fill(
  agent: AgentSpec,
  place: Location,
  source: Source,
  staging: Staging,
  options: PrepareOptions,
): Promise<GitState> {
  const { signal, onProgress } = options;
  const { tree } = staging;
  const branch = pinnedBranch(agent);
  switch (source.kind) {
    case 'empty':
      await mkdir(tree);
      break;
    case 'template':
      onProgress(`checking the template ${source.path}`);
      await checkTemplate(source.path, join(staging.scratch, 'template'), signal);
      onProgress(`copying ${source.path}`);
      await copyTemplate({ template: source.path, target: tree, signal, onProgress });
      await pinBranch({ tree, branch, template: source.path, scratch: join(staging.scratch, 'switch'), signal });
      break;
    case 'clone': {
      onProgress(`cloning ${source.address.shown}`);
      const ssh = { key: agent.ssh_key, known_hosts: agent.known_hosts };
      await cloneRepository({
        address: source.address,
        ref: agent.workspace.ref,
        branch,
        ssh,
        workspace: place.path,
        staging,
        signal,
        onProgress,
      });
      break;
    }
  }
  let state = await readGitState(tree);
  if (state.kind === 'none' && agent.branch !== undefined) {
    await initRepository(tree, branch, signal);
    state = await readGitState(tree);
  }
  if (state.kind === 'none' || (state.kind === 'branch' && state.branch === branch)) return state;
  throw new Error(`the seeded workspace ${place.path} is not on ${branch}: ${JSON.stringify(state)}`);
}

async function moveIntoPlace(staging: Staging, place: Location, intend: IntendFolder): Promise<void> {
  if (place.state === 'empty') {
    await using folder = await OpenFolder.open(staging.tree);
    await folder.chmod((place.stats.mode & 0o777) | 0o700);
  }
  const close = await intend(place.path);
  try {
    await rename(staging.tree, place.path);
  } catch (error) {
    await close('removed');
    throw error;
  }
  await close('kept');
}

function refuseBadBranch(agent: AgentSpec): void {
  const why = whyNotBranchName(pinnedBranch(agent));
  if (why === undefined) return;
  throw new FilareError({
    code: 'workspace',
    message: `${JSON.stringify(pinnedBranch(agent))} is not a name that git takes for a branch: ${why}`,
    hint: `mend \`branch\` of agent ${agent.id} in the manifest`,
  });
}

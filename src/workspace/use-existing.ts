import { constants, type Stats } from 'node:fs';
import { access, lstat } from 'node:fs/promises';
import { join } from 'node:path';
import type { AgentSpec } from '../contract/agent-spec.js';
import { FilareError } from '../contract/errors.js';
import type { Location } from './check-location.js';
import { isRootCaller, type ContainerUser } from './container-user.js';
import { readGitState, type GitState } from './git-state.js';
import { pinnedBranch } from './pinned-branch.js';
import type { PreparedWorkspace } from './prepared-workspace.js';
import { shellQuote } from '../contract/shell-quote.js';
import { unlessMissing } from './system-error.js';

/**
 * Checks a folder with content and takes it as it is, changing nothing. Refused (`workspace`) when the manifest does not allow reuse, when
 * the container's user could not work there, or when its git is not a repository of its own on the agent's branch.
 */
export async function useExisting(
  agent: AgentSpec,
  place: Extract<Location, { state: 'empty' | 'filled' }>,
  options: ContainerUser & { readonly again?: boolean | undefined },
): Promise<PreparedWorkspace> {
  const { path, stats } = place;
  if (!agent.workspace.reuse_existing && options.again !== true) {
    throw refusal(
      path,
      `the workspace ${path} exists and is not empty, and \`reuse_existing\` is false`,
      'set `reuse_existing: true` to go on with what is there, or move the folder away to have it seeded again',
    );
  }
  refuseOtherOwner(path, stats, options);
  await refuseReadOnly(path, stats);
  const state = await readGitState(path);
  refuseOtherBranch(agent, path, state);
  if (state.kind !== 'branch') return { path, branch: null, head: null, seeded: false, kind: 'existing' };
  const git = await unlessMissing(lstat(join(path, '.git')));
  if (git !== undefined) refuseOtherOwner(path, git, options);
  return { path, branch: state.branch, head: state.commit, seeded: false, kind: 'existing' };
}

function refuseOtherOwner(path: string, stats: Stats, user: ContainerUser): void {
  if (stats.uid === user.uid) return;
  const mend = `chown -R ${user.uid}:${user.gid} ${shellQuote(path)}`;
  const owner = stats.uid === 0 ? 'root' : `user ${stats.uid}`;
  throw refusal(
    path,
    `the workspace ${path} belongs to ${owner}, and the agent's container runs as ${user.uid}:${user.gid}, which could not work there`,
    isRootCaller()
      ? `give it to the agent: ${mend}`
      : `give it to yourself (sudo ${mend}), or run filare-agents as ${owner === 'root' ? 'its owner' : owner}`,
  );
}

async function refuseReadOnly(path: string, stats: Stats): Promise<void> {
  if ((stats.mode & 0o700) === 0o700) {
    try {
      await access(path, constants.W_OK | constants.X_OK);
      return;
    } catch (cause) {
      throw refusal(
        path,
        `the workspace ${path} is not writable (${cause instanceof Error ? cause.message : 'unknown'})`,
        'name a folder that is',
        cause,
      );
    }
  }
  throw refusal(path, `the workspace ${path} is closed to its own owner`, `open it: chmod u+rwx ${shellQuote(path)}`);
}

function refuseOtherBranch(agent: AgentSpec, path: string, state: GitState): void {
  const branch = pinnedBranch(agent);
  const folder = shellQuote(path);
  switch (state.kind) {
    case 'none':
      if (agent.branch === undefined) return;
      throw refusal(
        path,
        `agent ${agent.id} is pinned to the branch ${branch}, and its workspace ${path} has no git`,
        `make it a repository (git init -b ${shellQuote(branch)} ${folder}), or leave \`branch\` out`,
      );
    case 'branch':
      if (state.branch === branch) return;
      throw refusal(
        path,
        `the workspace ${path} has the branch ${state.branch} checked out, and agent ${agent.id} is pinned to ${branch}`,
        `write \`branch: ${state.branch}\` in the manifest, or, where no agent has worked yet: git -C ${folder} switch ${shellQuote(branch)} (with -c when it is new)`,
      );
    case 'detached':
      throw refusal(
        path,
        `the workspace ${path} has no branch checked out (it is at ${state.commit.slice(0, 12)}), and agent ${agent.id} is pinned to ${branch}`,
        `where no agent has worked yet, check the branch out: git -C ${folder} switch ${shellQuote(branch)} (with -c when it is new)`,
      );
    case 'shared':
      throw refusal(
        path,
        `the workspace ${path} is a worktree or submodule: its .git points to ${state.points_to}; an agent never gets a shared git worktree`,
        'in the container that place does not exist, and what an agent did to it would reach your other checkouts: ' +
          'give the agent a clone (`workspace: {repo: …}`)',
      );
    case 'unreadable':
      throw refusal(
        path,
        `the workspace ${path} ${state.reason}`,
        'make it an ordinary repository (`git clone`), or name another workspace',
      );
  }
}

function refusal(path: string, message: string, hint: string, cause?: unknown): FilareError {
  return new FilareError({ code: 'workspace', message, hint, cause, details: { path } });
}

import { realpath } from 'node:fs/promises';
import { join } from 'node:path';
import { FilareError } from '../contract/errors.js';
import { whyNotBranchName } from '../workspace/branch-name.js';
import { isWithin } from '../workspace/check-location.js';
import { HostGit } from './host-git.js';

/** Most branches of the operator's that are looked at for what need not be brought. */
const MAX_TIPS = 200;

/** The operator's repository: theirs to change, but for the one ref that a sync moves. */
export interface OperatorRepo {
  /** Its folder, real. */
  readonly path: string;
  readonly git: HostGit;
  readonly objects: string;
  readonly object_format: string;
  /** A file that lists where its history was cut; null when it is whole. */
  readonly shallow: string | null;
}

/**
 * Opens the repository in `path`, or the one that it lies in. `agent_folders`: what agents can write; a repository there is refused, for git of the host
 * never runs in it. Throws `not_found` where there is none, `usage` for one of an agent.
 */
export async function openOperatorRepo(
  path: string,
  agent_folders: readonly string[],
  signal: AbortSignal,
): Promise<OperatorRepo> {
  const real = await realpath(path).catch((cause: unknown) => {
    throw new FilareError({ code: 'not_found', message: `the folder ${path} is not there`, cause });
  });
  await refuseAgents(real, agent_folders);
  const git = HostGit.at(real, signal);
  const found = await git.try(['rev-parse', '--path-format=absolute', '--absolute-git-dir', '--git-common-dir']);
  const [git_dir, common] = found.stdout.trim().split('\n');
  if (found.exit_code !== 0 || git_dir === undefined || common === undefined) throw noRepository(real, found.stderr);
  for (const folder of [git_dir, common]) await refuseAgents(folder, agent_folders);
  const shallow = await git.demand(['rev-parse', '--is-shallow-repository']);
  return {
    path: (await git.answer(['rev-parse', '--show-toplevel'])) ?? common,
    git,
    objects: await git.demand(['rev-parse', '--path-format=absolute', '--git-path', 'objects']),
    object_format: await git.demand(['rev-parse', '--show-object-format']),
    shallow: shallow === 'true' ? join(common, 'shallow') : null,
  };
}

/** The last commit of a branch there; null when there is no such branch. */
export async function branchTip(repo: OperatorRepo, branch: string): Promise<string | null> {
  return repo.git.answer(['rev-parse', '--verify', '--quiet', '--end-of-options', `refs/heads/${branch}^{commit}`]);
}

/** Whether a ref of the repository reaches the commit, so that it has all that comes before it too. */
export async function hasCommit(repo: OperatorRepo, commit: string): Promise<boolean> {
  if ((await repo.git.answer(['cat-file', '-t', commit])) !== 'commit') return false;
  const refs = await repo.git.answer(['for-each-ref', '--count=1', '--format=%(refname)', `--contains=${commit}`]);
  return refs !== null && refs !== '';
}

/** Commits that the repository surely has, the likeliest first: those given that it has, then what its branches end at. */
export async function knownTips(repo: OperatorRepo, first: readonly string[]): Promise<readonly string[]> {
  const listed = await repo.git.demand([
    ...['for-each-ref', '--sort=-committerdate', `--count=${String(MAX_TIPS)}`],
    ...['--format=%(objectname)', 'refs/heads', 'refs/remotes'],
  ]);
  const known: string[] = [];
  for (const commit of first) if (await hasCommit(repo, commit)) known.push(commit);
  return [...new Set([...known, ...listed.split('\n').filter((line) => line !== '')])];
}

/** Throws `usage` for a name that git takes for no branch, and `conflict` for a branch that is checked out, here or in another work tree. */
export async function requireFreeBranch(repo: OperatorRepo, branch: string): Promise<void> {
  const why = whyNotBranchName(branch);
  if (why !== undefined || branch.startsWith('refs/'))
    throw new FilareError({
      code: 'usage',
      message: `${JSON.stringify(branch)} is not a name for a branch: ${why ?? 'name it without refs/heads/'}`,
    });
  const listed = await repo.git.demand(['worktree', 'list', '--porcelain']);
  let place = '';
  for (const line of listed.split('\n')) {
    if (line.startsWith('worktree ')) place = line.slice('worktree '.length);
    if (line === `branch refs/heads/${branch}`) throw checkedOut(branch, place);
  }
}

/** The failure of a branch that somebody works on. */
export function checkedOut(branch: string, place: string): FilareError {
  return new FilareError({
    code: 'conflict',
    message: `the branch ${branch} is checked out in ${place}; a sync changes no work tree`,
    hint: 'bring the work into a branch of its own, then merge it yourself: filare-agents sync ID, git merge agents/ID',
    details: { branch, worktree: place },
  });
}

async function refuseAgents(path: string, agent_folders: readonly string[]): Promise<void> {
  for (const folder of agent_folders) {
    const real = await realpath(folder).catch(() => folder);
    if (!isWithin(path, real)) continue;
    throw new FilareError({
      code: 'usage',
      message: `${path} lies where an agent can write (${folder}); this product runs no git of yours there`,
      hint: 'name a repository of your own: --repo PATH',
    });
  }
}

function noRepository(path: string, stderr: string): FilareError {
  const dubious = stderr.includes('dubious ownership');
  return new FilareError({
    code: dubious ? 'bad_state' : 'not_found',
    message: dubious
      ? `the repository in ${path} belongs to another user, and git refuses to work in it`
      : `${path} is in no git repository`,
    hint: 'name the repository that the work goes to: --repo PATH; or write patch files instead: --patch DIR',
  });
}

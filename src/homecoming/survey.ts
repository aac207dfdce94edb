import { FilareError } from '../contract/errors.js';
import { whyNotBranchName } from '../workspace/branch-name.js';
import { gitFailed, type Helper } from './helper.js';
import type { Homecomer } from './homecoming.js';

/** Most files that are named of uncommitted work. */
export const MAX_UNCOMMITTED = 1000;
const STATUS_BYTES = 4 * 2 ** 20;
const OID = /^(?:[0-9a-f]{40}|[0-9a-f]{64})$/;

/** A workspace's repository, as git in a helper sees it. Said by the agent's own files: true until checked. */
export interface Survey {
  /** The branch whose work counts. */
  readonly branch: string;
  /** Its last commit; null before the first one. */
  readonly tip: string | null;
  /** What is checked out: another commit than `tip` when the agent works elsewhere. */
  readonly head: string | null;
  /** The branch that is checked out; null when none is. */
  readonly checked_out: string | null;
  readonly shallow: boolean;
  /** Paths of files whose changes are in no commit, new ones among them, ignored ones not; at most MAX_UNCOMMITTED. */
  readonly uncommitted: readonly string[];
  readonly uncommitted_cut: boolean;
  readonly notes: readonly string[];
}

/** Looks at the repository of a workspace; null when it is none. Throws `bad_state` for one that git cannot read. */
export async function surveyWorkspace(helper: Helper, of: Homecomer): Promise<Survey | null> {
  if ((await helper.run(['test', '-e', '.git'])).exit_code !== 0) return null;
  const symbolic = await helper.git(['symbolic-ref', '--quiet', 'HEAD']);
  const named = /^refs\/heads\/(.+)\n$/.exec(symbolic.stdout)?.[1];
  const checked_out = named !== undefined && whyNotBranchName(named) === undefined ? named : null;
  const branch = of.branch ?? checked_out;
  if (branch === null) {
    throw new FilareError({
      code: 'bad_state',
      message: `the workspace of ${of.agent.id} has no branch checked out`,
      hint: `have the agent make one: filare-agents send ${of.agent.id} "git switch -c agents/${of.agent.id}"`,
    });
  }
  const [tip, head] = [await commitOf(helper, `refs/heads/${branch}`), await commitOf(helper, 'HEAD')];
  const { files, cut } = await uncommittedFiles(helper);
  const elsewhere = checked_out ?? head?.slice(0, 12) ?? 'nothing';
  return {
    branch,
    tip,
    head,
    checked_out,
    shallow: (await helper.git(['rev-parse', '--is-shallow-repository'])).stdout.trim() === 'true',
    uncommitted: files,
    uncommitted_cut: cut,
    notes: checked_out === branch ? [] : [`the agent is pinned to ${branch} and has ${elsewhere} checked out`],
  };
}

/** The commit that a name means in the workspace; null when there is none. */
export async function commitOf(helper: Helper, name: string): Promise<string | null> {
  const found = await helper.git(['rev-parse', '--verify', '--quiet', '--end-of-options', `${name}^{commit}`]);
  const oid = found.stdout.trim();
  return found.exit_code === 0 && OID.test(oid) ? oid : null;
}

/** Which of these commits the workspace has. */
export async function knownCommits(helper: Helper, commits: readonly string[]): Promise<readonly string[]> {
  if (commits.length === 0) return [];
  const asked = await helper.gitOrThrow(['cat-file', '--batch-check=%(objectname) %(objecttype)'], {
    stdin: `${commits.join('\n')}\n`,
  });
  const known = new Set(
    asked.stdout
      .split('\n')
      .filter((line) => line.endsWith(' commit'))
      .map((line) => line.slice(0, -' commit'.length)),
  );
  return commits.filter((commit) => known.has(commit));
}

/** How many commits `tip` has that none of the others reaches. */
export async function countCommits(helper: Helper, tip: string, without: readonly string[]): Promise<number> {
  const counted = await helper.gitOrThrow(['rev-list', '--count', tip, '--not', ...without]);
  return Number.parseInt(counted.stdout, 10) || 0;
}

async function uncommittedFiles(helper: Helper): Promise<{ readonly files: readonly string[]; readonly cut: boolean }> {
  const args = ['status', '--porcelain=v1', '-z', '--untracked-files=all', '--no-renames', '--ignore-submodules=none'];
  const status = await helper.git(args, { env: { GIT_OPTIONAL_LOCKS: '0' }, max_output_bytes: STATUS_BYTES });
  if (status.exit_code !== 0) throw gitFailed(args, status);
  const parts = status.stdout.split('\0');
  // The last part is empty, or cut in the middle.
  const files = parts.slice(0, -1).map((part) => part.slice(3));
  return { files: files.slice(0, MAX_UNCOMMITTED), cut: status.truncated === true || files.length > MAX_UNCOMMITTED };
}

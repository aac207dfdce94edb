import { asFilareError, FilareError } from '../contract/errors.js';
import { whyNotBranchName } from '../workspace/branch-name.js';
import { gitFailed, OUT, type Helper } from './helper.js';
import { HIDDEN_FILES } from './hidden-files.js';
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
  /** The tree without a file. */
  readonly empty_tree: string;
  /** Paths of files whose changes are in no commit, new ones and those that git was told not to look at among them, ignored ones not; at most MAX_UNCOMMITTED. */
  readonly uncommitted: readonly string[];
  readonly uncommitted_cut: boolean;
  readonly notes: readonly string[];
}

/** Prints `none`, or parts that each end with NUL: what HEAD names, its commit, the commit of the branch, shallow, the object format, then what git says is changed. */
const LOOK = `${HIDDEN_FILES}
[ -e .git ] || [ -L .git ] || { printf none; exit 0; }
head=$("$@" symbolic-ref --quiet HEAD)
printf '%s\\0' "$head"
"$@" rev-parse --verify --quiet 'HEAD^{commit}'; printf '\\0'
"$@" rev-parse --verify --quiet --end-of-options "\${BRANCH:-$head}^{commit}"; printf '\\0'
"$@" rev-parse --is-shallow-repository; printf '\\0'
"$@" rev-parse --show-object-format || exit; printf '\\0'
if hidden "$@"; then
  cp --preserve=timestamps -- "$("$@" rev-parse --git-path index)" ${OUT}/look-index || exit
  export GIT_INDEX_FILE=${OUT}/look-index
  unhide "$@" || exit
fi
exec "$@" status --porcelain=v1 -z --untracked-files=all --no-renames --ignore-submodules=none
`;
/** How long git may look at a workspace, in milliseconds. */
const LOOK_MS = 120_000;
const EMPTY_TREES: Readonly<Record<string, string>> = {
  sha1: '4b825dc642cb6eb9a060e54bf8d69288fbee4904',
  sha256: '6ef19b41225c5369f1c104d45d8d85efa9b057b53b14b4b9b939dd74decc5321',
};

/** Looks at the repository of a workspace; null when it is none. Throws `bad_state` for one that git cannot read. */
export async function surveyWorkspace(helper: Helper, of: Homecomer): Promise<Survey | null> {
  helper.step('reading the workspace');
  const looked = await helper
    .script(LOOK, {
      env: { GIT_OPTIONAL_LOCKS: '0', BRANCH: of.branch === null ? '' : `refs/heads/${of.branch}` },
      max_output_bytes: STATUS_BYTES,
      deadline_ms: LOOK_MS,
    })
    .catch((failure: unknown) => {
      throw waitsFor(of, asFilareError(failure));
    });
  if (looked.exit_code !== 0) throw gitFailed(['status'], looked);
  if (looked.stdout === 'none') return null;
  const [symbolic, head, tip, shallow, format, ...changed] = looked.stdout.split('\0');
  const named = /^refs\/heads\/(.+)$/.exec(symbolic ?? '')?.[1];
  const checked_out = named !== undefined && whyNotBranchName(named) === undefined ? named : null;
  const branch = of.branch ?? checked_out;
  if (branch === null) {
    throw new FilareError({
      code: 'bad_state',
      message: `the workspace of ${of.agent.id} has no branch checked out`,
      hint: `have the agent make one: filare-agents send ${of.agent.id} "git switch -c agents/${of.agent.id}"`,
    });
  }
  // The last part is empty, or cut in the middle.
  const uncommitted = changed.slice(0, -1).map((part) => part.slice(3));
  const head_commit = oidOf(head);
  const elsewhere = checked_out ?? head_commit?.slice(0, 12) ?? 'nothing';
  return {
    branch,
    tip: oidOf(tip),
    head: head_commit,
    checked_out,
    shallow: shallow?.trim() === 'true',
    empty_tree: EMPTY_TREES[format?.trim() ?? ''] ?? '',
    uncommitted: uncommitted.slice(0, MAX_UNCOMMITTED),
    uncommitted_cut: looked.truncated === true || uncommitted.length > MAX_UNCOMMITTED,
    notes: checked_out === branch ? [] : [`the agent is pinned to ${branch} and has ${elsewhere} checked out`],
  };
}

/** A pipe in the place of a file of git's, or a filter that sleeps, makes git wait for ever: two of those would hold up everybody's work. */
function waitsFor(of: Homecomer, failure: FilareError): FilareError {
  if (failure.code !== 'timeout') return failure;
  return new FilareError({
    code: 'timeout',
    message: `git could not look at the workspace of ${of.agent.id} within ${String(LOOK_MS / 1000)} s`,
    hint: `look what makes it wait: filare-agents shell ${of.agent.id}`,
    cause: failure,
  });
}

function oidOf(text: string | undefined): string | null {
  const oid = text?.trim() ?? '';
  return OID.test(oid) ? oid : null;
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

import { FilareError } from '../contract/errors.js';
import type { CheckedBranch, MergeTrial, SyncCheck } from '../contract/homecoming.js';
import { asFilareError } from '../contract/errors.js';
import { fetchWork } from './fetch-work.js';
import { withFolder, withHelper } from './helper.js';
import { DEFAULT_MAX_BYTES, type Homecomer, type HomecomingSurroundings } from './homecoming.js';
import { knownTips, openOperatorRepo, type OperatorRepo } from './operator-repo.js';
import { Quarantine } from './quarantine.js';
import { surveyWorkspace } from './survey.js';
import type { SyncPlace } from './sync.js';
import { join } from 'node:path';

/** Most branches that are merged with each other in one call. */
const MAX_BRANCHES = 64;

/**
 * Merges the agents' branches with the operator's and with each other, in a repository of ours; changes no ref anywhere. A session whose branch cannot be
 * taken is left out, with the reason. Throws `limit_exceeded` for too many, `bad_state` where the operator's repository has no commit.
 */
export async function checkSync(
  around: HomecomingSurroundings,
  homecomers: readonly Homecomer[],
  place: SyncPlace,
  options: { readonly onto: string | null; readonly max_bytes: number | null },
  signal: AbortSignal,
): Promise<SyncCheck> {
  if (homecomers.length > MAX_BRANCHES)
    throw new FilareError({
      code: 'limit_exceeded',
      message: `${String(homecomers.length)} branches are more than the ${String(MAX_BRANCHES)} that are compared at once`,
      hint: 'name the ones that you are about to merge',
    });
  const repo = await openOperatorRepo(place.repo, place.agent_folders, signal);
  const base = await baseOf(repo, options.onto);
  return withFolder(around, `check-${around.random(8)}`, async (folder) => {
    const bases = homecomers.flatMap(({ base: begun, synced }) => [begun, synced?.commit ?? null]);
    const known = await knownTips(repo, [...new Set([base.commit, ...bases.filter((one) => one !== null)])]);
    const quarantine = await Quarantine.make(join(folder, 'own'), repo, known, signal);
    const branches: CheckedBranch[] = [];
    for (const [at, of] of homecomers.entries()) {
      branches.push(
        await takeBranch(
          around,
          of,
          { quarantine, known, base: base.commit, as: `agent-${String(at)}` },
          options,
          signal,
        ),
      );
    }
    const { trials, too_large } = await mergeAll(quarantine, branches, base.commit);
    return {
      repo: repo.path,
      base,
      branches: branches.map((one) => ({ ...one, left_out: too_large.get(one.id) ?? one.left_out })),
      trials: [...trials],
      conflicts: trials.filter(({ files, unrelated }) => unrelated || files.length > 0).length,
    };
  });
}

async function takeBranch(
  around: HomecomingSurroundings,
  of: Homecomer,
  to: {
    readonly quarantine: Quarantine;
    readonly known: readonly string[];
    readonly base: string;
    readonly as: string;
  },
  options: { readonly max_bytes: number | null },
  signal: AbortSignal,
): Promise<CheckedBranch> {
  const max_bytes = options.max_bytes ?? DEFAULT_MAX_BYTES;
  const told = {
    session_id: of.session_id,
    id: of.agent.id,
    branch: of.branch,
    commit: null,
    commits: 0,
    uncommitted: 0,
  };
  try {
    return await withHelper(around, { of, writable: false, max_bytes, signal }, async (helper) => {
      const survey = await surveyWorkspace(helper, of);
      if (survey === null) return { ...told, left_out: 'its workspace is no git repository' };
      const { branch, tip, shallow } = survey;
      const seen = { ...told, branch, uncommitted: survey.uncommitted.length };
      if (tip === null) return { ...seen, left_out: 'it has no commit' };
      const { known, as } = to;
      await fetchWork(helper, to.quarantine, { branch, tip, shallow, known, as, max_bytes, signal });
      const commits = await to.quarantine.ahead(tip, to.base);
      return { ...seen, commit: tip, commits, left_out: commits === 0 ? 'the base has all of it' : null };
    });
  } catch (thrown) {
    const failure = asFilareError(thrown);
    if (signal.aborted || ['engine_unavailable', 'image_unavailable', 'no_space'].includes(failure.code)) throw failure;
    return { ...told, left_out: failure.message };
  }
}

/** Merges each with the base, and those that can be with each other; what one of them would take too much memory for is said of it. */
async function mergeAll(
  quarantine: Quarantine,
  branches: readonly CheckedBranch[],
  base: string,
): Promise<{ readonly trials: readonly MergeTrial[]; readonly too_large: ReadonlyMap<string, string> }> {
  const taken = branches.flatMap(({ id, commit, left_out }) =>
    commit === null || left_out !== null ? [] : [{ id, commit }],
  );
  const too_large = new Map<string, string>();
  const trials: MergeTrial[] = [];
  for (const [at, one] of taken.entries()) {
    const others = [{ id: null, commit: base }, ...taken.slice(at + 1)];
    for (const other of others) {
      if (too_large.has(one.id) || (other.id !== null && too_large.has(other.id))) continue;
      const merged = await quarantine.mergeTrial(one.commit, other.commit);
      if (merged === null)
        too_large.set(one.id, `merging it with ${other.id ?? 'the base'} takes more memory than git is given for it`);
      else trials.push({ a: one.id, b: other.id, files: [...merged.files], unrelated: merged.unrelated });
    }
  }
  return { trials, too_large };
}

async function baseOf(repo: OperatorRepo, onto: string | null): Promise<{ name: string; commit: string }> {
  const asked = onto ?? 'HEAD';
  const commit = await repo.git.answer(['rev-parse', '--verify', '--quiet', '--end-of-options', `${asked}^{commit}`]);
  if (commit === null)
    throw new FilareError({
      code: onto === null ? 'bad_state' : 'not_found',
      message: onto === null ? `${repo.path} has no commit yet` : `${repo.path} has no branch or commit ${onto}`,
      hint: 'name what the branches will be merged into: --onto BRANCH',
    });
  const branch = onto ?? (await repo.git.answer(['symbolic-ref', '--quiet', '--short', 'HEAD']));
  return { name: branch ?? commit.slice(0, 12), commit };
}

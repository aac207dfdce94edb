import type { CommitLine } from '../contract/homecoming.js';
import { FilareError } from '../contract/errors.js';
import { withHelper, type Helper } from './helper.js';
import type { Homecomer, HomecomingSurroundings } from './homecoming.js';
import { hasCommit, openOperatorRepo, type OperatorRepo } from './operator-repo.js';
import { knownCommits, surveyWorkspace } from './survey.js';
import type { SyncPlace } from './sync.js';

const MAX_TIPS = 500;
const MAX_LISTED = 1000;
const SCRATCH_BYTES = 64 * 2 ** 20;
const FIELD = '\x1f';

/** What would be lost with a workspace. */
export interface Unsynced {
  readonly commits: readonly Pick<CommitLine, 'commit' | 'subject'>[];
  readonly files: readonly string[];
  /** More than is listed. */
  readonly cut: boolean;
}

/**
 * What is in a workspace and nowhere else: commits of any branch or tag, of HEAD and of the stash that neither the operator's repository nor an earlier sync has,
 * and files in no commit. Ignored files do not count. Of a workspace that is no repository all files do. Throws where it cannot be told.
 */
export async function findUnsynced(
  around: HomecomingSurroundings,
  of: Homecomer,
  place: SyncPlace,
  signal: AbortSignal,
): Promise<Unsynced> {
  const repo = await openOperatorRepo(place.repo, place.agent_folders, signal).catch((failure: unknown) => {
    if (failure instanceof FilareError && failure.code === 'not_found') return null;
    throw failure;
  });
  return withHelper(around, { of, writable: false, max_bytes: SCRATCH_BYTES, signal }, async (helper) => {
    const survey = await surveyWorkspace(helper, of);
    if (survey === null) return allFiles(helper);
    const tips = await tipsOf(helper, survey.head);
    const rest = { files: survey.uncommitted, cut: survey.uncommitted_cut };
    if (tips.length === 0) return { commits: [], ...rest };
    const saved = await savedTips(helper, of, repo, tips);
    const listed = await helper.gitOrThrow([
      ...['log', '-z', `--max-count=${String(MAX_LISTED + 1)}`, '--format=%H%x1f%s', '--ignore-missing'],
      ...[...tips, '--not', ...saved],
    ]);
    const commits = listed.stdout.split('\0').flatMap((line) => {
      const [commit, subject] = line.split(FIELD);
      return commit === undefined || subject === undefined ? [] : [{ commit, subject }];
    });
    return {
      commits: commits.slice(0, MAX_LISTED),
      files: rest.files,
      cut: rest.cut || listed.truncated === true || commits.length > MAX_LISTED,
    };
  });
}

async function allFiles(helper: Helper): Promise<Unsynced> {
  const found = await helper.run(['find', '.', '-mindepth', '1', '-not', '-type', 'd', '-print0']);
  if (found.exit_code !== 0)
    throw new FilareError({ code: 'bad_state', message: `its files cannot be listed: ${found.stderr.slice(-300)}` });
  const files = found.stdout.split('\0').slice(0, -1);
  return {
    commits: [],
    files: files.slice(0, MAX_LISTED).map((name) => name.replace(/^\.\//, '')),
    cut: found.truncated === true || files.length > MAX_LISTED,
  };
}

/** A name, and the commit that it or the tag behind it is; nothing for names of other objects. */
const REF_FORMAT =
  '%(refname) %(if:equals=commit)%(objecttype)%(then)%(objectname)%(else)%(if:equals=commit)%(*objecttype)%(then)%(*objectname)%(end)%(end)';

/** Where its commits end: branches, HEAD and the stash, and what tags and other names keep beside them. */
async function tipsOf(helper: Helper, head: string | null): Promise<readonly string[]> {
  const list = async (...args: readonly string[]): Promise<readonly string[]> => {
    const listed = await helper.gitOrThrow(['for-each-ref', `--format=${REF_FORMAT}`, ...args]);
    if (listed.truncated === true) throw tooMany();
    const named = listed.stdout.split('\n').map((line) => line.split(' '));
    return named.flatMap(([name = '', tip = '']) => (tip === '' || name.startsWith('refs/remotes/') ? [] : [tip]));
  };
  const first = new Set([...(await list('refs/heads', 'refs/stash')), ...(head === null ? [] : [head])]);
  if (first.size > MAX_TIPS) throw tooMany();
  const tips = [...new Set([...first, ...(await list(...[...first].map((tip) => `--no-merged=${tip}`)))])];
  if (tips.length > MAX_TIPS) throw tooMany();
  return tips;
}

function tooMany(): FilareError {
  return new FilareError({ code: 'limit_exceeded', message: `it has more than ${String(MAX_TIPS)} branches or tags` });
}

async function savedTips(
  helper: Helper,
  of: Homecomer,
  repo: OperatorRepo | null,
  tips: readonly string[],
): Promise<readonly string[]> {
  const saved = [of.synced?.commit ?? null, of.seeded ? of.base : null].filter((one) => one !== null);
  if (repo !== null) for (const tip of tips) if (await hasCommit(repo, tip)) saved.push(tip);
  return knownCommits(helper, [...new Set(saved)]);
}

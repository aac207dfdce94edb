import type { ChangedFile, CommitLine, DiffScope, SessionDiff } from '../contract/homecoming.js';
import { FilareError } from '../contract/errors.js';
import { gitFailed, OUT, withHelper, type Helper } from './helper.js';
import { HIDDEN_FILES } from './hidden-files.js';
import type { Homecomer, HomecomingSurroundings } from './homecoming.js';
import { parseRawNumstat } from './raw-numstat.js';
import { commitOf, surveyWorkspace, type Survey } from './survey.js';

/** Bounds of a diff; what is longer is cut, and said. */
const MAX_PATCH_BYTES = 4 * 2 ** 20;
const MAX_FILES = 5000;
const MAX_COMMITS = 1000;
const LIST_BYTES = 2 * 2 ** 20;
/** Most bytes of one file that git may write while it compares. */
const SCRATCH_BYTES = 2 ** 30;
const HARMLESS = ['--no-ext-diff', '--no-textconv', '--no-color'];
const FIELD = '\x1f';

/** What is asked. */
export interface DiffQuery {
  readonly scope: DiffScope;
  /** Compare with this in place of where the session began. */
  readonly base: string | null;
  readonly patch: boolean;
}

/**
 * What an agent changed, computed in a container of ours with its workspace read-only, so it may run at any time. New files count, ignored ones do not.
 * Throws `bad_state` where the workspace is no repository or lacks the commit that it began at.
 */
export async function diffSession(
  around: HomecomingSurroundings,
  of: Homecomer,
  query: DiffQuery,
  signal: AbortSignal,
): Promise<SessionDiff> {
  return withHelper(around, { of, writable: false, max_bytes: SCRATCH_BYTES, signal }, async (helper) => {
    const survey = await surveyWorkspace(helper, of);
    if (survey === null) throw noRepository(of);
    const base = await baseOf(helper, of, query.base);
    const { from, to } = await ends(helper, survey, base, query.scope);
    const env = query.scope === 'committed' ? {} : SCRATCH;
    helper.step('comparing');
    const listed = await changedFiles(helper, from, to, env);
    const log = await commitLines(helper, base, survey.tip);
    const patch = query.patch ? await patchOf(helper, from, to, env) : null;
    const cut = {
      commits: log.cut,
      files: listed.cut,
      uncommitted: survey.uncommitted_cut,
      patch: patch?.cut === true,
    };
    return {
      session_id: of.session_id,
      id: of.agent.id,
      scope: query.scope,
      branch: survey.branch,
      base,
      head: survey.tip,
      commits: [...log.commits],
      files: [...listed.files],
      uncommitted: [...survey.uncommitted],
      patch: patch?.text ?? null,
      cut: Object.entries(cut).flatMap(([name, is_cut]) => (is_cut ? [name] : [])),
      notes: [...survey.notes],
    };
  });
}

/** The failure of whatever needs a repository. */
export function noRepository({ agent }: Homecomer): FilareError {
  return new FilareError({
    code: 'bad_state',
    message: `the workspace of ${agent.id} is no git repository: there is nothing to compare with, and no branch to bring`,
    hint: `its files are in ${agent.workspace.path}; seed the next one with \`workspace: {repo: …}\``,
  });
}

async function baseOf(helper: Helper, of: Homecomer, asked: string | null): Promise<string | null> {
  const wanted = asked ?? of.base;
  if (wanted === null) return null;
  const base = await commitOf(helper, wanted);
  if (base !== null) return base;
  throw new FilareError({
    code: asked === null ? 'bad_state' : 'not_found',
    message: `the workspace of ${of.agent.id} has no commit ${wanted}${asked === null ? ', where it began' : ''}`,
    hint: 'compare with another commit of it: --base COMMIT',
  });
}

/** The two trees to compare. */
async function ends(
  helper: Helper,
  survey: Survey,
  base: string | null,
  scope: DiffScope,
): Promise<{ readonly from: string; readonly to: string }> {
  const { empty_tree: empty } = survey;
  switch (scope) {
    case 'committed':
      return { from: base ?? empty, to: survey.tip ?? empty };
    case 'uncommitted':
      return { from: survey.head ?? empty, to: await treeOfFiles(helper) };
    case 'all':
      return { from: base ?? empty, to: await treeOfFiles(helper) };
  }
}

/** Where git puts what it makes of the files as they are: beside the repository, which stays as it is. */
const SCRATCH = {
  GIT_INDEX_FILE: `${OUT}/index`,
  GIT_OBJECT_DIRECTORY: `${OUT}/objects`,
  GIT_ALTERNATE_OBJECT_DIRECTORIES: '/home/agent/workspace/.git/objects',
};

/** With the times that the index remembers, files that did not change need not be read again. Without an index all are new. */
const SNAPSHOT = `${HIDDEN_FILES}
mkdir -p ${OUT}/objects/info ${OUT}/lfs && { cp --preserve=timestamps .git/index ${OUT}/index 2>/dev/null; true; } &&
if hidden "$@"; then unhide "$@"; fi &&
"$@" add --all -- . && exec "$@" write-tree
`;

/** The files as they are now, as a tree. */
async function treeOfFiles(helper: Helper): Promise<string> {
  const made = await helper.script(SNAPSHOT, { env: SCRATCH });
  if (made.exit_code !== 0) throw gitFailed(['add'], made);
  return made.stdout.trim();
}

async function changedFiles(
  helper: Helper,
  from: string,
  to: string,
  env: Readonly<Record<string, string>>,
): Promise<{ readonly files: readonly ChangedFile[]; readonly cut: boolean }> {
  const listed = await helper.gitOrThrow(
    ['diff', '--raw', '--numstat', '-z', '--find-renames', '--no-abbrev', ...HARMLESS, from, to],
    { env, max_output_bytes: LIST_BYTES },
  );
  const files = parseRawNumstat(listed.stdout);
  return { files: files.slice(0, MAX_FILES), cut: listed.truncated === true || files.length > MAX_FILES };
}

async function patchOf(
  helper: Helper,
  from: string,
  to: string,
  env: Readonly<Record<string, string>>,
): Promise<{ readonly text: string; readonly cut: boolean }> {
  const made = await helper.gitOrThrow(['diff', '--patch', '--find-renames', ...HARMLESS, from, to], {
    env,
    max_output_bytes: MAX_PATCH_BYTES,
  });
  return { text: made.stdout, cut: made.truncated === true };
}

async function commitLines(
  helper: Helper,
  base: string | null,
  tip: string | null,
): Promise<{ readonly commits: readonly CommitLine[]; readonly cut: boolean }> {
  if (tip === null) return { commits: [], cut: false };
  const format = ['%H', '%an', '%aI', '%s'].join('%x1f');
  const range = base === null ? [tip] : [tip, '--not', base];
  const listed = await helper.gitOrThrow(
    ['log', '-z', '--no-show-signature', `--max-count=${String(MAX_COMMITS + 1)}`, `--format=${format}`, ...range],
    { max_output_bytes: LIST_BYTES },
  );
  const commits = listed.stdout.split('\0').flatMap((line): CommitLine[] => {
    const [commit, author, at, subject] = line.split(FIELD);
    return commit === undefined || author === undefined || at === undefined || subject === undefined
      ? []
      : [{ commit, author, at, subject }];
  });
  return { commits: commits.slice(0, MAX_COMMITS), cut: listed.truncated === true || commits.length > MAX_COMMITS };
}

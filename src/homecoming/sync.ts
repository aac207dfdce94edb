import { mkdir, realpath } from 'node:fs/promises';
import { isAbsolute, join } from 'node:path';
import type { SyncOptions, SyncResult } from '../contract/homecoming.js';
import { FilareError } from '../contract/errors.js';
import { noRepository } from './diff.js';
import { commitWork, fetchWork } from './fetch-work.js';
import { withHelper, type Helper } from './helper.js';
import { DEFAULT_MAX_BYTES, type Homecomer, type HomecomingSurroundings } from './homecoming.js';
import {
  branchTip,
  hasCommit,
  knownTips,
  openOperatorRepo,
  requireFreeBranch,
  type OperatorRepo,
} from './operator-repo.js';
import { INCOMING, moveRef } from './move-ref.js';
import { writePatches } from './patches.js';
import { Quarantine } from './quarantine.js';
import { commitOf, surveyWorkspace, type Survey } from './survey.js';

/** Where work goes. */
export interface SyncPlace {
  /** Absolute path of the operator's repository, or of a folder in it. */
  readonly repo: string;
  /** What agents can write: nothing is written there, and no git of the host runs there. */
  readonly agent_folders: readonly string[];
}

/**
 * Brings the agent's branch into the operator's repository, or writes patch files. See homecoming.ts for what holds. Throws `conflict` when the branch
 * there has commits that the agent's lacks or is checked out, `limit_exceeded`, `bad_state` where nothing can be read, `interrupted`.
 */
export async function syncSession(
  around: HomecomingSurroundings,
  of: Homecomer,
  place: SyncPlace,
  options: SyncOptions,
  signal: AbortSignal,
): Promise<SyncResult> {
  const into = options.into ?? `agents/${of.agent.id}`;
  const max_bytes = options.max_bytes ?? DEFAULT_MAX_BYTES;
  const to_patches = options.patch_dir !== undefined;
  const repo = to_patches ? null : await openOperatorRepo(place.repo, place.agent_folders, signal);
  // Asked before anything is made, so that a mistake costs nothing.
  if (repo !== null) await requireFreeBranch(repo, into);
  const writable = options.commit !== undefined;
  return withHelper(around, { of, writable, max_bytes, signal }, async (helper) => {
    const first = await surveyWorkspace(helper, of);
    if (first === null) throw noRepository(of);
    const made_commit = options.commit === undefined ? null : await makeCommit(helper, of, first, options.commit);
    const survey = made_commit === null ? first : ((await surveyWorkspace(helper, of)) ?? first);
    const told = {
      session_id: of.session_id,
      id: of.agent.id,
      commit: survey.tip,
      made_commit,
      uncommitted: [...survey.uncommitted],
      patches: [],
      notes: [...survey.notes],
    };
    if (repo !== null)
      return { ...told, ...(await bring(helper, of, survey, { repo, into, max_bytes, options, signal, told })) };
    const patches =
      survey.tip === null
        ? { files: [], notes: [] }
        : await writePatches(helper, survey.tip, of.base, {
            folder: await patchFolder(options.patch_dir ?? '', place.agent_folders),
            max_bytes,
            signal,
          });
    return {
      ...told,
      outcome: patches.files.length === 0 ? 'nothing' : 'patches',
      repo: null,
      into: null,
      before: null,
      commits: patches.files.length,
      patches: [...patches.files],
      notes: [...told.notes, ...patches.notes],
    };
  });
}

async function makeCommit(helper: Helper, of: Homecomer, survey: Survey, message: string): Promise<string | null> {
  if (survey.checked_out !== survey.branch)
    throw new FilareError({
      code: 'bad_state',
      message: `what is not committed cannot be: ${survey.notes.join('; ')}`,
      hint: `have the agent check out ${survey.branch} first, or leave --commit out`,
    });
  const words = message.trim() === '' ? `Work of ${of.agent.id} that was in no commit` : message;
  return commitWork(helper, { message: `${words.trimEnd()}\n`, ...of.agent.git });
}

interface Bringing {
  readonly repo: OperatorRepo;
  readonly into: string;
  readonly max_bytes: number;
  readonly options: SyncOptions;
  readonly signal: AbortSignal;
  readonly told: { readonly notes: readonly string[] };
}

/** The part of the answer that says what became of the branch. */
async function bring(
  helper: Helper,
  of: Homecomer,
  survey: Survey,
  { repo, into, max_bytes, options, signal, told }: Bringing,
): Promise<Pick<SyncResult, 'outcome' | 'repo' | 'into' | 'before' | 'commits' | 'notes'>> {
  const before = await branchTip(repo, into);
  const at = { repo: repo.path, into, before };
  const { tip } = survey;
  if (tip === null) return { ...at, outcome: 'nothing', commits: 0, notes: [...told.notes] };
  const is_there = await hasCommit(repo, tip);
  if (before === null && is_there && options.into === undefined)
    return { ...at, outcome: 'nothing', commits: 0, notes: [...told.notes] };
  const known = await knownTips(
    repo,
    [before, of.base, of.synced?.commit ?? null, is_there ? tip : null].filter((one) => one !== null),
  );
  const quarantine = await Quarantine.make(helper.own, repo, known, signal);
  await fetchWork(helper, quarantine, { ...survey, tip, known, as: INCOMING, max_bytes, signal });
  if (before !== null && (await quarantine.isIn(tip, before)))
    return { ...at, outcome: 'up_to_date', commits: 0, notes: [...told.notes] };
  const replaces = before !== null && !(await quarantine.isIn(before, tip));
  if (replaces) await refuseToLose(helper, quarantine, of, { into, before, tip, force: options.force === true });
  const notes = [...told.notes, ...(await quarantine.notesOf(tip, before ?? of.base))];
  const commits = await quarantine.ahead(tip, before ?? (known.includes(of.base ?? '') ? of.base : null));
  if (before === null && known.length > 0 && !(await quarantine.isRelated(tip, known))) {
    // A repository that the agent began itself has no home but the project's; a clone has the one that it came from.
    if (options.repo === undefined && of.agent.workspace.repo !== undefined) throw unrelated(of, repo.path);
    notes.push(
      `it shares no commit with ${repo.path}, and git would not merge it there: if another repository was meant, --repo PATH names it`,
    );
  }
  helper.step(`moving ${into}`);
  await moveRef(repo, quarantine, { into, before, tip, replaces, id: of.agent.id });
  return {
    ...at,
    outcome: 'brought',
    commits,
    notes: replaces
      ? [...notes, `${into} was at ${before}, which the agent has rewritten; git keeps it in the reflog of the branch`]
      : notes,
  };
}

/** The failure of a clone where nobody said that it belongs there. */
function unrelated({ agent }: Homecomer, path: string): FilareError {
  return new FilareError({
    code: 'conflict',
    message: `the work of ${agent.id} shares no commit with ${path}, and git would not merge it there`,
    hint: `name the one that it belongs in: filare-agents sync ${agent.id} --repo PATH; --repo ${path} brings it there all the same`,
    details: { repo: path },
  });
}

/** Only what an earlier sync brought may be replaced, and only when that is asked for. */
async function refuseToLose(
  helper: Helper,
  quarantine: Quarantine,
  of: Homecomer,
  given: { readonly into: string; readonly before: string; readonly tip: string; readonly force: boolean },
): Promise<void> {
  const { into, before, tip, force } = given;
  // The branch stands where the last sync left it: whoever moved it since, by one commit more too, made it theirs. What an earlier session brought out of a
  // workspace that is gone was not rewritten in this one, and may be nowhere else.
  const is_ours =
    of.synced?.into === into
      ? of.synced.commit === before
      : (await of.broughtInto?.(into)) === before && (await commitOf(helper, before)) !== null;
  if (is_ours && force) return;
  const lost = await quarantine.ahead(before, tip);
  const what = `${String(lost)} ${lost === 1 ? 'commit' : 'commits'}`;
  throw new FilareError({
    code: 'conflict',
    message: is_ours
      ? `the agent has rewritten what was brought into ${into} before: ${what} there ${lost === 1 ? 'is' : 'are'} not in its branch any more`
      : `${into} has ${what} that the agent's branch lacks, and they are never replaced: no record of ${of.agent.id} says that a sync out of this workspace left it at ${before.slice(0, 12)}`,
    hint: is_ours
      ? `replace them: filare-agents sync ${of.agent.id} --force; or bring it elsewhere: --into BRANCH`
      : `bring it into another branch and merge the two yourself: filare-agents sync ${of.agent.id} --into agents/${of.agent.id}-2`,
    details: { into, there: before, agent: tip, commits: lost },
  });
}

async function patchFolder(path: string, agent_folders: readonly string[]): Promise<string> {
  if (!isAbsolute(path)) throw new FilareError({ code: 'usage', message: `${path} is not an absolute path` });
  await mkdir(path, { recursive: true });
  const real = await realpath(path);
  for (const folder of agent_folders) {
    const agents = await realpath(folder).catch(() => folder);
    if (real === agents || real.startsWith(join(agents, '/')))
      throw new FilareError({
        code: 'usage',
        message: `${path} lies where an agent can write`,
        hint: 'name a folder of your own',
      });
  }
  return real;
}

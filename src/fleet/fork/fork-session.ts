/**
 * `fork`: a second session from the point at which another one stands: its workspace copied, its thread forked. Contract:
 * - the copy is made by a container of its own that reads the source and can write nothing else than the copy (copy-source.ts): no program of this machine
 *   reads, and no git of it runs, where an agent can write;
 * - everything is made beside the new workspace, booked; the first record of the new session is what makes it be. A daemon that died before that has made
 *   nothing, one that died after it is finished by the next one (settle-forks.ts);
 * - the source goes on as it was; when it began to work while it was copied, nothing is made.
 */
import { chown, mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { AgentSpec } from '../../contract/agent-spec.js';
import { FilareError } from '../../contract/errors.js';
import { startAgain } from '../../contract/start-again.js';
import { agentFolders } from '../../session/launch.js';
import type { ForkPoint } from '../../session/record.js';
import type { SessionMemory } from '../../session/session-memory.js';
import { checkLocation } from '../../workspace/check-location.js';
import { readGitState } from '../../workspace/git-state.js';
import { pinnedBranch } from '../../workspace/pinned-branch.js';
import { withStaging, type Staging } from '../../workspace/seed-staging.js';
import { beginRecord, newSessionId, refuseTooLarge, runningSession } from '../begin-session.js';
import type { Roster } from '../roster.js';
import type { FleetSurroundings } from '../surroundings.js';
import { copySource } from './copy-source.js';
import { readSource, refuseChanged, refuseInUse, type ForkSource } from './fork-source.js';
import { placeFork, THREADS } from './place-fork.js';
import { noteFork } from './settle-forks.js';

/** What is asked for. */
export interface ForkRequest {
  /** Id of the new agent. */
  readonly as: string;
  /** Its first message; without one it waits. */
  readonly message?: string | undefined;
}

/** What forking works with. */
export interface ForkContext {
  readonly around: FleetSurroundings;
  readonly roster: Roster;
  readonly info: Parameters<typeof refuseTooLarge>[1];
  readonly max_parallel: number | null;
  readonly by: string;
  readonly signal: AbortSignal;
}

/** See the top of this file. Resolves when the new session's record is on disk and its files are in place; nothing of it runs yet. */
export async function forkSession(
  context: ForkContext,
  ref: string,
  request: ForkRequest,
): Promise<{ readonly folder: string; readonly memory: SessionMemory }> {
  const { around, roster, signal } = context;
  const found = roster.find(ref);
  const source = await readSource(around, found);
  const agent = forkedAgent(source.agent, request, around);
  const live = roster.live.filter((session) => !session.ended);
  refuseTaken(agent.id, source, live);
  refuseInUse(source, live);
  refuseTooLarge(agent, context.info);
  if (source.rehearsal !== null && !live.some((session) => session.state.rehearsal !== null))
    throw new FilareError({
      code: 'bad_state',
      message: 'no rehearsal is being played any more, and the session was rehearsed',
      hint: `start it again: ${startAgain(source.agent.id, source.rehearsal)}`,
    });
  const place = await checkLocation(agent, around.paths.root);
  if (place.state === 'filled') throw workspaceTaken(place.path);
  const session_id = newSessionId(around, agent.id);
  return withStaging(
    place.path,
    around.paths.key,
    (path) => intendStaging(around, path, session_id),
    async (staging) => {
      await makeTargets(staging, around);
      await copySource(around, {
        session_id,
        image: agent.image,
        workspace: source.agent.workspace.path,
        codex_home: agentFolders(around, source.agent.id).codex_home,
        thread_id: source.thread_id,
        branch: pinnedBranch(agent),
        staging,
        signal,
      });
      const head = await headOf(staging, agent);
      if (found.live !== null) refuseChanged(source, found.live.state);
      const begun = await beginRecord(around, agent, {
        ...context,
        session_id,
        rehearsal: source.rehearsal,
        fork: { ...pointOf(source), head },
      });
      await placeFork(around, { session_id, workspace: place.path, folder: begun.folder, staging });
      await noteFork(around, () => found, { session_id, id: agent.id });
      return begun;
    },
  );
}

/** The source's agent under another id, in a workspace and on a branch of its own, with nothing to do but `message`. */
function forkedAgent(source: AgentSpec, { as, message }: ForkRequest, { paths }: FleetSurroundings): AgentSpec {
  const { goal: _its_goal, branch: _its_branch, ...kept } = source;
  const own = (text: string): string => text.replace(source.id, as);
  const is_default_author =
    source.git.name === `${source.id} agent` && source.git.email === `${source.id}@agents.local`;
  return {
    ...kept,
    id: as,
    ...(message === undefined ? {} : { goal: message }),
    workspace: { path: join(paths.workspaces, as), reuse_existing: true, is_default: true },
    git: is_default_author ? { name: own(source.git.name), email: own(source.git.email) } : source.git,
    depends_on: [],
  };
}

function refuseTaken(as: string, source: ForkSource, live: Roster['live']): void {
  if (as.toLowerCase() === source.agent.id.toLowerCase())
    throw new FilareError({
      code: 'conflict',
      message: `a fork of ${source.agent.id} needs an id of its own`,
      hint: `filare-agents fork ${source.agent.id} --as ${source.agent.id.slice(0, 36)}-2`,
    });
  const running = runningSession(as, live);
  if (running === undefined) return;
  throw new FilareError({
    code: 'conflict',
    message: `an agent ${as} runs already (session ${running.state.session_id})`,
    hint: 'give the fork another id',
  });
}

function workspaceTaken(path: string): FilareError {
  return new FilareError({
    code: 'conflict',
    message: `the workspace ${path} exists and is not empty`,
    hint: 'give the fork another id, or move that folder away',
    details: { path },
  });
}

async function intendStaging(
  { resources }: FleetSurroundings,
  path: string,
  session_id: string,
): Promise<(outcome: 'kept' | 'removed') => Promise<void>> {
  const entry = await resources.intend({ kind: 'folder', name: path, session_id });
  return (outcome) => (outcome === 'kept' ? resources.kept(entry, 'workspace') : resources.closed(entry, outcome));
}

/** The folders that the container writes into. */
async function makeTargets(staging: Staging, { user, caller_uid }: FleetSurroundings): Promise<void> {
  for (const path of [staging.tree, join(staging.scratch, THREADS)]) {
    await mkdir(path, { mode: 0o700 });
    if (caller_uid === 0) await chown(path, user.uid, user.gid);
  }
}

/** The commit that the copy stands on; null where there is none. */
async function headOf(staging: Staging, agent: AgentSpec): Promise<string | null> {
  const state = await readGitState(staging.tree);
  if (state.kind === 'none') return null;
  if (state.kind === 'branch' && state.branch === pinnedBranch(agent)) return state.commit;
  throw new FilareError({
    code: 'workspace',
    message: `the copy of the workspace cannot be put on the branch ${pinnedBranch(agent)}: its .git is no ordinary repository`,
  });
}

function pointOf({ session_id, agent, thread_id, turns, interrupted, tokens }: ForkSource): Omit<ForkPoint, 'head'> {
  return { session_id, id: agent.id, thread_id, turns, interrupted, tokens };
}

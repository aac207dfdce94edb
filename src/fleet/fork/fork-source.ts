import { stat } from 'node:fs/promises';
import type { AgentSpec } from '../../contract/agent-spec.js';
import { FilareError, unreachable } from '../../contract/errors.js';
import type { Tokens } from '../../contract/session.js';
import { openForPerson } from '../../session/prompts.js';
import type { Session } from '../../session/session.js';
import { NO_TOKENS, type SessionState } from '../../session/state.js';
import { plusTokens } from '../../session/token-sums.js';
import type { Fleet } from '../fleet.js';
import type { FleetSurroundings } from '../surroundings.js';
import { openMemory } from '../open-memory.js';

/** The session that is forked, as it stands. */
export interface ForkSource {
  readonly session_id: string;
  readonly agent: AgentSpec;
  readonly rehearsal: string | null;
  /** Null when it had no turn: Codex keeps a thread from its first turn on. */
  readonly thread_id: string | null;
  readonly turns: number;
  /** Its last turn has not ended: it waits for a person. */
  readonly interrupted: boolean;
  /** Codex's own totals of its thread. */
  readonly tokens: Tokens;
  /** Changes when it does anything. */
  readonly mark: string;
}

/** Reads where a session stands. `bad_state` while a turn runs, and when there is nothing to copy. */
export async function readSource(around: FleetSurroundings, found: ReturnType<Fleet['find']>): Promise<ForkSource> {
  const state = found.live === null ? await endedState(around, found) : found.live.state;
  if (found.live !== null) refuseBusy(state);
  const { agent, session_id, rehearsal, thread_id, turns, stage } = state;
  const folder = await stat(agent.workspace.path).catch(() => null);
  if (folder?.isDirectory() !== true)
    throw new FilareError({
      code: 'bad_state',
      message: `session ${session_id} cannot be forked: its workspace ${agent.workspace.path} is not there`,
    });
  return {
    session_id,
    agent,
    rehearsal,
    thread_id: turns === 0 ? null : thread_id,
    turns,
    interrupted: stage.phase === 'running' && stage.turn !== null,
    tokens: plusTokens(state.tokens, state.fork?.tokens ?? NO_TOKENS),
    mark: markOf(state),
  };
}

/** Refuses (`bad_state`) an ended source whose workspace or Codex home another session works with. */
export function refuseInUse(source: ForkSource, live: readonly Session[]): void {
  const { path } = source.agent.workspace;
  const user = live.find(
    ({ state }) =>
      state.session_id !== source.session_id &&
      (state.agent.id.toLowerCase() === source.agent.id.toLowerCase() || state.agent.workspace.path === path),
  );
  if (user === undefined) return;
  throw new FilareError({
    code: 'bad_state',
    message: `session ${source.session_id} cannot be forked: session ${user.state.session_id} works in its place now`,
    hint: `fork that one: filare-agents fork ${user.state.agent.id} --as NEW`,
  });
}

/** Refuses (`bad_state`) when the source did anything since it was read. */
export function refuseChanged(source: ForkSource, now: SessionState): void {
  if (markOf(now) === source.mark) return;
  throw new FilareError({
    code: 'bad_state',
    message: `${source.agent.id} began to work while it was copied; nothing was made`,
    hint: waitHint(source.agent.id),
  });
}

async function endedState(
  around: FleetSurroundings,
  found: { row: { session_id: string }; folder: string },
): Promise<SessionState> {
  const memory = await openMemory(around, found.row.session_id, found.folder);
  await memory.close();
  return memory.state;
}

function refuseBusy(state: SessionState): void {
  const { stage, outbox, agent } = state;
  const refuse = (why: string, hint?: string): never => {
    throw new FilareError({
      code: 'bad_state',
      message: `${agent.id} cannot be forked now: ${why}`,
      ...(hint === undefined ? {} : { hint }),
    });
  };
  switch (stage.phase) {
    case 'queued':
    case 'preparing':
    case 'starting':
      if (state.attempt <= 1) refuse('it has not started yet', waitHint(agent.id));
      return refuse('it is being started again', waitHint(agent.id));
    case 'stopping':
      return refuse('it is being stopped', 'fork it when it has stopped');
    case 'running':
      if (stage.turn !== null && openForPerson(state).length === 0)
        return refuse('a turn runs', `${waitHint(agent.id)}, or end the turn: filare-agents interrupt ${agent.id}`);
      if (stage.turn === null && outbox.some(({ sent }) => sent))
        return refuse('a message is on its way to it', waitHint(agent.id));
      return;
    case 'backing_off':
    case 'stopped':
    case 'failed':
      return;
    default:
      return unreachable(stage);
  }
}

function waitHint(id: string): string {
  return `filare-agents wait ${id} --until idle`;
}

function markOf({ attempt, turns, stage, requests }: SessionState): string {
  const turn = stage.phase === 'running' ? stage.turn : null;
  return JSON.stringify([attempt, turns, stage.phase, turn, requests.map((one) => [one.prompt_id, one.decision])]);
}

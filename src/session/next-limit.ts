import { promptId } from '../transcript/prompt-id.js';
import type { Step } from './next.js';
import type { Limit } from './record.js';
import type { SessionState, Stage } from './state.js';

/** Answers to a prompt about a limit. */
export const LIMIT_CHOICES = ['go on', 'stop'] as const;

/** Holds the session when it has used up what its manifest gives, and asks; undefined while it has not. Reaching a limit never stops a session by itself. */
export function nextLimit(
  state: SessionState,
  stage: Extract<Stage, { phase: 'running' }>,
  now_ms: number,
): Step | undefined {
  if (state.paused !== null) return undefined;
  const reached = reachedLimit(state, stage, now_ms);
  if (reached === undefined) return undefined;
  const { limit, used } = reached;
  const times = state.raised[limit];
  return {
    do: 'commit',
    fact: {
      type: 'paused',
      by: 'filare-agents',
      // A turn that runs would use more; one that has not begun need not be ended.
      interrupt: limit !== 'turns',
      limit,
      ask: {
        prompt_id: promptId(state.session_id, 0, `limit-${limit}-${String(times)}`),
        question: `${state.agent.id} has reached its limit of ${used}${times === 0 ? '' : `, after it was raised ${String(times)} times`}. Let it go on with as much again, or stop it?`,
        choices: [...LIMIT_CHOICES],
        severity: 'warning',
      },
    },
  };
}

/** When a session that has a limit of time reaches it, in milliseconds since the epoch; null where it has none, or is held already. */
export function limitDue(state: SessionState): number | null {
  const { wall_time_ms } = state.agent.limits;
  return wall_time_ms === undefined || state.paused !== null
    ? null
    : state.started_ms + allowed(state, 'wall_time', wall_time_ms);
}

function reachedLimit(
  state: SessionState,
  stage: Extract<Stage, { phase: 'running' }>,
  now_ms: number,
): { readonly limit: Limit; readonly used: string } | undefined {
  const { turns, tokens, wall_time_ms } = state.agent.limits;
  if (tokens !== undefined && state.tokens.total >= allowed(state, 'tokens', tokens))
    return { limit: 'tokens', used: `${String(allowed(state, 'tokens', tokens))} tokens` };
  if (wall_time_ms !== undefined && now_ms - state.started_ms >= allowed(state, 'wall_time', wall_time_ms))
    return { limit: 'wall_time', used: `${String(allowed(state, 'wall_time', wall_time_ms) / 1000)} seconds` };
  const begins = stage.turn === null && state.outbox.some((m) => !m.sent);
  if (turns !== undefined && begins && state.turns >= allowed(state, 'turns', turns))
    return { limit: 'turns', used: `${String(allowed(state, 'turns', turns))} turns` };
  return undefined;
}

function allowed(state: SessionState, limit: Limit, given: number): number {
  return given * (1 + state.raised[limit]);
}

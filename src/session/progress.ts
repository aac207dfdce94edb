import type { DependencyCondition } from '../contract/agent-spec.js';
import { openPrompts } from './prompts.js';
import type { SessionState } from './state.js';

/** The state with a turn ended. */
export function withTurnOver(state: SessionState): SessionState {
  return state.progress === 'idle' ? state : { ...state, progress: 'turn_over' };
}

/** The state, with the first time written down that it is idle after a turn: nothing runs, nothing is on its way, nobody is asked, nobody holds it. */
export function withIdle(state: SessionState): SessionState {
  const { progress, stage, outbox, paused } = state;
  if (progress !== 'turn_over' || stage.phase !== 'running' || stage.turn !== null) return state;
  if (outbox.length > 0 || paused !== null || openPrompts(state).length > 0) return state;
  return { ...state, progress: 'idle' };
}

/** Which conditions of `depends_on` it has met. Once met, always met: a session that works again has been idle. */
export function reachedOf({ progress, synced, nothing_to_sync }: SessionState): DependencyCondition[] {
  return [
    ...(progress === 'none' ? [] : (['started'] as const)),
    ...(progress === 'idle' ? (['idle'] as const) : []),
    ...(synced === null && nothing_to_sync !== true ? [] : (['synced'] as const)),
  ];
}

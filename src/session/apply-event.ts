import type { AgentEvent } from '../contract/agent-event.js';
import { unreachable } from '../contract/errors.js';
import type { Policy } from '../inbox/policy.js';
import { withTurnOver } from './progress.js';
import { closeRequests, openRequest } from './prompt-state.js';
import { NO_TOKENS, type SessionState, type Stage } from './state.js';
import { minusTokens } from './token-sums.js';

/** The state after something that the agent did; what it asks is judged by the policy. Pure. */
export function applyEvent(state: SessionState, event: AgentEvent, time_ms: number, policy: Policy): SessionState {
  const withdrawn = { outcome: 'withdrawn', by: 'codex', at_ms: time_ms } as const;
  const seen = time_ms > state.last_seen_ms ? { ...state, last_seen_ms: time_ms } : state;
  switch (event.type) {
    case 'turn_started':
      return seen.stage.phase === 'running'
        ? {
            ...seen,
            turns: seen.turns + 1,
            stage: { ...seen.stage, turn: { turn_id: event.turn_id, interrupting: false } },
          }
        : seen;
    case 'message_accepted':
      // One message is under way at a time.
      return { ...seen, outbox: seen.outbox.map((m) => (m.sent ? { ...m, accepted_by: event.turn_id } : m)) };
    case 'turn_ended':
      return closeRequests(
        withTurnOver({
          ...seen,
          stage: endTurn(seen.stage, event.turn_id),
          // What it has not shown by now it has not taken.
          outbox: seen.outbox.map((m) => (m.accepted_by === event.turn_id ? { ...m, accepted_by: null } : m)),
        }),
        (open) => open.request.turn_id === event.turn_id,
        withdrawn,
      );
    case 'message_shown':
      return { ...seen, outbox: seen.outbox.filter((m) => m.message_id !== event.message_id) };
    case 'tokens': {
      const { total, input, cached_input, output, reasoning } = event;
      const counted = { total, input, cached_input, output, reasoning };
      return { ...seen, tokens: minusTokens(counted, seen.fork?.tokens ?? NO_TOKENS) };
    }
    case 'request':
      return openRequest(seen, event, time_ms, policy);
    case 'request_closed':
      return closeRequests(seen, (open) => open.request.request_id === event.request_id, withdrawn);
    case 'item_done':
      // Codex never says that a call of a tool is resolved: its item's end is that.
      return closeRequests(
        seen,
        ({ request }) => request.method === 'item/tool/call' && request.item_id === event.item.item_id,
        withdrawn,
      );
    case 'initialized':
    case 'thread_started':
    case 'item_started':
    case 'item_piece':
    case 'plan':
    case 'response':
    case 'warning':
    case 'error':
    case 'quiet':
    case 'unknown':
    case 'unparsed':
      return seen;
    default:
      return unreachable(event);
  }
}

function endTurn(stage: Stage, turn_id: string): Stage {
  return stage.phase === 'running' && stage.turn?.turn_id === turn_id ? { ...stage, turn: null } : stage;
}

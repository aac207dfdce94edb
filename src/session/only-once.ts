import type { AgentEvent } from '../contract/agent-event.js';
import type { SessionState } from './state.js';

/** The event; a request that is open already is quiet: Codex says it again to each terminal that joins its thread. */
export function onlyOnce(state: SessionState, event: AgentEvent): AgentEvent {
  if (event.type !== 'request') return event;
  const { request_id, method } = event.request;
  return state.requests.some((open) => open.request.request_id === request_id && open.attempt === state.attempt)
    ? { type: 'quiet', method }
    : event;
}

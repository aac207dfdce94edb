import type { AgentRequest } from '../contract/agent-event.js';
import type { WireMessage } from './parse-line.js';
import { isRecord } from './fields.js';
import type { ServerNotification, TurnStartResponse, TurnSteerResponse } from './generated/protocol.js';

type Fields = Readonly<Record<string, unknown>>;
type Notification = Extract<WireMessage, { kind: 'notification' }>;

/** How the ids begin under which Codex is asked for an attached terminal: the answers are its own, and no part of the session's story. */
export const CLIENT_ID_PREFIX = 'attached-';

/** A notification as the client of this thread is shown it; null: it is about another thread. */
export function shownNotification({ method, params, emitted_ms }: Notification, thread_id: string): Fields | null {
  const theirs = params['threadId'] ?? (isRecord(params['thread']) ? params['thread']['id'] : undefined);
  if (typeof theirs === 'string' && theirs !== thread_id) return null;
  const time = emitted_ms === null ? {} : { emittedAtMs: emitted_ms };
  const { item } = params;
  if (!isRecord(item) || item['type'] !== 'userMessage') return { method, params, ...time };
  return { method, params: { ...params, item: { ...item, clientId: clientIdOf(item['clientId']) } }, ...time };
}

/** A request of Codex as the client is shown it: only with the answers that we can carry. */
export function shownRequest(request: AgentRequest, params: Fields): Fields {
  const { request_id: id, method } = request;
  if (method !== 'item/commandExecution/requestApproval') return { id, method, params };
  const plain = {
    availableDecisions: [...request.choices],
    proposedExecpolicyAmendment: null,
    proposedNetworkPolicyAmendments: null,
  };
  return { id, method, params: { ...params, ...plain } };
}

/** The answer to a client whose message was taken by a turn. */
export function turnStarted(turn_id: string): TurnStartResponse {
  const nothing = { error: null, startedAt: null, completedAt: null, durationMs: null };
  return {
    turn: { id: turn_id, rootTurnId: turn_id, items: [], itemsView: 'notLoaded', status: 'inProgress', ...nothing },
  };
}

/** The answer to a client whose message goes into the running turn. */
export function turnSteered(turn_id: string): TurnSteerResponse {
  return { turnId: turn_id };
}

/** A sentence of ours that the client shows. */
export function clientWarning(thread_id: string, message: string): ServerNotification {
  return { method: 'warning', params: { threadId: thread_id, message } };
}

/** The client's own name of a message that came from it; any other stays as it is. See messageKey in client-request.ts. */
function clientIdOf(id: unknown): unknown {
  const [, ...parts] =
    typeof id === 'string'
      ? (/^m-([0-9a-f]{8})([0-9a-f]{4})([0-9a-f]{4})([0-9a-f]{4})([0-9a-f]{12})$/.exec(id) ?? [])
      : [];
  return parts.length === 0 ? id : parts.join('-');
}

/**
 * The codex room: the app-server protocol of the pinned Codex, in both directions, over a channel that somebody else holds.
 *
 * Contract:
 * - `observe` turns a journal line into what the agent did, without memory: the same line gives the same events, live or after a crash;
 * - nothing that Codex says is fatal: an unknown method, a missing field, a line that is no JSON become events that are shown;
 * - every request of Codex becomes a `request` event and can be answered (answer.ts), whichever thread it comes from;
 * - every request of ours ends: with an answer, at its deadline, with its signal, or when the connection closes (connection.ts);
 * - the configuration we write (config-toml.ts) lets no file of the workspace or of the Codex home decide anything.
 *
 * Only this room knows Codex's words; session/ and transcript/ live on contract/agent-event.ts.
 */
import type { JournalLine } from '../channel/channel.js';
import type { AgentEvent } from '../contract/agent-event.js';
import { CLIENT_ID_PREFIX } from './client-view.js';
import { isRecord, numberOrNull, textOf } from './fields.js';
import { NOTIFICATION_READERS } from './notifications.js';
import { parseLine } from './parse-line.js';
import { readRequest } from './request.js';

/**
 * What one journal line says the agent did. `thread_id` is the session's own thread, null until it is known (then the first
 * `thread/started` is it); notifications of other threads are `quiet`. Never throws.
 */
export function observe(line: JournalLine, thread_id: string | null): readonly AgentEvent[] {
  const message = parseLine(line);
  switch (message.kind) {
    case 'notification':
      return [readNotification(message.method, message.params, message.emitted_ms, thread_id)];
    case 'request':
      return [
        {
          type: 'request',
          request: readRequest(message.id, message.method, message.params),
          time_ms: numberOrNull(message.params, 'startedAtMs'),
        },
      ];
    case 'response':
      return readResponse(message.id, message.result, message.error);
    case 'unparsed':
      return [{ type: 'unparsed', reason: message.reason, preview: message.preview, bytes: message.bytes }];
    case 'blank':
      return [];
  }
}

function readNotification(
  method: string,
  params: Readonly<Record<string, unknown>>,
  emitted_ms: number | null,
  ours: string | null,
): AgentEvent {
  const read = NOTIFICATION_READERS.get(method);
  if (read === undefined) return { type: 'unknown', method, params };
  if (ours !== null) {
    const theirs = params['threadId'] ?? (isRecord(params['thread']) ? params['thread']['id'] : undefined);
    if (typeof theirs === 'string' && theirs !== ours) return { type: 'quiet', method };
  }
  return read(params, emitted_ms) ?? { type: 'quiet', method };
}

function readResponse(
  id: string | number,
  result: unknown,
  error: { readonly code: number; readonly message: string } | null,
): readonly AgentEvent[] {
  if (typeof id === 'string' && id.startsWith(CLIENT_ID_PREFIX)) return [{ type: 'quiet', method: 'response' }];
  if (error !== null) return [{ type: 'response', id, error }];
  const response: AgentEvent = { type: 'response', id, result };
  // Only the answer to `initialize` has a user agent and no thread.
  if (isRecord(result) && typeof result['userAgent'] === 'string') {
    return [{ type: 'initialized', user_agent: textOf(result, 'userAgent') }, response];
  }
  // Those to `turn/start` and `turn/steer` name the turn.
  const turn = isRecord(result) ? (isRecord(result['turn']) ? result['turn']['id'] : result['turnId']) : undefined;
  if (typeof turn === 'string') return [{ type: 'message_accepted', turn_id: turn }, response];
  return [response];
}

import { unreachable } from '../contract/errors.js';
import type { StoryFact } from '../transcript/story-fact.js';
import type { SessionFact } from './record.js';
import type { SessionState } from './state.js';

/** What the transcript says of a ledger record; null where it says nothing. `after` is the state once the record was applied. */
export function tell(fact: SessionFact, after: SessionState): StoryFact | null {
  switch (fact.type) {
    case 'created':
      return {
        type: 'state',
        phase: 'queued',
        text: `session of agent ${after.agent.id} (${after.agent.role}) begins`,
        data: { by: fact.by },
      };
    case 'desired':
      return fact.desired === 'running'
        ? null
        : {
            type: 'state',
            phase: after.stage.phase,
            text: `${fact.desired === 'stopped' ? 'stop' : 'restart'} asked for by ${fact.by}`,
            data: { by: fact.by },
          };
    case 'waiting':
      return { type: 'state', phase: 'queued', text: `waits: ${fact.reason}`, data: {} };
    case 'attempt_begun':
      return {
        type: 'state',
        phase: 'preparing',
        text: `attempt ${String(after.attempt)} begins${fact.thread_id === null ? '' : ` on thread ${fact.thread_id}`}`,
        data: {},
      };
    case 'workspace_ready':
      return {
        type: 'note',
        text: `workspace ready (${fact.how}${fact.branch === null ? '' : `, branch ${fact.branch}`})`,
        data: { branch: fact.branch, head: fact.head, how: fact.how },
      };
    case 'container_created':
      return {
        type: 'state',
        phase: 'starting',
        text: `container ${fact.container_name} created`,
        data: { container_id: fact.container_id, image_id: fact.image_id },
      };
    case 'running':
      return {
        type: 'state',
        phase: 'running',
        text: fact.resumed ? `running again on thread ${fact.thread_id}` : `running on thread ${fact.thread_id}`,
        data: { thread_id: fact.thread_id, resumed: fact.resumed },
      };
    case 'not_taken':
      return {
        type: 'warning',
        text: fact.again
          ? `message ${fact.message_id} was not taken (${fact.reason}); it goes again`
          : `message ${fact.message_id} was not taken: ${fact.reason}`,
        data: { message_id: fact.message_id },
      };
    case 'interrupt':
      return { type: 'note', text: `interrupt asked for by ${fact.by}`, data: { turn_id: fact.turn_id } };
    case 'decision':
      return {
        type: 'decision',
        prompt_id: fact.prompt_id,
        request_id: fact.request_id,
        choice: fact.choice,
        by: fact.by,
        rule: fact.rule,
        reason: fact.reason,
      };
    case 'attempt_ending':
      return {
        type: fact.cause === 'stopped' || fact.cause === 'restarted' ? 'note' : 'error',
        text: `attempt ${String(after.attempt)} ends: ${fact.reason}`,
        data: { cause: fact.cause },
      };
    case 'attempt_ended':
      return {
        type: 'state',
        phase: 'backing_off',
        text: `attempt ${String(after.attempt)} ended; its container is gone`,
        data: {},
      };
    case 'backing_off':
      return {
        type: 'state',
        phase: 'backing_off',
        text: `next attempt at ${new Date(fact.until_ms).toISOString()}`,
        data: { until_ms: fact.until_ms },
      };
    case 'ended':
      return {
        type: 'state',
        phase: fact.phase,
        text: `session ${fact.phase}: ${fact.reason}`,
        data: { reason: fact.reason },
      };
    case 'said':
      return { type: fact.level, text: fact.text, data: fact.data ?? {} };
    case 'message':
    case 'sent':
    case 'container_started':
      return null;
    default:
      return unreachable(fact);
  }
}

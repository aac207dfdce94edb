import { unreachable } from '../contract/errors.js';
import type { StoryFact } from '../transcript/story-fact.js';
import type { PauseQuestion } from '../contract/api-shapes.js';
import type { ForkPoint, SessionFact } from './record.js';
import type { OwnPrompt, SessionState } from './state.js';

/** What the transcript says of a ledger record; null where it says nothing. `after` is the state once the record was applied. */
export function tell(fact: SessionFact, after: SessionState): StoryFact | null {
  switch (fact.type) {
    case 'created':
      return {
        type: 'state',
        phase: 'queued',
        text: `session of agent ${after.agent.id} (${after.agent.role}) begins${fact.fork === undefined ? '' : `, ${forkWords(fact.fork)}`}`,
        data: { by: fact.by, ...(fact.fork === undefined ? {} : { forked_from: fact.fork }) },
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
      return { type: 'state', phase: 'queued', text: `in the queue: ${fact.reason}`, data: {} };
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
        text: notTaken(fact),
        data: { message_id: fact.message_id },
      };
    case 'interrupt':
      return { type: 'note', text: `interrupt asked for by ${fact.by}`, data: { turn_id: fact.turn_id } };
    case 'decision':
      return {
        type: 'decision',
        prompt_id: fact.prompt_id,
        choice: fact.choice,
        by: fact.by,
        rule: fact.rule,
        reason: fact.reason,
        outcome: fact.outcome,
        remember: fact.remember ?? null,
      };
    case 'question':
      return tellQuestion(fact.prompt_id, fact.origin ?? 'ask_operator', fact.asked_by, fact.ask);
    case 'settled':
      return fact.outcome === 'answered' ? null : over(fact.prompt_id, 'filare-agents', 'withdrawn');
    case 'limit_raised':
      return { type: 'note', text: `the limit of ${fact.limit} was raised by ${fact.by}`, data: { by: fact.by } };
    case 'retried':
      return { type: 'note', text: `${fact.by} lets it try again`, data: { by: fact.by } };
    case 'paused': {
      const text = `paused by ${fact.by}${fact.interrupt ? ', with the running turn interrupted' : ''}`;
      return { type: 'note', text, data: { by: fact.by, prompt_id: fact.ask?.prompt_id ?? null } };
    }
    case 'resumed':
      return { type: 'note', text: `resumed by ${fact.by}`, data: { by: fact.by } };
    case 'nothing_to_sync':
      return {
        type: 'note',
        text: 'it has nothing to bring home: who waits for its work waits no longer',
        data: { by: fact.by },
      };
    case 'synced':
      return {
        type: 'note',
        text: `work up to ${fact.commit.slice(0, 12)} was brought into branch ${fact.into} by ${fact.by}`,
        data: { commit: fact.commit, into: fact.into, by: fact.by },
      };
    case 'not_brought_home':
      return { type: 'warning', text: fact.text, data: {} };
    case 'reminded':
      return {
        type: 'note',
        text: `the operator is reminded of prompt ${fact.prompt_id}`,
        data: { prompt_id: fact.prompt_id },
      };
    case 'rule_forgotten':
      return {
        type: 'note',
        text: `rule ${fact.rule_id} was taken back by ${fact.by}`,
        data: { rule_id: fact.rule_id, by: fact.by },
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
    case 'notified':
    case 'message':
    case 'sent':
    case 'container_started':
    case 'journal_given_back':
      return null;
    default:
      return unreachable(fact);
  }
}

/** What becomes of the question of a pause that nobody had answered when the pause ended, or another began; null where nothing does. `before` is the state before the record. */
export function tellSuperseded(fact: SessionFact, before: SessionState): StoryFact | null {
  if (fact.type !== 'paused' && fact.type !== 'resumed') return null;
  const own = before.own_prompts.find((one) => one.prompt_id === before.paused?.prompt_id);
  if (own === undefined || own.decision !== null) return null;
  const { prompt_id } = own;
  return over(prompt_id, fact.by, 'superseded');
}

function over(prompt_id: string, by: string, outcome: 'superseded' | 'withdrawn'): StoryFact {
  return { type: 'decision', prompt_id, choice: '', by, rule: null, reason: null, outcome, remember: null };
}

/** The question of a pause, which is told beside the pause itself; null where the pause asks nothing. */
export function tellPauseQuestion(fact: SessionFact): StoryFact | null {
  if (fact.type !== 'paused' || fact.ask === undefined) return null;
  const { prompt_id, ...ask } = fact.ask;
  return tellQuestion(prompt_id, fact.limit === undefined ? 'pause' : 'limit', fact.by, ask);
}

function tellQuestion(prompt_id: string, origin: OwnPrompt['origin'], asked_by: string, ask: PauseQuestion): StoryFact {
  const { question, choices = [], suggested_reply = null, severity = 'info' } = ask;
  return { type: 'question', prompt_id, origin, asked_by, question, choices, suggested_reply, severity };
}

function forkWords({ id, session_id, turns, interrupted }: ForkPoint): string {
  const when = `after ${String(turns)} ${turns === 1 ? 'turn' : 'turns'}`;
  return `forked from ${id} (session ${session_id}) ${when}${interrupted ? ', the last of them interrupted' : ''}`;
}

function notTaken({ message_id, reason, again, perhaps }: Extract<SessionFact, { type: 'not_taken' }>): string {
  if (perhaps === true) return `whether message ${message_id} was taken is not known: ${reason}; it is not sent again`;
  return again
    ? `message ${message_id} was not taken (${reason}); it goes again`
    : `message ${message_id} was not taken: ${reason}`;
}

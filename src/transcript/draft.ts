import type { AgentEvent, AgentItem, AgentRequest } from '../contract/agent-event.js';
import { unreachable } from '../contract/errors.js';
import type { TranscriptEntry } from '../contract/transcript.js';
import type { Asked, StoryFact } from './story-fact.js';

/** What an entry says, before it is numbered, timed, masked and bounded. */
export interface Draft {
  readonly direction: TranscriptEntry['direction'];
  readonly from: string;
  readonly kind: TranscriptEntry['kind'];
  readonly text: string;
  readonly data?: Readonly<Record<string, unknown>>;
  readonly requires_operator?: boolean;
}

/** How filare-agents is called where it speaks itself. */
export const OURS = 'filare-agents';

/** An entry of ours. */
export function ofOurs(kind: Draft['kind'], text: string, data: Readonly<Record<string, unknown>>): Draft {
  return { direction: 'system', from: OURS, kind, text, data };
}

/** An entry for a fact of ours; null for a message, which is told when Codex shows it. */
export function ofFact(fact: StoryFact): Draft | null {
  switch (fact.type) {
    case 'message':
      return null;
    case 'state':
      return ofOurs('state', fact.text, { phase: fact.phase, ...fact.data });
    case 'decision': {
      const why = [fact.rule, fact.reason].filter((part) => part !== null).join('; ');
      const { type: _, ...data } = fact;
      const what = fact.outcome in OVER_WORDS ? OVER_WORDS[fact.outcome as Over] : fact.choice;
      return { ...ofOurs('decision', why === '' ? what : `${what} (${why})`, data), from: fact.by };
    }
    case 'question':
      return ofQuestion(fact);
    case 'note':
    case 'warning':
    case 'error':
      return ofOurs(fact.type, fact.text, fact.data);
    default:
      return unreachable(fact);
  }
}

type Over = 'timed_out' | 'withdrawn' | 'expired' | 'superseded';

const OVER_WORDS: Readonly<Record<Over, string>> = {
  timed_out: 'timed out',
  withdrawn: 'closed by Codex before it was decided',
  expired: 'expired: who asked is gone',
  superseded: 'superseded',
};

/** An entry for a prompt that was closed with nobody having decided it. */
export function ofOver(prompt_id: string, outcome: Over): Draft {
  return ofOurs('decision', OVER_WORDS[outcome], { prompt_id, choice: null, outcome });
}

function ofQuestion(fact: Extract<StoryFact, { type: 'question' }>): Draft {
  const { type: _, asked_by, question, ...data } = fact;
  return {
    direction: fact.origin === 'ask_operator' ? 'out' : 'system',
    from: asked_by,
    kind: 'prompt',
    text: question,
    requires_operator: true,
    data: { kind: 'question', ...data, requested_action: { type: 'question', question } },
  };
}

/** An entry for a finished item; null for a message, which was told when Codex showed it. `unfinished`: its end never came. */
export function ofItem(item: AgentItem, turn_id: string, agent_id: string, unfinished = false): Draft | null {
  if (item.kind === 'message') return null;
  const data = { item_id: item.item_id, turn_id, ...item.data, ...(unfinished ? { unfinished } : {}) };
  return { direction: 'out', from: agent_id, kind: item.kind, text: item.text, data };
}

/** An entry for a request that was made of the operator. */
export function ofRequest(
  request: AgentRequest,
  said: { readonly agent_id: string; readonly prompt_id: string; readonly asked: Asked },
): Draft {
  return {
    direction: 'out',
    from: said.agent_id,
    kind: 'prompt',
    text: request.summary,
    requires_operator: said.asked.asks,
    data: {
      prompt_id: said.prompt_id,
      kind: request.kind,
      method: request.method,
      reason: request.reason,
      requested_action: request.action,
      choices: request.choices,
      categories: said.asked.categories,
      turn_id: request.turn_id,
      item_id: request.item_id,
    },
  };
}

/** An entry for how a turn ended. */
export function ofTurnEnd(event: Extract<AgentEvent, { type: 'turn_ended' }>): Draft {
  const data = { turn_id: event.turn_id, status: event.status };
  return event.status === 'failed'
    ? ofOurs('error', `turn failed: ${event.error ?? 'no reason given'}`, data)
    : ofOurs('state', `turn ${event.status}`, data);
}

/** An entry for something that Codex itself says. */
export function ofCodex(event: Extract<AgentEvent, { type: 'warning' | 'error' | 'unknown' | 'unparsed' }>): Draft {
  const draft = (kind: Draft['kind'], text: string, data: Readonly<Record<string, unknown>>): Draft => ({
    direction: 'out',
    from: 'codex',
    kind,
    text,
    data,
  });
  switch (event.type) {
    case 'warning':
      return draft('warning', event.text, event.data);
    case 'error':
      return draft(
        event.will_retry ? 'warning' : 'error',
        event.will_retry ? `${event.text} (Codex tries again)` : event.text,
        { turn_id: event.turn_id, will_retry: event.will_retry, ...event.data },
      );
    case 'unknown':
      return draft('raw', event.method, { method: event.method, params: event.params });
    case 'unparsed':
      return draft('raw', event.preview, { reason: event.reason, bytes: event.bytes });
    default:
      return unreachable(event);
  }
}

/**
 * The readable story of a session: what the agent did and what was decided, one entry each, in the order of journal and ledger.
 *
 * Invariants: the same sources give the same entries, byte for byte; `seq` counts from 1 without gap or repeat; time never goes back; no known secret
 * is in an entry or a piece; an entry's text is at most MAX_ENTRY_TEXT characters.
 */
import type { AgentEvent, AgentItem, AgentRequest } from '../contract/agent-event.js';
import { unreachable } from '../contract/errors.js';
import type { Piece, TranscriptEntry } from '../contract/transcript.js';
import type { Masker, StreamMask } from './mask.js';
import { promptId } from './prompt-id.js';
import type { StoryFact, StorySource } from './story-fact.js';

/** Longest text of one entry, in characters; the rest is in the journal. */
export const MAX_ENTRY_TEXT = 1024 * 1024;
const MAX_REMEMBERED = 10_000;

/** Who the story is about. */
export interface StorySubject {
  readonly session_id: string;
  readonly agent_id: string;
  readonly role: string;
  readonly tags: readonly string[];
  /** Whether a person is asked for this request. */
  readonly asks: (request: AgentRequest) => boolean;
}

/** What one source adds to the story. */
export interface Told {
  readonly entries: readonly TranscriptEntry[];
  readonly pieces: readonly Piece[];
}

type Draft = Pick<TranscriptEntry, 'direction' | 'from' | 'kind'> & {
  readonly text: string;
  readonly data?: Readonly<Record<string, unknown>>;
  readonly requires_operator?: boolean;
};

const NOTHING: Told = { entries: [], pieces: [] };
const OURS = 'filare-agents';

/** Tells the story, source by source. */
export class Narrator {
  readonly #subject: StorySubject;
  readonly #masker: Masker;
  readonly #senders = new Map<string, string>();
  readonly #growing = new Map<string, { readonly mask: StreamMask; shown: number }>();
  readonly #undecided = new Set<string>();
  #seq = 0;
  #time_ms = 0;
  #branch: string | null = null;

  constructor(subject: StorySubject, masker: Masker) {
    this.#subject = subject;
    this.#masker = masker;
  }

  /** What this source adds. */
  tell(source: StorySource): Told {
    switch (source.from) {
      case 'branch':
        this.#branch = source.branch;
        return NOTHING;
      case 'fact':
        return this.#entries(source.attempt, source.time_ms, this.#ofFact(source.fact));
      case 'agent':
        if (source.event.type === 'item_piece') return this.#piece(source.event);
        return this.#entries(source.attempt, source.time_ms, this.#ofEvent(source.event, source.attempt));
      default:
        return unreachable(source);
    }
  }

  #ofFact(fact: StoryFact): Draft | null {
    switch (fact.type) {
      case 'message':
        if (this.#senders.size > MAX_REMEMBERED) this.#senders.clear();
        this.#senders.set(fact.message_id, fact.from);
        return null;
      case 'state':
        return {
          direction: 'system',
          from: OURS,
          kind: 'state',
          text: fact.text,
          data: { phase: fact.phase, ...fact.data },
        };
      case 'decision': {
        this.#undecided.delete(fact.prompt_id);
        const why = [fact.rule, fact.reason].filter((part) => part !== null).join('; ');
        return {
          direction: 'system',
          from: fact.by,
          kind: 'decision',
          text: `${fact.choice}${why === '' ? '' : ` (${why})`}`,
          data: { prompt_id: fact.prompt_id, choice: fact.choice, by: fact.by, rule: fact.rule, reason: fact.reason },
        };
      }
      case 'note':
      case 'warning':
      case 'error':
        return { direction: 'system', from: OURS, kind: fact.type, text: fact.text, data: fact.data };
      default:
        return unreachable(fact);
    }
  }

  #ofEvent(event: Exclude<AgentEvent, { type: 'item_piece' }>, attempt: number): Draft | null {
    switch (event.type) {
      case 'message_shown':
        return {
          direction: 'in',
          from: (event.message_id === null ? undefined : this.#senders.get(event.message_id)) ?? 'operator',
          kind: 'message',
          text: event.text,
          data: { message_id: event.message_id, turn_id: event.turn_id },
        };
      case 'item_done':
        this.#growing.delete(event.item.item_id);
        return this.#ofItem(event.item, event.turn_id);
      case 'turn_started':
        return this.#system('state', 'turn begins', { turn_id: event.turn_id });
      case 'turn_ended':
        this.#growing.clear();
        return event.status === 'failed'
          ? this.#system('error', `turn failed: ${event.error ?? 'no reason given'}`, {
              turn_id: event.turn_id,
              status: event.status,
            })
          : this.#system('state', `turn ${event.status}`, { turn_id: event.turn_id, status: event.status });
      case 'plan':
        return {
          direction: 'out',
          from: this.#subject.agent_id,
          kind: 'plan',
          text: event.text,
          data: { turn_id: event.turn_id, ...event.data },
        };
      case 'tokens': {
        const { type: _type, turn_id, ...tokens } = event;
        return this.#system('usage', `${String(event.total)} tokens`, { turn_id, ...tokens });
      }
      case 'request':
        return this.#ofRequest(event.request, attempt);
      case 'request_closed': {
        const prompt_id = promptId(this.#subject.session_id, attempt, event.request_id);
        if (!this.#undecided.delete(prompt_id)) return null;
        return this.#system('decision', 'closed by Codex before it was decided', { prompt_id, choice: null });
      }
      case 'response':
        return event.error === undefined
          ? null
          : this.#system('error', `Codex refused a request: ${event.error.message}`, {
              code: event.error.code,
              id: event.id,
            });
      case 'warning':
        return { direction: 'out', from: 'codex', kind: 'warning', text: event.text, data: event.data };
      case 'error':
        return {
          direction: 'out',
          from: 'codex',
          kind: event.will_retry ? 'warning' : 'error',
          text: event.will_retry ? `${event.text} (Codex tries again)` : event.text,
          data: { turn_id: event.turn_id, will_retry: event.will_retry, ...event.data },
        };
      case 'unknown':
        return {
          direction: 'out',
          from: 'codex',
          kind: 'raw',
          text: event.method,
          data: { method: event.method, params: event.params },
        };
      case 'unparsed':
        return {
          direction: 'out',
          from: 'codex',
          kind: 'raw',
          text: event.preview,
          data: { reason: event.reason, bytes: event.bytes },
        };
      case 'initialized':
      case 'thread_started':
      case 'item_started':
      case 'quiet':
        return null;
      default:
        return unreachable(event);
    }
  }

  #ofItem(item: AgentItem, turn_id: string): Draft | null {
    // What a person or orchestrator said is told when Codex shows it, with its sender.
    if (item.kind === 'message') return null;
    return {
      direction: 'out',
      from: this.#subject.agent_id,
      kind: item.kind,
      text: item.text,
      data: { item_id: item.item_id, turn_id, ...item.data },
    };
  }

  #ofRequest(request: AgentRequest, attempt: number): Draft {
    const prompt_id = promptId(this.#subject.session_id, attempt, request.request_id);
    this.#undecided.add(prompt_id);
    return {
      direction: 'out',
      from: this.#subject.agent_id,
      kind: 'prompt',
      text: request.summary,
      requires_operator: this.#subject.asks(request),
      data: {
        prompt_id,
        kind: request.kind,
        method: request.method,
        reason: request.reason,
        requested_action: request.action,
        choices: request.choices,
        turn_id: request.turn_id,
        item_id: request.item_id,
      },
    };
  }

  #system(kind: TranscriptEntry['kind'], text: string, data: Readonly<Record<string, unknown>>): Draft {
    return { direction: 'system', from: OURS, kind, text, data };
  }

  #piece(event: Extract<AgentEvent, { type: 'item_piece' }>): Told {
    let growing = this.#growing.get(event.item_id);
    if (growing === undefined) {
      if (this.#growing.size > MAX_REMEMBERED) this.#growing.clear();
      growing = { mask: this.#masker.stream(), shown: 0 };
      this.#growing.set(event.item_id, growing);
    }
    const text = growing.mask.push(event.text);
    if (text === '') return NOTHING;
    const piece: Piece = {
      session_id: this.#subject.session_id,
      item_id: event.item_id,
      kind: event.kind,
      offset: growing.shown,
      text,
    };
    growing.shown += text.length;
    return { entries: [], pieces: [piece] };
  }

  #entries(attempt: number, time_ms: number, draft: Draft | null): Told {
    this.#time_ms = Math.max(this.#time_ms, time_ms);
    if (draft === null) return NOTHING;
    this.#seq += 1;
    const text = this.#masker.mask(draft.text);
    const entry: TranscriptEntry = {
      seq: this.#seq,
      timestamp: new Date(this.#time_ms).toISOString(),
      session_id: this.#subject.session_id,
      role: this.#subject.role,
      branch: this.#branch,
      attempt,
      direction: draft.direction,
      from: draft.from,
      kind: draft.kind,
      text:
        text.length > MAX_ENTRY_TEXT
          ? `${text.slice(0, MAX_ENTRY_TEXT)}\n… ${String(text.length - MAX_ENTRY_TEXT)} characters more are in the journal`
          : text,
      requires_operator: draft.requires_operator ?? false,
      tags: [...this.#subject.tags],
      ...(draft.data === undefined ? {} : { data: maskDeep(draft.data, this.#masker) }),
    };
    return { entries: [entry], pieces: [] };
  }
}

/** Masks every string in a value, names of fields included; long strings are cut as an entry's text is. */
function maskDeep(data: Readonly<Record<string, unknown>>, masker: Masker): Record<string, unknown> {
  const masked: Record<string, unknown> = {};
  for (const [key, value] of Object.entries(data)) masked[masker.mask(key)] = maskValue(value, masker);
  return masked;
}

function maskValue(value: unknown, masker: Masker): unknown {
  if (typeof value === 'string') {
    const text = masker.mask(value);
    return text.length > MAX_ENTRY_TEXT ? `${text.slice(0, MAX_ENTRY_TEXT)}…` : text;
  }
  if (Array.isArray(value)) return value.map((one) => maskValue(one, masker));
  if (typeof value === 'object' && value !== null) return maskDeep(Object.fromEntries(Object.entries(value)), masker);
  return value;
}

/**
 * The readable story of a session: what the agent did and what was decided, one entry each, in the order of journal and ledger.
 *
 * Invariants: the same sources give the same entries, byte for byte; `seq` counts from 1 without gap or repeat; time never goes back; no
 * known secret is in an entry or a piece; an entry's text, and the text in its data, are at most MAX_ENTRY_TEXT characters; an item whose
 * end never came is told all the same, as unfinished, when the next turn begins or its attempt ends.
 */
import type { AgentEvent } from '../contract/agent-event.js';
import { unreachable } from '../contract/errors.js';
import type { Piece, TranscriptEntry } from '../contract/transcript.js';
import { cleanData, cleanText } from './clean-data.js';
import { ofCodex, ofFact, ofItem, ofOurs, ofOver, ofRequest, ofTurnEnd, type Draft } from './draft.js';
import type { Masker } from './mask.js';
import { OpenItems, type OpenItemSnapshot } from './open-items.js';
import { promptId } from './prompt-id.js';
import type { Asked, StoryFact, StorySource } from './story-fact.js';

/** Messages and prompts that are remembered until they are heard of again. */
const MAX_REMEMBERED = 10_000;
/** An attempt that stands there has ended. */
const ENDED_PHASES: readonly string[] = ['backing_off', 'stopped', 'failed'];

/** Who the story is about. */
export interface StorySubject {
  readonly session_id: string;
  readonly agent_id: string;
  readonly role: string;
  readonly tags: readonly string[];
}

/** What one source adds to the story. */
export interface Told {
  readonly entries: readonly TranscriptEntry[];
  readonly pieces: readonly Piece[];
}

type Tokens = Extract<AgentEvent, { type: 'tokens' }>;

/** Where a story stands, as it can be stored: a narrator that is given it goes on with the very next entry. */
export interface NarratorSnapshot {
  readonly open: readonly OpenItemSnapshot[];
  readonly senders: readonly (readonly [message_id: string, from: string])[];
  readonly undecided: readonly (readonly [prompt_id: string, turn_id: string | null])[];
  readonly attempt: number;
  readonly seq: number;
  readonly time_ms: number;
  readonly branch: string | null;
  readonly used: Tokens | null;
  readonly told_total: number;
}

const UNASKED: Asked = { asks: true, categories: [] };
const NOTHING: Told = { entries: [], pieces: [] };

/** Tells the story, source by source. */
export class Narrator {
  readonly #subject: StorySubject;
  readonly #masker: Masker;
  readonly #open: OpenItems;
  readonly #senders = new Map<string, string>();
  /** Prompts that nobody has decided, with the turn that asked; null where none waits for it. */
  readonly #undecided = new Map<string, string | null>();
  #attempt = 0;
  #seq = 0;
  #time_ms = 0;
  #branch: string | null = null;
  /** Tokens that were used since they were last told. */
  #used: Tokens | null = null;
  #told_total = 0;

  constructor(subject: StorySubject, masker: Masker) {
    this.#subject = subject;
    this.#masker = masker;
    this.#open = new OpenItems(masker);
  }

  /** Seq of the last entry that was told. */
  get seq(): number {
    return this.#seq;
  }

  /** Where the story stands. */
  snapshot(): NarratorSnapshot {
    return {
      open: this.#open.snapshot(),
      senders: [...this.#senders],
      undecided: [...this.#undecided],
      attempt: this.#attempt,
      seq: this.#seq,
      time_ms: this.#time_ms,
      branch: this.#branch,
      used: this.#used,
      told_total: this.#told_total,
    };
  }

  /** Goes on where another narrator stood. For one that has told nothing. */
  restore(stored: NarratorSnapshot): void {
    this.#open.restore(stored.open);
    for (const [message_id, from] of stored.senders) this.#senders.set(message_id, from);
    for (const [prompt_id, turn_id] of stored.undecided) this.#undecided.set(prompt_id, turn_id);
    this.#attempt = stored.attempt;
    this.#seq = stored.seq;
    this.#time_ms = stored.time_ms;
    this.#branch = stored.branch;
    this.#used = stored.used;
    this.#told_total = stored.told_total;
  }

  /** What this source adds. */
  tell(source: StorySource): Told {
    if (source.from === 'branch') {
      this.#branch = source.branch;
      return NOTHING;
    }
    this.#time_ms = Math.max(this.#time_ms, source.time_ms);
    if (source.from === 'agent' && source.event.type === 'item_piece') {
      const piece = this.#open.grow(this.#subject.session_id, source.event);
      return piece === null ? NOTHING : { entries: [], pieces: [piece] };
    }
    const left = source.attempt === this.#attempt ? [] : this.#leftovers();
    const entries = left.map((draft) => this.#entry(draft));
    this.#attempt = source.attempt;
    const drafts =
      source.from === 'fact' ? this.#ofFact(source.fact) : this.#ofEvent(source.event, source.asked ?? UNASKED);
    entries.push(...drafts.map((draft) => this.#entry(draft)));
    return entries.length === 0 ? NOTHING : { entries, pieces: [] };
  }

  #ofFact(fact: StoryFact): readonly Draft[] {
    if (fact.type === 'message') {
      if (this.#senders.size >= MAX_REMEMBERED) this.#senders.clear();
      this.#senders.set(fact.message_id, fact.from);
    }
    if (fact.type === 'question') this.#ask(fact.prompt_id, null);
    // What the story did not tell as a prompt (a call of a tool) has no decision to tell either.
    if (fact.type === 'decision' && !this.#undecided.delete(fact.prompt_id)) return [];
    const draft = ofFact(fact);
    const left = fact.type === 'state' && ENDED_PHASES.includes(fact.phase) ? this.#endOfAttempt(fact.phase) : [];
    return draft === null ? left : [...left, draft];
  }

  /** A question of ours outlives the attempt, and ends with the session. */
  #endOfAttempt(phase: string): readonly Draft[] {
    const expired = this.#close((turn_id) => turn_id !== null || phase !== 'backing_off', 'expired');
    return [...this.#leftovers(), ...expired];
  }

  #ask(prompt_id: string, turn_id: string | null): void {
    if (this.#undecided.size >= MAX_REMEMBERED) this.#undecided.clear();
    this.#undecided.set(prompt_id, turn_id);
  }

  #close(leaves: (turn_id: string | null) => boolean, outcome: 'expired' | 'withdrawn'): readonly Draft[] {
    const gone = [...this.#undecided].filter(([, turn_id]) => leaves(turn_id)).map(([prompt_id]) => prompt_id);
    for (const prompt_id of gone) this.#undecided.delete(prompt_id);
    return gone.map((prompt_id) => ofOver(prompt_id, outcome));
  }

  #ofEvent(event: AgentEvent, asked: Asked): readonly Draft[] {
    const { agent_id } = this.#subject;
    switch (event.type) {
      case 'message_shown':
        return [this.#shown(event)];
      case 'item_started':
        if (event.item.kind !== 'message') this.#open.begin(event.item, event.turn_id);
        return [];
      case 'item_done': {
        this.#open.end(event.item.item_id);
        const draft = ofItem(event.item, event.turn_id, agent_id);
        return draft === null ? [] : [draft];
      }
      case 'turn_started':
        return [...this.#leftovers(), ofOurs('state', 'turn begins', { turn_id: event.turn_id })];
      case 'turn_ended':
        return [
          ...this.#usage(),
          ...this.#close((turn_id) => turn_id === event.turn_id, 'withdrawn'),
          ofTurnEnd(event),
        ];
      case 'plan':
        return [
          {
            direction: 'out',
            from: agent_id,
            kind: 'plan',
            text: event.text,
            data: { turn_id: event.turn_id, ...event.data },
          },
        ];
      case 'tokens':
        this.#used = event;
        return [];
      case 'request': {
        const { request } = event;
        // Told when it is done, as the item that it is; a question that nobody waits with is told as the prompt that is made of it.
        if (request.kind === 'tool' || (request.kind === 'question' && !asked.asks)) return [];
        const prompt_id = promptId(this.#subject.session_id, this.#attempt, request.request_id);
        this.#ask(prompt_id, request.turn_id ?? '');
        return [ofRequest(request, { agent_id, prompt_id, asked })];
      }
      case 'request_closed': {
        const prompt_id = promptId(this.#subject.session_id, this.#attempt, event.request_id);
        return this.#undecided.delete(prompt_id) ? [ofOver(prompt_id, 'withdrawn')] : [];
      }
      case 'response':
        if (event.error === undefined) return [];
        return [
          ofOurs('error', `Codex refused a request: ${event.error.message}`, { code: event.error.code, id: event.id }),
        ];
      case 'warning':
      case 'error':
      case 'unknown':
      case 'unparsed':
        return [ofCodex(event)];
      case 'item_piece':
      case 'initialized':
      case 'thread_started':
      case 'message_accepted':
      case 'quiet':
        return [];
      default:
        return unreachable(event);
    }
  }

  #shown(event: Extract<AgentEvent, { type: 'message_shown' }>): Draft {
    const sender = event.message_id === null ? undefined : this.#senders.get(event.message_id);
    const data = { message_id: event.message_id, turn_id: event.turn_id };
    return { direction: 'in', from: sender ?? 'operator', kind: 'message', text: event.text, data };
  }

  /** What an attempt or a turn that is over left untold. */
  #leftovers(): readonly Draft[] {
    const items = this.#open.abandon().map(({ item, turn_id }) => ofItem(item, turn_id, this.#subject.agent_id, true));
    return [...items.filter((draft) => draft !== null), ...this.#usage()];
  }

  /** Codex counts after every step of a turn, and again when a thread is resumed: told once a turn. */
  #usage(): readonly Draft[] {
    if (this.#used === null || this.#used.total === this.#told_total) return [];
    const { turn_id, total, input, cached_input, output, reasoning } = this.#used;
    this.#used = null;
    this.#told_total = total;
    return [ofOurs('usage', `${total} tokens`, { turn_id, total, input, cached_input, output, reasoning })];
  }

  #entry(draft: Draft): TranscriptEntry {
    this.#seq += 1;
    return {
      seq: this.#seq,
      timestamp: new Date(this.#time_ms).toISOString(),
      session_id: this.#subject.session_id,
      role: this.#subject.role,
      branch: this.#branch,
      attempt: this.#attempt,
      direction: draft.direction,
      from: draft.from,
      kind: draft.kind,
      text: cleanText(draft.text, this.#masker),
      requires_operator: draft.requires_operator ?? false,
      tags: [...this.#subject.tags],
      ...(draft.data === undefined ? {} : { data: cleanData(draft.data, this.#masker) }),
    };
  }
}

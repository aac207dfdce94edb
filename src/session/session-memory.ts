import { join } from 'node:path';
import type { AgentEvent, AgentItem } from '../contract/agent-event.js';
import { asFilareError, FilareError } from '../contract/errors.js';
import type { Piece, TranscriptEntry } from '../contract/transcript.js';
import type { JournalLine } from '../channel/channel.js';
import { observe } from '../codex/observe.js';
import { withItem } from '../codex/request.js';
import { AppendLog } from '../ledger/append-log.js';
import type { Policy } from '../inbox/policy.js';
import type { Masker } from '../transcript/mask.js';
import { Narrator, type StorySubject } from '../transcript/narrate.js';
import type { Asked, StorySource } from '../transcript/story-fact.js';
import { TranscriptStore } from '../transcript/store.js';
import { apply, firstState } from './apply.js';
import { attemptFolder } from './attempt-folder.js';
import { narrate } from './narrate-sources.js';
import { sessionRecordSchema, type SessionFact, type SessionRecord } from './record.js';
import { asksPerson } from './next-prompt.js';
import { ReplayedJournal } from './replayed-journal.js';
import type { SessionState } from './state.js';
import { tell, tellPauseQuestion, tellSuperseded } from './story.js';

/** What a change of a session tells those who watch it. Entries are on disk already. */
export interface SessionNews {
  readonly entries: readonly TranscriptEntry[];
  /** The same entries as they stand in the file, without newline. */
  readonly lines: readonly string[];
  /** Pieces of one item that came one after the other are one. */
  readonly pieces: readonly Piece[];
  /** For each entry, how many of the pieces came before it. */
  readonly pieces_before: readonly number[];
  readonly events: readonly AgentEvent[];
}

/** Files of a session, beside its attempts. */
export function sessionFiles(folder: string): {
  readonly ledger: string;
  readonly transcript: string;
  readonly state: string;
} {
  return {
    ledger: join(folder, 'ledger.jsonl'),
    transcript: join(folder, 'transcript.jsonl'),
    state: join(folder, 'state.json'),
  };
}

const MAX_OPEN_TEXT = 1024 * 1024;

/** What is handed in. */
export interface MemorySurroundings {
  readonly session_id: string;
  readonly folder: string;
  /** Masks secrets in what people read; journal and Codex home stay exact. */
  readonly masker: Masker;
  /** Judges what the agent asks. */
  readonly policy: Policy;
  readonly now_ms: () => number;
}

/**
 * Everything a session knows, and the only way it learns: `commit` for a fact of ours, `take` for lines of the journal. Both append to disk,
 * then apply, then tell. Opening a folder again runs the same records and lines through the same two functions, so that a crash changes nothing.
 */
export class SessionMemory {
  readonly #around: MemorySurroundings;
  readonly #ledger: AppendLog;
  readonly #store: TranscriptStore;
  readonly #listeners = new Set<(news: SessionNews) => void>();
  readonly #open = new Map<string, Piece>();
  readonly #narrator: Narrator;
  readonly #changes = new Map<string, AgentItem>();
  #state: SessionState;
  #records: number;
  #offset = 0;
  /** Time of the latest source: what carries no time of its own happened then. */
  #time_ms: number;
  /** Entries that the disk did not take: they go before the next ones. Derived again when this process ends first. */
  #owed: readonly TranscriptEntry[] = [];
  #turn: Promise<unknown> = Promise.resolve();

  private constructor(
    around: MemorySurroundings,
    ledger: AppendLog,
    store: TranscriptStore,
    state: SessionState,
    time_ms: number,
  ) {
    this.#around = around;
    this.#ledger = ledger;
    this.#store = store;
    this.#state = state;
    this.#narrator = new Narrator(subject(state), around.masker);
    this.#records = 0;
    this.#time_ms = time_ms;
  }

  /** Begins the memory of a new session; the folder exists and is empty. */
  static async create(
    around: MemorySurroundings,
    created: Extract<SessionFact, { type: 'created' }>,
  ): Promise<SessionMemory> {
    const files = sessionFiles(around.folder);
    const { log } = await AppendLog.open(files.ledger, { parse: sessionRecordSchema });
    const store = await TranscriptStore.open(files.transcript);
    const time_ms = around.now_ms();
    const memory = new SessionMemory(around, log, store, firstState(around.session_id, created, time_ms), time_ms);
    await memory.commit(created);
    return memory;
  }

  /** Opens the memory of a session again: replays its ledger and journals, and writes what the transcript lacks. */
  static async open(around: MemorySurroundings): Promise<SessionMemory> {
    const files = sessionFiles(around.folder);
    const opened = await AppendLog.open(files.ledger, { parse: sessionRecordSchema });
    const first = opened.records[0];
    if (first?.fact.type !== 'created') {
      await opened.log.close();
      throw new FilareError({
        code: 'bad_state',
        message: `the ledger of session ${around.session_id} does not begin as a session's does: ${files.ledger}`,
        hint: 'move its folder out of outputs/agents; nothing else depends on it',
      });
    }
    const store = await TranscriptStore.open(files.transcript);
    const state = firstState(around.session_id, first.fact, first.time_ms);
    const memory = new SessionMemory(around, opened.log, store, state, first.time_ms);
    await memory.#replay(opened.records);
    return memory;
  }

  /** The session as it is now. */
  get state(): SessionState {
    return this.#state;
  }

  /** How far the journal of the current attempt has been taken in, in bytes. */
  get offset(): number {
    return this.#offset;
  }

  /** Items that are not finished, each from its start. */
  get openPieces(): readonly Piece[] {
    return [...this.#open.values()];
  }

  /** Hides the secrets of this session in what people read. */
  get masker(): Masker {
    return this.#around.masker;
  }

  /** The transcript, to read from. */
  get transcript(): TranscriptStore {
    return this.#store;
  }

  /** Calls back after every change, until the returned function is called. The listener must not throw. */
  watch(listener: (news: SessionNews) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** Makes a fact of ours durable (see outlivesMachine), applies it, tells it. Rejects, with nothing applied, when it cannot be written. */
  commit(fact: SessionFact): Promise<void> {
    return this.#exclusive(async () => {
      const record: SessionRecord = {
        n: this.#records + 1,
        time_ms: this.#around.now_ms(),
        attempt: this.#state.attempt,
        offset: this.#offset,
        fact,
      };
      if (outlivesMachine(fact)) await this.#ledger.append(record);
      else await this.#ledger.appendUnsynced([JSON.stringify(record)]);
      await this.#takeRecord(record);
    });
  }

  /** Takes in complete lines of the current attempt's journal, in order. */
  take(lines: readonly JournalLine[]): Promise<void> {
    return this.#exclusive(() => this.#takeLines(lines));
  }

  /** Waits for what is under way and closes the files. */
  close(): Promise<void> {
    return this.#exclusive(async () => {
      await this.#ledger.close();
      await this.#store.close();
    });
  }

  async #replay(records: readonly SessionRecord[]): Promise<void> {
    let journal: ReplayedJournal | undefined;
    for (const record of records) {
      if (record.attempt > 0 && record.attempt === this.#state.attempt && record.offset > this.#offset) {
        journal ??= new ReplayedJournal(this.#journalPath(), this.#offset);
        await journal.until(record.offset, (lines) => this.#takeLines(lines));
      }
      await this.#takeRecord(record);
      if (record.fact.type === 'attempt_begun') {
        await journal?.close();
        journal = undefined;
      }
    }
    await journal?.close();
  }

  #journalPath(): string {
    return join(attemptFolder(this.#around.folder, this.#state.attempt).folder, 'journal', 'out');
  }

  async #takeRecord(record: SessionRecord): Promise<void> {
    const { fact, time_ms } = record;
    this.#records = record.n;
    const superseded = tellSuperseded(fact, this.#state);
    this.#state = apply(this.#state, { from: 'ledger', fact, time_ms }, this.#around.policy);
    if (fact.type === 'attempt_begun') this.#offset = 0;
    this.#time_ms = Math.max(this.#time_ms, time_ms);
    const sources: StorySource[] = [];
    if (fact.type === 'workspace_ready') sources.push({ from: 'branch', branch: fact.branch });
    if (fact.type === 'message') {
      sources.push({
        from: 'fact',
        attempt: this.#state.attempt,
        time_ms,
        fact: { type: 'message', message_id: fact.message_id, from: fact.from, text: fact.text, mode: fact.mode },
      });
    }
    for (const told of [superseded, tell(fact, this.#state), tellPauseQuestion(fact)]) {
      if (told !== null) sources.push({ from: 'fact', attempt: this.#state.attempt, time_ms, fact: told });
    }
    await this.#tell(sources, []);
  }

  async #takeLines(lines: readonly JournalLine[]): Promise<void> {
    const sources: StorySource[] = [];
    const events: AgentEvent[] = [];
    for (const line of lines) {
      for (const seen of observe(line, this.#state.thread_id)) {
        const event = this.#withItem(seen);
        const time_ms = 'time_ms' in event && event.time_ms !== null ? event.time_ms : this.#time_ms;
        this.#time_ms = Math.max(this.#time_ms, time_ms);
        this.#state = apply(this.#state, { from: 'agent', event, time_ms: this.#time_ms }, this.#around.policy);
        const asked = event.type === 'request' ? askedOf(this.#state) : undefined;
        sources.push({ from: 'agent', attempt: this.#state.attempt, time_ms: this.#time_ms, event, asked });
        events.push(event);
      }
      this.#offset = line.end;
    }
    await this.#tell(sources, events);
  }

  /** Narrates, writes what the transcript lacks, then tells those who watch. */
  async #tell(sources: readonly StorySource[], events: readonly AgentEvent[]): Promise<void> {
    const told = narrate(this.#narrator, sources, this.#store.last_seq);
    const { pieces } = told;
    const entries = this.#owed.length === 0 ? told.entries : [...this.#owed, ...told.entries];
    const pieces_before = [...this.#owed.map(() => 0), ...told.pieces_before];
    const last = entries.at(-1);
    const lines = entries.map((entry) => JSON.stringify(entry));
    const failure =
      last === undefined ? null : await this.#store.append(lines, last.seq).then(() => null, asFilareError);
    this.#owed = failure === null ? [] : entries;
    this.#keepOpen(pieces, events);
    // What could not be written is not shown yet, but it has happened.
    const news: SessionNews =
      failure === null
        ? { entries, lines, pieces, pieces_before, events }
        : { entries: [], lines: [], pieces: [], pieces_before: [], events };
    for (const listener of this.#listeners) listener(news);
    // A fact is in the ledger already; a journal is not read on before there is room for what it says.
    if (failure !== null && events.length > 0) throw failure;
  }

  /** An approval of a file change names its item; the changes were said when that item began. */
  #withItem(event: AgentEvent): AgentEvent {
    if (event.type === 'item_started' && event.item.kind === 'file_change')
      this.#changes.set(event.item.item_id, event.item);
    if (event.type === 'turn_ended') this.#changes.clear();
    if (event.type !== 'request' || event.request.item_id === null) return event;
    const item = this.#changes.get(event.request.item_id);
    return item === undefined ? event : { ...event, request: withItem(event.request, item) };
  }

  #keepOpen(pieces: readonly Piece[], events: readonly AgentEvent[]): void {
    for (const piece of pieces) {
      const before = this.#open.get(piece.item_id);
      const text = (before?.text ?? '') + piece.text;
      if (text.length <= MAX_OPEN_TEXT) this.#open.set(piece.item_id, { ...piece, offset: 0, text });
    }
    if (this.#open.size === 0) return;
    for (const event of events) {
      if (event.type === 'item_done') this.#open.delete(event.item.item_id);
      if (event.type === 'turn_ended') this.#open.clear();
    }
  }

  #exclusive<T>(work: () => Promise<T>): Promise<T> {
    const result = this.#turn.then(work);
    this.#turn = result.catch(() => undefined);
    return result;
  }
}

/**
 * Whether the fact must survive a power failure, or only the end of this process. That a message was put into an attempt's pipe matters while the
 * attempt lives, and no attempt outlives its machine: what was sent and not shown goes again with the next one, known as sent or not.
 */
function outlivesMachine(fact: SessionFact): boolean {
  return fact.type !== 'sent' && fact.type !== 'notified';
}

function subject(state: SessionState): StorySubject {
  const { session_id, agent } = state;
  return { session_id, agent_id: agent.id, role: agent.role, tags: agent.tags };
}

/** What became of the request that was opened last. */
function askedOf({ requests }: SessionState): Asked | undefined {
  const open = requests.at(-1);
  return open === undefined ? undefined : { asks: asksPerson(open), categories: open.verdict.categories };
}

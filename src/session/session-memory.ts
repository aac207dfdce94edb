import type { AgentEvent } from '../contract/agent-event.js';
import { asFilareError } from '../contract/errors.js';
import type { Piece, TranscriptEntry } from '../contract/transcript.js';
import type { JournalLine } from '../channel/channel.js';
import { observe } from '../codex/observe.js';
import { AppendLog } from '../ledger/append-log.js';
import type { Masker } from '../transcript/mask.js';
import { Narrator, type StorySubject } from '../transcript/narrate.js';
import type { Asked, StorySource } from '../transcript/story-fact.js';
import { TranscriptStore } from '../transcript/store.js';
import { apply, firstState } from './apply.js';
import { FileChanges } from './file-changes.js';
import { narrate } from './narrate-sources.js';
import { sessionRecordSchema, type SessionFact, type SessionRecord } from './record.js';
import { asksPerson } from './next-prompt.js';
import { OpenPieces } from './open-pieces.js';
import { Keeping } from './keeping.js';
import type { Remembered } from './memory-checkpoint.js';
import type { MemorySurroundings } from './memory-surroundings.js';
import { recordSources } from './record-sources.js';
import { ReplayedJournal } from './replayed-journal.js';
import { journalFile, sessionFiles } from './session-files.js';
import type { SessionState } from './state.js';
import { openStored, type StoredSession } from './stored-session.js';

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

/** While the open items hold more text than this, in characters, no checkpoint is made: it would cost more than it spares. */
const MAX_STORED_TEXT = 8 * 1024 * 1024;

/**
 * Everything a session knows, and the only way it learns: `commit` for a fact of ours, `take` for lines of the journal. Both append to disk,
 * then apply, then tell. Opening a folder again runs the same records and lines through the same two functions, so that a crash changes nothing; a
 * checkpoint only spares those that it has seen.
 */
export class SessionMemory {
  readonly #around: MemorySurroundings;
  readonly #ledger: AppendLog;
  readonly #store: TranscriptStore;
  readonly #listeners = new Set<(news: SessionNews) => void>();
  readonly #open: OpenPieces;
  readonly #narrator: Narrator;
  readonly #changes: FileChanges;
  #state: SessionState;
  #records: number;
  #offset: number;
  /** Time of the latest source: what carries no time of its own happened then. */
  #time_ms: number;
  /** Entries that the disk did not take: they go before the next ones. Derived again when this process ends first. */
  #owed: readonly TranscriptEntry[] = [];
  #turn: Promise<unknown> = Promise.resolve();
  /** How far the journals of earlier attempts were taken in, in bytes, by attempt. */
  #ends: Record<string, number>;
  readonly #keeping: Keeping;

  private constructor(around: MemorySurroundings, begin: Omit<StoredSession, 'records'>) {
    this.#around = around;
    this.#ledger = begin.ledger;
    this.#store = begin.store;
    this.#state = begin.state;
    this.#time_ms = begin.time_ms;
    this.#narrator = new Narrator(subject(begin.state), around.masker);
    const { checkpoint } = begin;
    if (checkpoint !== null) this.#narrator.restore(checkpoint.narrator);
    this.#records = checkpoint?.records ?? 0;
    this.#offset = checkpoint?.offset ?? 0;
    this.#ends = { ...checkpoint?.ends };
    this.#open = new OpenPieces(checkpoint?.pieces);
    this.#changes = new FileChanges(checkpoint?.changes);
    const context = {
      around,
      ledger: begin.ledger,
      store: begin.store,
      exclusive: <T>(work: () => Promise<T>) => this.#exclusive(work),
      capture: () => this.#capture(),
      commit: (fact: SessionFact) => this.commit(fact),
      is_over: () => this.#state.stage.phase === 'stopped' || this.#state.stage.phase === 'failed',
    };
    this.#keeping = new Keeping(context, checkpoint?.sealed_lines ?? 0);
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
    const state = firstState(around.session_id, created, time_ms);
    const memory = new SessionMemory(around, { ledger: log, store, state, time_ms, checkpoint: null });
    await memory.commit(created);
    return memory;
  }

  /** Opens the memory of a session again: replays what its checkpoint has not seen of ledger and journals, and writes what the transcript lacks. */
  static async open(around: MemorySurroundings): Promise<SessionMemory> {
    const stored = await openStored(around.session_id, around.folder);
    const memory = new SessionMemory(around, stored);
    try {
      await memory.#exclusive(() => memory.#replay(stored.records));
    } catch (failure) {
      await memory.#keeping.abandon();
      throw failure;
    }
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
    return this.#open.all;
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

  /** Does now what keeps the files small and quick to open; otherwise that is done when the session is quiet. */
  keep(): Promise<void> {
    return this.#keeping.run();
  }

  /** Waits for what is under way, puts by what is remembered, and closes the files. */
  close(): Promise<void> {
    return this.#keeping.close();
  }

  /** Null while the disk owes an entry, or more is open than is worth storing. */
  #capture(): Omit<Remembered, 'sealed_lines'> | null {
    const narrator = this.#narrator.snapshot();
    const open_text = narrator.open.reduce((sum, { shown, held }) => sum + shown.length + held.length, 0);
    if (this.#owed.length > 0 || open_text > MAX_STORED_TEXT) return null;
    return {
      session_id: this.#around.session_id,
      records: this.#records,
      ledger_bytes: this.#ledger.bytes,
      offset: this.#offset,
      ends: { ...this.#ends },
      time_ms: this.#time_ms,
      state: this.#state,
      narrator,
      pieces: this.#open.all,
      changes: this.#changes.all,
      transcript: this.#store.snapshot(),
    };
  }

  async #replay(records: readonly SessionRecord[]): Promise<void> {
    let journal: ReplayedJournal | undefined;
    for (const record of records) {
      if (record.attempt > 0 && record.attempt === this.#state.attempt && record.offset > this.#offset) {
        journal ??= new ReplayedJournal(journalFile(this.#around.folder, this.#state.attempt), this.#offset);
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

  async #takeRecord(record: SessionRecord): Promise<void> {
    const { fact, time_ms } = record;
    this.#records = record.n;
    const before = this.#state;
    if (fact.type === 'attempt_begun' && before.attempt > 0) this.#ends[before.attempt] = this.#offset;
    this.#state = apply(before, { from: 'ledger', fact, time_ms }, this.#around.policy);
    if (fact.type === 'attempt_begun') this.#offset = 0;
    // When a transcript is rotated changes nothing of what it says.
    if (fact.type !== 'journal_given_back') this.#time_ms = Math.max(this.#time_ms, time_ms);
    this.#keeping.changed(0);
    await this.#tell(recordSources(record, before, this.#state), []);
  }

  async #takeLines(lines: readonly JournalLine[]): Promise<void> {
    const sources: StorySource[] = [];
    const events: AgentEvent[] = [];
    this.#keeping.changed((lines.at(-1)?.end ?? this.#offset) - this.#offset);
    for (const line of lines) {
      for (const seen of observe(line, this.#state.thread_id)) {
        const event = this.#changes.complete(seen);
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
    this.#open.take(pieces, events);
    // What could not be written is not shown yet, but it has happened.
    const news: SessionNews =
      failure === null
        ? { entries, lines, pieces, pieces_before, events }
        : { entries: [], lines: [], pieces: [], pieces_before: [], events };
    for (const listener of this.#listeners) listener(news);
    // A fact is in the ledger already; a journal is not read on before there is room for what it says.
    if (failure !== null && events.length > 0) throw failure;
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

import { isOver } from '../contract/phase.js';
import type { AgentEvent } from '../contract/agent-event.js';
import { asFilareError, type FilareError } from '../contract/errors.js';
import type { Piece, TranscriptEntry } from '../contract/transcript.js';
import type { JournalLine } from '../channel/channel.js';
import { observe } from '../codex/observe.js';
import { AppendLog } from '../ledger/append-log.js';
import type { Masker } from '../transcript/mask.js';
import { Narrator } from '../transcript/narrate.js';
import type { StorySource } from '../transcript/story-fact.js';
import { TranscriptStore } from '../transcript/store.js';
import { apply, firstState } from './apply.js';
import { DiskTrouble } from './disk-trouble.js';
import { FileChanges } from './file-changes.js';
import { narrate } from './narrate-sources.js';
import { outlivesMachine, sessionRecordSchema, type SessionFact, type SessionRecord } from './record.js';
import { askedOf } from './next-prompt.js';
import { OpenPieces } from './open-pieces.js';
import { Keeping } from './keeping.js';
import type { Remembered } from './memory-checkpoint.js';
import type { MemorySurroundings } from './memory-surroundings.js';
import { recordSources } from './record-sources.js';
import { ReplayedJournal } from './replayed-journal.js';
import { onlyOnce } from './only-once.js';
import { NO_NEWS, type SessionNews } from './session-news.js';
import { journalFile, sessionFiles } from './session-files.js';
import type { SessionState } from './state.js';
import { openStored, type StoredSession } from './stored-session.js';

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
  readonly #trouble: DiskTrouble;

  private constructor(around: MemorySurroundings, begin: Omit<StoredSession, 'records'>) {
    this.#around = around;
    this.#ledger = begin.ledger;
    this.#store = begin.store;
    this.#state = begin.state;
    this.#time_ms = begin.time_ms;
    const { session_id, agent } = begin.state;
    this.#narrator = new Narrator(
      { session_id, agent_id: agent.id, role: agent.role, tags: agent.tags },
      around.masker,
    );
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
      is_over: () => isOver(this.#state.stage),
      journal_is_lost: () => this.#state.journal_lost_in !== null,
    };
    this.#trouble = new DiskTrouble({
      now_ms: around.now_ms,
      settle: () => this.#exclusive(() => this.#settle()),
      commit: (fact) => this.commit(fact),
      changed: () => this.#publish(NO_NEWS),
    });
    this.#keeping = new Keeping(context, checkpoint?.sealed_lines ?? 0);
  }

  /** Begins the memory of a new session; the folder exists and is empty. */
  static async create(
    around: MemorySurroundings,
    created: Extract<SessionFact, { type: 'created' }>,
  ): Promise<SessionMemory> {
    const files = sessionFiles(around.folder);
    const { log } = await AppendLog.open(files.ledger, { parse: sessionRecordSchema }, around.io);
    const store = await TranscriptStore.open(files.transcript, {}, around.io).catch(async (failure: unknown) => {
      await log.close();
      throw failure;
    });
    const time_ms = around.now_ms();
    const state = firstState(around.session_id, created, time_ms);
    const memory = new SessionMemory(around, { ledger: log, store, state, time_ms, checkpoint: null });
    await memory.commit(created);
    return memory;
  }

  /** Opens the memory of a session again: replays what its checkpoint has not seen of ledger and journals, and writes what the transcript lacks. */
  static async open(around: MemorySurroundings): Promise<SessionMemory> {
    const stored = await openStored(around.session_id, around.folder, around.io);
    const memory = new SessionMemory(around, stored);
    try {
      await memory.#exclusive(() => memory.#replay(stored.records));
      return memory;
    } catch (failure) {
      await memory.#keeping.abandon();
      throw failure;
    }
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

  /** Why the disk takes no more of this session's record now; null when all is well. No new work is taken meanwhile. */
  get trouble(): FilareError | null {
    return this.#trouble.failure;
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
      const written = outlivesMachine(fact)
        ? this.#ledger.append(record)
        : this.#ledger.appendUnsynced([JSON.stringify(record)]);
      await written.catch((failure: unknown) => {
        this.#trouble.met(asFilareError(failure));
        throw failure;
      });
      await this.#takeRecord(record);
    });
  }

  /** Takes in complete lines of the current attempt's journal, in order. */
  take(lines: readonly JournalLine[]): Promise<void> {
    return this.#exclusive(async () => {
      // What they say would wait in memory for a disk that is full; in the journal it is safe.
      await this.#settle();
      await this.#takeLines(lines);
    });
  }

  /** Does now what keeps the files small and quick to open; otherwise that is done when the session is quiet. */
  keep(): Promise<void> {
    return this.#keeping.run();
  }

  /** Waits for what is under way, puts by what is remembered, and closes the files. */
  close(): Promise<void> {
    this.#trouble.end();
    return this.#keeping.close();
  }

  #publish(news: SessionNews): void {
    for (const listener of this.#listeners) listener(news);
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
        const event = onlyOnce(this.#state, this.#changes.complete(seen));
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
    const entries = this.#owed.length === 0 ? told.entries : [...this.#owed, ...told.entries];
    const pieces_before = [...this.#owed.map(() => 0), ...told.pieces_before];
    const last = entries.at(-1);
    const lines = entries.map((entry) => JSON.stringify(entry));
    const failure =
      last === undefined ? null : await this.#store.append(lines, last.seq).then(() => null, asFilareError);
    this.#owed = failure === null ? [] : entries;
    if (failure !== null) this.#trouble.met(failure);
    this.#open.take(told.pieces, events);
    // What could not be written is not shown yet, but it has happened.
    const news: SessionNews =
      failure === null ? { entries, lines, pieces: told.pieces, pieces_before, events } : { ...NO_NEWS, events };
    this.#publish(news);
    // A fact is in the ledger already; a journal is not read on before there is room for what it says.
    if (failure !== null && events.length > 0) throw failure;
  }

  /** Writes what the disk owes; rejects when it still cannot be. */
  async #settle(): Promise<void> {
    if (this.#owed.length > 0) await this.#tell([], []);
    if (this.#owed.length > 0) throw this.#trouble.failure ?? new Error('entries are owed');
  }

  #exclusive<T>(work: () => Promise<T>): Promise<T> {
    const result = this.#turn.then(work);
    this.#turn = result.catch(() => undefined);
    return result;
  }
}

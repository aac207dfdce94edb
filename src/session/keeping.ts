import type { AppendLog } from '../ledger/append-log.js';
import type { BeforeStep } from '../transcript/compress-part.js';
import type { ChainHead } from '../transcript/line-chain.js';
import type { TranscriptStore } from '../transcript/store.js';
import { toCheckpoint, writeMemoryCheckpoint, type Remembered } from './memory-checkpoint.js';
import type { MemorySurroundings, SealReason } from './memory-surroundings.js';
import type { SessionFact } from './record.js';
import { ROTATE_AGE_MS, ROTATE_BYTES, Rotation } from './rotation.js';
import { sessionFiles } from './session-files.js';
import { Upkeep } from './upkeep.js';

/** What keeping needs of the memory that it keeps. */
export interface KeepingContext {
  readonly around: MemorySurroundings;
  readonly ledger: AppendLog;
  readonly store: TranscriptStore;
  /** Runs work in turn with what happens. */
  readonly exclusive: <T>(work: () => Promise<T>) => Promise<T>;
  /** What is remembered in this moment, but for the last field; null while that cannot be stored. */
  readonly capture: () => Omit<Remembered, 'sealed_lines'> | null;
  readonly commit: (fact: SessionFact) => Promise<void>;
  readonly is_over: () => boolean;
  /** Part of a journal is lost: nothing can be told from it again. */
  readonly journal_is_lost: () => boolean;
}

/** Keeps what a session's memory has on disk small and quick to open: checkpoints, rotation, and the checksums that are recorded of its transcript. */
export class Keeping {
  readonly #context: KeepingContext;
  readonly #upkeep: Upkeep;
  /** Lines of the transcript whose checksum is recorded. */
  #sealed_lines: number;

  constructor(context: KeepingContext, sealed_lines: number) {
    this.#context = context;
    this.#sealed_lines = sealed_lines;
    const { around, exclusive } = context;
    const rotation = new Rotation({
      ...around,
      ...context,
      limits: around.rotation ?? { bytes: ROTATE_BYTES, age_ms: ROTATE_AGE_MS },
      closeSegment: (before_step) => exclusive(() => this.#closeSegment(before_step)),
      seal: ({ transcript }) => this.#seal(transcript.active.chain, transcript.last_seq, 'rotation'),
      warn: (failure, what) => this.#warn(failure, what),
    });
    this.#upkeep = new Upkeep({
      files: sessionFiles(around.folder),
      capture: () => exclusive(() => Promise.resolve(this.#capture())),
      rotate: () => rotation.runDue(),
      warn: (failure, what) => this.#warn(failure, what),
    });
  }

  /** Something changed, `bytes` of journal were taken in. Cheap. */
  changed(bytes: number): void {
    this.#upkeep.changed(bytes);
  }

  /** Does now what is due, and makes a checkpoint; otherwise that is done when the session is quiet. */
  run(): Promise<void> {
    return this.#upkeep.run();
  }

  /** Ends it, with nothing more put by: for a memory that could not be opened. */
  async abandon(): Promise<void> {
    await this.#upkeep.end();
    await this.#context.ledger.close();
    await this.#context.store.close();
  }

  /** Waits for what is under way, records the last checksum, puts by what is remembered, and closes the files. */
  async close(): Promise<void> {
    const { around, ledger, store, exclusive, is_over } = this.#context;
    const unsaved = await this.#upkeep.end();
    const remembered = await exclusive(async () => {
      const sealed = await this.#sealAll(is_over() ? 'ended' : 'let_go').catch((failure: unknown) => {
        this.#warn(failure, "a transcript's checksum could not be recorded");
        return false;
      });
      const last = unsaved || sealed ? this.#capture() : null;
      await ledger.close();
      await store.close();
      return last;
    });
    if (remembered === null) return;
    const files = sessionFiles(around.folder);
    await toCheckpoint(remembered, files)
      .then((checkpoint) => writeMemoryCheckpoint(files.checkpoint, checkpoint, false))
      .catch((failure: unknown) => this.#warn(failure, 'a checkpoint could not be written'));
  }

  #capture(): Remembered | null {
    const remembered = this.#context.capture();
    return remembered === null ? null : { ...remembered, sealed_lines: this.#sealed_lines };
  }

  async #closeSegment(before_step: BeforeStep): Promise<Remembered | null> {
    if (this.#capture() === null) return null;
    await this.#context.ledger.flush();
    await this.#context.store.closeSegment(before_step);
    return this.#capture();
  }

  /** What is recorded is on the disk before. Answers whether something was. */
  async #sealAll(why: SealReason): Promise<boolean> {
    const { store, around } = this.#context;
    const { chain, last_seq } = store;
    if (chain.lines <= this.#sealed_lines || around.seal === undefined) return false;
    await store.flush();
    await this.#seal(chain, last_seq, why);
    return true;
  }

  async #seal(head: ChainHead, last_seq: number, why: SealReason): Promise<void> {
    if (head.lines <= this.#sealed_lines || this.#context.around.seal === undefined) return;
    await this.#context.around.seal({ ...head, last_seq, why });
    this.#sealed_lines = head.lines;
  }

  #warn(failure: unknown, what: string): void {
    this.#context.around.warn?.(failure, what);
  }
}

import { performance } from 'node:perf_hooks';
import type { Remembered } from './memory-checkpoint.js';
import { toCheckpoint, writeMemoryCheckpoint } from './memory-checkpoint.js';

/** A session that said nothing for so long is put by, in milliseconds. */
export const QUIET_MS = 1_000;
/** What is not put by is at most about so much, in bytes of journal, and so old, in milliseconds: what a start after a crash reads again. */
export const MAX_UNSAVED_BYTES = 1024 * 1024;
export const MAX_UNSAVED_MS = 15_000;

/** What upkeep needs of the memory that it keeps. */
export interface UpkeepContext {
  readonly files: { readonly ledger: string; readonly transcript: string; readonly checkpoint: string };
  /** What is remembered now; null while that cannot be stored. Waits for what is under way. */
  readonly capture: () => Promise<Remembered | null>;
  /** Rotates the transcript where that is due. */
  readonly rotate: () => Promise<void>;
  readonly warn: (failure: unknown, what: string) => void;
}

/** Puts by what a session remembers when it is quiet, and now and then when it is not: never while a message waits for it. */
export class Upkeep {
  readonly #context: UpkeepContext;
  #timer: NodeJS.Timeout | undefined;
  #changed_ms = 0;
  /** Since when, and how much, is not put by; null when everything is. */
  #unsaved: { readonly since_ms: number; bytes: number } | null = null;
  #running: Promise<void> = Promise.resolve();
  #ended = false;

  constructor(context: UpkeepContext) {
    this.#context = context;
  }

  /** Something changed, `bytes` of journal were taken in. Cheap. */
  changed(bytes: number): void {
    this.#changed_ms = performance.now();
    this.#unsaved ??= { since_ms: this.#changed_ms, bytes: 0 };
    this.#unsaved.bytes += bytes;
    if (this.#timer === undefined && !this.#ended) this.#arm();
  }

  /** Does at once what is due. */
  run(): Promise<void> {
    this.#running = this.#running.then(() => this.#save());
    return this.#running;
  }

  /** Ends it: what was begun is awaited. Answers whether something is not put by. */
  async end(): Promise<boolean> {
    this.#ended = true;
    clearTimeout(this.#timer);
    await this.#running;
    return this.#unsaved !== null;
  }

  #arm(): void {
    this.#timer = setTimeout(() => {
      this.#timer = undefined;
      if (this.#unsaved === null || this.#ended) return;
      const now_ms = performance.now();
      const quiet = now_ms - this.#changed_ms >= QUIET_MS / 2;
      const { bytes, since_ms } = this.#unsaved;
      if (quiet || bytes >= MAX_UNSAVED_BYTES || now_ms - since_ms >= MAX_UNSAVED_MS) void this.run();
      else this.#arm();
    }, QUIET_MS);
    this.#timer.unref();
  }

  async #save(): Promise<void> {
    const { capture, rotate, files, warn } = this.#context;
    await rotate().catch((failure: unknown) => warn(failure, 'a transcript could not be rotated; it is tried again'));
    try {
      const remembered = await capture();
      // From here on what changes is for the next time.
      if (remembered === null) return;
      this.#unsaved = null;
      await writeMemoryCheckpoint(files.checkpoint, await toCheckpoint(remembered, files), false);
    } catch (failure) {
      warn(failure, 'a checkpoint could not be written');
    }
    if (this.#unsaved !== null && this.#timer === undefined && !this.#ended) this.#arm();
  }
}

/**
 * Closes a transcript's active file off as a segment, and gives the journal's disk back that is in segments then.
 *
 * Order of writes, so that the process may end between any two of them:
 * 1. what was appended to the transcript goes to the disk, beside what happens, so that the next step is short;
 * 2. in turn with what happens: ledger and transcript are flushed, the active file gets a segment's name, a new one begins, and what is remembered
 *    in this very moment is captured;
 * 3. the base (`base.jsonl`), a checkpoint of that moment, is put by durably. Base and segments are all that is needed to go on from there;
 * 4. the checksum of all lines is recorded in the project's ledger;
 * 5. the session's ledger says, durably, which bytes of which journals are given back; only then they are.
 * The segment is compressed beside all this: until it is, the plain file is read.
 *
 * Rule: once step 5 was taken, nothing can be told from the beginning again. Then a session opens with its checkpoint or its base, or not at all.
 */
import { open } from 'node:fs/promises';
import { giveBack } from '../channel/journal-room.js';
import type { BeforeStep } from '../transcript/compress-part.js';
import type { TranscriptStore } from '../transcript/store.js';
import { toCheckpoint, writeMemoryCheckpoint, type Remembered } from './memory-checkpoint.js';
import type { SessionFact } from './record.js';
import { journalFile, sessionFiles } from './session-files.js';

/** An active file of this size is closed off, in bytes. */
export const ROTATE_BYTES = 64 * 1024 * 1024;
/** An active file whose first entry is as old as this is closed off, in milliseconds. */
export const ROTATE_AGE_MS = 7 * 24 * 60 * 60 * 1000;

/** When a transcript is rotated. */
export interface RotationLimits {
  readonly bytes: number;
  readonly age_ms: number;
}

/** What rotation needs of the memory. */
export interface RotationContext {
  readonly folder: string;
  readonly store: TranscriptStore;
  readonly limits: RotationLimits;
  /** Part of a journal is lost, and what was told of it cannot be told again. */
  readonly journal_is_lost: () => boolean;
  readonly now_ms: () => number;
  /** Closes the active file off and captures what is remembered, with nothing between; null while that cannot be. */
  readonly closeSegment: (before_step: BeforeStep) => Promise<Remembered | null>;
  /** Records the checksum of the lines of that moment. */
  readonly seal: (remembered: Remembered) => Promise<void>;
  readonly commit: (fact: SessionFact) => Promise<void>;
  readonly warn: (failure: unknown, what: string) => void;
  readonly before_step?: BeforeStep | undefined;
}

/** Rotates the transcript of one session. See the top of this file. */
export class Rotation {
  readonly #context: RotationContext;
  #said_unsupported = false;

  constructor(context: RotationContext) {
    this.#context = context;
  }

  /** Rotates where it is due; finishes the compression that an earlier process left, or that failed. */
  async runDue(): Promise<void> {
    const { store, limits, now_ms, journal_is_lost } = this.#context;
    const is_old = store.since_ms > 0 && now_ms() - store.since_ms >= limits.age_ms;
    if (store.bytes > 0 && (store.bytes >= limits.bytes || is_old || journal_is_lost())) await this.#rotate();
    this.#compress();
  }

  async #rotate(): Promise<void> {
    const { folder, commit, seal, closeSegment } = this.#context;
    const step = this.#context.before_step ?? (() => undefined);
    const files = sessionFiles(folder);
    await syncAside(files.transcript);
    const remembered = await closeSegment(step);
    if (remembered === null) return;
    step('write the base');
    await writeMemoryCheckpoint(files.base, await toCheckpoint(remembered, files), true);
    step('seal');
    await seal(remembered);
    const journals = [...Object.entries(remembered.ends), [remembered.state.attempt, remembered.offset] as const]
      .map(([attempt, bytes]) => ({ attempt: Number(attempt), bytes }))
      .filter(({ bytes }) => bytes > 0);
    if (journals.length === 0 && remembered.state.journal_lost_in === null) return;
    step('say what is given back');
    await commit({ type: 'journal_given_back', journals });
    step('give back');
    for (const { attempt, bytes } of journals) {
      const done = await giveBack(journalFile(folder, attempt), bytes);
      if (done !== 'unsupported' || this.#said_unsupported) continue;
      this.#said_unsupported = true;
      this.#context.warn(
        null,
        "a journal's disk cannot be given back here: it needs fallocate and a file system that can",
      );
    }
  }

  #compress(): void {
    const { store, warn, before_step } = this.#context;
    if (store.pending === 0) return;
    store.compress(before_step).catch((failure: unknown) => {
      if (!(failure instanceof Error && failure.name === 'AbortError'))
        warn(failure, 'a segment of a transcript could not be compressed; it is tried again');
    });
  }
}

async function syncAside(path: string): Promise<void> {
  const file = await open(path, 'r');
  try {
    await file.datasync();
  } finally {
    await file.close();
  }
}

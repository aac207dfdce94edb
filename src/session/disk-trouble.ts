import type { FilareError } from '../contract/errors.js';
import type { SessionFact } from './record.js';

/** How often a record that could not be written is tried again, in milliseconds. */
export const RETRY_MS = 2_000;

/** What trouble with the disk needs of the memory. */
export interface TroubleContext {
  readonly now_ms: () => number;
  /** Writes what the transcript still lacks; rejects when it cannot. */
  readonly settle: () => Promise<void>;
  readonly commit: (fact: SessionFact) => Promise<void>;
  /** It began, or is over. */
  readonly changed: () => void;
}

/**
 * A disk that takes no more of a session's record. While it lasts, no new work is taken; it is tried again until there is room, and then the
 * story says what happened. Nothing is lost: what was refused was not begun, what Codex says waits in its journal.
 */
export class DiskTrouble {
  readonly #context: TroubleContext;
  #since_ms = 0;
  #failure: FilareError | null = null;
  #timer: NodeJS.Timeout | undefined;
  #ended = false;

  constructor(context: TroubleContext) {
    this.#context = context;
  }

  /** What the disk said; null when all is well. */
  get failure(): FilareError | null {
    return this.#failure;
  }

  /** A write failed. What is no fault of the disk's is none of this. */
  met(failure: FilareError): void {
    if (this.#ended || (failure.code !== 'no_space' && failure.code !== 'unexpected')) return;
    const is_new = this.#failure === null;
    this.#failure = failure;
    if (!is_new) return;
    this.#since_ms = this.#context.now_ms();
    this.#arm();
    this.#context.changed();
  }

  /** No more is tried. */
  end(): void {
    this.#ended = true;
    clearTimeout(this.#timer);
  }

  #arm(): void {
    this.#timer = setTimeout(() => {
      void this.#retry().catch(() => {
        if (!this.#ended) this.#arm();
      });
    }, RETRY_MS);
    this.#timer.unref();
  }

  async #retry(): Promise<void> {
    const { settle, commit, now_ms, changed } = this.#context;
    const failure = this.#failure;
    if (failure === null) return;
    await settle();
    const [from, until] = [this.#since_ms, now_ms()].map((time_ms) => new Date(time_ms).toISOString());
    const what =
      failure.code === 'no_space'
        ? 'there was no space left on the disk'
        : 'the record of this session could not be written';
    await commit({
      type: 'said',
      level: 'warning',
      text: `${what} from ${from ?? ''} to ${until ?? ''}; nothing was lost, and no message was taken meanwhile`,
      data: { code: failure.code, from, until },
    });
    this.#failure = null;
    changed();
  }
}

import { attemptPaths } from '../channel/attempt-files.js';
import { asFilareError, FilareError } from '../contract/errors.js';
import { attemptFolder } from './attempt-folder.js';
import { AttemptLink } from './attempt-link.js';
import type { StepsContext } from './steps.js';

const REATTACH_MS = 5_000;

/** The hold on the channel of the attempt that runs: one at a time, and taken again when it is lost. */
export class LinkHold {
  readonly #context: StepsContext;
  #link: AttemptLink | null = null;
  #holds = 0;
  #is_lost = false;
  /** Why the journal could not be followed, the last time. */
  #lost: string | null = null;
  #reattach: NodeJS.Timeout | undefined;

  constructor(context: StepsContext) {
    this.#context = context;
  }

  /** The channel; null while there is none. */
  get link(): AttemptLink | null {
    return this.#link;
  }

  /** The journal cannot be followed now. */
  get isLost(): boolean {
    return this.#is_lost;
  }

  /** Takes hold of the attempt's channel from where its journal was read to; lets go of the one before. */
  async open(): Promise<AttemptLink> {
    await this.close(new FilareError({ code: 'ended', message: 'the channel is opened again' }));
    const { around, folder, memory } = this.#context;
    this.#holds += 1;
    const { attempt } = memory.state;
    const prefix = `${String(attempt)}-${around.now_ms().toString(36)}-${String(this.#holds)}`;
    this.#link = await AttemptLink.open(attemptPaths(attemptFolder(folder, attempt).folder), memory.offset, prefix, {
      take: (lines) => memory.take(lines),
      broken: (failure) => {
        this.#lose(asFilareError(failure));
      },
    });
    this.#is_lost = false;
    return this.#link;
  }

  /** The journal cannot be followed any more (a full disk, a file that somebody touched): said once, tried again after a while. */
  #lose(failure: FilareError): void {
    const { around, memory, sight, nudge, say } = this.#context;
    this.#is_lost = true;
    around.log.error(
      { session_id: memory.state.session_id, err: failure },
      'the journal cannot be followed; trying again',
    );
    // A full disk takes no such entry either; the memory says it when there is room.
    if (this.#lost !== failure.message && memory.trouble === null)
      say('error', `the journal cannot be followed: ${failure.message}`);
    this.#lost = failure.message;
    clearTimeout(this.#reattach);
    this.#reattach = setTimeout(() => {
      sight.see({ attached: false });
      nudge();
    }, REATTACH_MS);
  }

  /** The channel is closed, by whoever ended the attempt. */
  forget(): void {
    this.#link = null;
    this.#is_lost = false;
    clearTimeout(this.#reattach);
  }

  /** Lets go of it. */
  async close(cause: FilareError): Promise<void> {
    const link = this.#link;
    this.#link = null;
    clearTimeout(this.#reattach);
    await link?.close(cause);
  }
}

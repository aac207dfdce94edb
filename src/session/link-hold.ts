import { attemptPaths } from '../channel/attempt-files.js';
import { JournalDamage } from '../channel/journal-file.js';
import { asFilareError, FilareError } from '../contract/errors.js';
import { attemptFolder } from './attempt-folder.js';
import { AttemptLink } from './attempt-link.js';
import type { StepsContext } from './steps.js';

const REATTACH_MS = 5_000;
/** For a Codex that nobody hears any more, in milliseconds. */
const LOST_GRACE_MS = 2_000;

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
        if (failure instanceof JournalDamage) void this.#giveUp(failure);
        else this.#lose(asFilareError(failure));
      },
    });
    this.#is_lost = false;
    return this.#link;
  }

  /** The journal cannot be followed any more (a full disk): said once, tried again after a while. */
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

  /**
   * What the agent said since the last line that was read is lost, and what it says from here on cannot be told from the middle of a line: the attempt ends,
   * the next one begins with a journal of its own. Whether Codex took what was sent to it stood in the lost part: it is not said twice.
   */
  async #giveUp(damage: JournalDamage): Promise<void> {
    const { memory, nudge } = this.#context;
    this.#is_lost = true;
    try {
      const { stage, outbox } = memory.state;
      if (stage.phase !== 'running') return;
      for (const { message_id } of outbox.filter((message) => message.sent))
        await memory.commit({
          type: 'not_taken',
          message_id,
          reason: 'that stood in the part of its journal that is lost',
          again: false,
          perhaps: true,
        });
      await memory.commit({
        type: 'attempt_ending',
        cause: 'journal_damaged',
        reason: `${damage.message}; what the agent said since is lost`,
        grace_ms: LOST_GRACE_MS,
      });
      nudge();
    } catch (failure) {
      this.#lose(asFilareError(failure));
    }
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

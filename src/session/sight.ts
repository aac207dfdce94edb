import type { Observed } from './next.js';

const NOTHING_SEEN: Observed = {
  container: { state: 'unknown' },
  no_room: null,
  attached: false,
  probed: true,
  answered: new Set(),
  calling: new Set(),
  boot_id: null,
  interrupted_turn: null,
};

/** What is seen of a session now, by those who look: engine, channel, the steps under way. Forgotten with the daemon. */
export class Sight {
  #now: Observed = NOTHING_SEEN;

  get now(): Observed {
    return this.#now;
  }

  /** Something was seen. */
  see(patch: Partial<Observed>): void {
    this.#now = { ...this.#now, ...patch };
  }

  /** The answer to this prompt was written into the pipe. */
  answered(prompt_id: string): void {
    this.see({ answered: new Set([...this.#now.answered, prompt_id]) });
  }

  /** A tool is being carried out, or no longer is. */
  calling(prompt_id: string, is_called: boolean): void {
    const calling = new Set(this.#now.calling);
    if (is_called) calling.add(prompt_id);
    else calling.delete(prompt_id);
    this.see({ calling });
  }

  /** The attempt is over: nothing that was seen of it holds for the next one. */
  forgetAttempt(): void {
    const { no_room, boot_id } = this.#now;
    this.#now = { ...NOTHING_SEEN, no_room, boot_id };
  }
}

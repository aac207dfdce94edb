import type { Logger } from 'pino';
import type { Session } from '../session/session.js';

/** What sharing needs of the fleet. */
export interface SharedThingsContext {
  readonly live: () => readonly Session[];
  readonly rehearsal: { end(): Promise<void> };
  readonly network: { end(): Promise<void> };
  /** Runs work while nothing is started. */
  readonly exclusive: (work: () => Promise<void>) => Promise<void>;
  readonly log: Logger;
}

/** What sessions share, the network and the rehearsal's model server: it goes with the last of them that needs it. */
export class SharedThings {
  readonly #context: SharedThingsContext;
  /** It could not be given back: the next look at the engine tries again. */
  #owes = false;

  constructor(context: SharedThingsContext) {
    this.#context = context;
  }

  /** Gives back what nobody needs any more, once those who are starting are done; what the engine refuses stays owed. */
  async giveBack(): Promise<void> {
    this.#owes = true;
    await this.#context.exclusive(async () => {
      if (!this.#owes) return;
      const { live, rehearsal, network } = this.#context;
      const needing = live().filter((session) => !session.ended);
      if (!needing.some((session) => session.state.rehearsal !== null)) await rehearsal.end();
      if (needing.length === 0) await network.end();
      this.#owes = false;
    });
  }

  /** Tries again what is owed; a failure is for the log. */
  tryAgain(): void {
    if (!this.#owes) return;
    this.giveBack().catch((failure: unknown) => {
      this.#context.log.warn(
        { err: failure },
        'what sessions shared could not be given back; the next look tries again',
      );
    });
  }
}

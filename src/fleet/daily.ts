import { asFilareError } from '../contract/errors.js';
import { expireSessions } from './expire-sessions.js';
import type { Fleet } from './fleet.js';

const DAY_MS = 24 * 60 * 60 * 1000;
/** A daemon that has just begun has something else to do. */
const FIRST_MS = 60 * 1000;

/** What a project's daemon does soon after it has begun, and every day after that: ended sessions are kept as retention says, transcripts rotate by age. */
export class Daily {
  readonly #fleet: Fleet;
  readonly #timers: readonly NodeJS.Timeout[];
  #running: Promise<void> = Promise.resolve();

  constructor(fleet: Fleet) {
    this.#fleet = fleet;
    const run = (): void => {
      this.#running = this.#running.then(() => this.#run());
    };
    this.#timers = [setTimeout(run, FIRST_MS), setInterval(run, DAY_MS)];
    for (const timer of this.#timers) timer.unref();
  }

  /** Ends it; what was begun is awaited. */
  async end(): Promise<void> {
    for (const timer of this.#timers) clearTimeout(timer);
    await this.#running;
  }

  async #run(): Promise<void> {
    const { log } = this.#fleet.surroundings;
    try {
      for (const item of await expireSessions(this.#fleet, false)) log.info({ ...item }, 'retention');
    } catch (failure) {
      log.error({ err: asFilareError(failure) }, 'ended sessions could not be looked through; nothing more is deleted');
    }
    for (const session of this.#fleet.liveSessions) await session.memory.keep();
  }
}

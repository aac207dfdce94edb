import { setTimeout as sleep } from 'node:timers/promises';
import { asFilareError } from '../contract/errors.js';
import type { ContainerView, EngineEvent } from '../engine/engine.js';
import { LABEL } from '../session/labels.js';
import type { FleetSurroundings } from './surroundings.js';

/** How often all containers are looked at, whatever events said. */
export const LOOK_EVERY_MS = 10_000;
const EVENTS_AGAIN_MS = 1_000;
const AFTER_DEATH_MS = 300;
const LOOK_AT_ONCE: ReadonlySet<EngineEvent['kind']> = new Set(['destroy', 'pause', 'unpause']);

/** What a full look found. */
export interface Look {
  readonly containers: readonly ContainerView[];
  /** The engine was away since the look before: what has ended since then may have ended with it. */
  readonly was_away: boolean;
}

/** Who hears of it. */
export interface EngineWatchListener {
  readonly seen: (look: Look) => void;
  /** It became true, or stopped being true, that the engine does not answer. */
  readonly troubled: () => void;
}

/**
 * Keeps what is known of our containers true: by the engine's events at once, by a full look every LOOK_EVERY_MS in case an event was missed. The
 * stream of events breaks when the engine goes away, however shortly; whether it answers is what the last look says.
 */
export class EngineWatch {
  readonly #around: FleetSurroundings;
  readonly #listener: EngineWatchListener;
  readonly #ending = new AbortController();
  #looking: Promise<void> | null = null;
  #again = false;
  #timer: NodeJS.Timeout | undefined;
  #following: Promise<void> = Promise.resolve();
  /** How often the stream of events broke, and how often it had when a look last found everything. */
  #breaks = 0;
  #breaksSeen = 0;
  #trouble: string | null = null;

  constructor(around: FleetSurroundings, listener: EngineWatchListener) {
    this.#around = around;
    this.#listener = listener;
  }

  /** Why the engine cannot be asked now, as a sentence; null while it answers. */
  get trouble(): string | null {
    return this.#trouble;
  }

  /** Begins to watch. */
  begin(): void {
    this.#following = this.#follow();
    this.#timer = setInterval(() => void this.look(), LOOK_EVERY_MS);
    void this.look();
  }

  /** Stops watching; resolves when nothing of it runs any more. */
  async end(): Promise<void> {
    this.#ending.abort();
    clearInterval(this.#timer);
    await this.#following;
    await this.#looking;
  }

  /** Looks at all containers of the project now. Looks asked for meanwhile become one more look. */
  look(): Promise<void> {
    if (this.#ending.signal.aborted) return Promise.resolve();
    if (this.#looking !== null) {
      this.#again = true;
      return this.#looking;
    }
    this.#looking = this.#look().finally(() => {
      this.#looking = null;
      if (!this.#again || this.#ending.signal.aborted) return;
      this.#again = false;
      void this.look();
    });
    return this.#looking;
  }

  async #look(): Promise<void> {
    const breaks = this.#breaks;
    try {
      const { signal } = this.#ending;
      const found = await this.#around.engine.list(this.#labels(), { signal });
      // A list says that a container has ended, only looking at it says how; one that is being removed is looked at when it is gone.
      const seen = await Promise.all(
        found.map(async (one) =>
          one.state === 'exited' || one.state === 'dead' ? this.#around.engine.inspect(one.id, { signal }) : one,
        ),
      );
      const was_away = breaks > this.#breaksSeen;
      this.#breaksSeen = breaks;
      this.#listener.seen({ containers: seen.filter((one) => one !== undefined), was_away });
      this.#setTrouble(null);
    } catch (failure) {
      if (this.#ending.signal.aborted) return;
      this.#around.log.warn({ err: failure }, 'the engine did not answer; what is known of containers may be old');
      this.#setTrouble(`the engine does not answer: ${asFilareError(failure).message}`);
    }
  }

  #setTrouble(trouble: string | null): void {
    const changes = (trouble === null) !== (this.#trouble === null);
    this.#trouble = trouble;
    if (changes) this.#listener.troubled();
  }

  async #follow(): Promise<void> {
    while (!this.#isEnding()) {
      try {
        for await (const event of this.#around.engine.events(this.#labels(), { signal: this.#ending.signal })) {
          if (LOOK_AT_ONCE.has(event.kind)) void this.look();
          // What is removed by force dies first: a moment later it can be told from what ended by itself.
          if (event.kind === 'die' || event.kind === 'oom') setTimeout(() => void this.look(), AFTER_DEATH_MS).unref();
        }
      } catch (failure) {
        if (!this.#isEnding()) this.#around.log.warn({ err: failure }, 'events of the engine ended; asking again');
        this.#breaks += 1;
        void this.look();
      }
      await this.#pause();
      void this.look();
    }
  }

  #isEnding(): boolean {
    return this.#ending.signal.aborted;
  }

  #labels(): Record<string, string> {
    return { [LABEL.project]: this.#around.paths.key };
  }

  async #pause(): Promise<void> {
    // Ends early with the watch; that is no failure.
    await sleep(EVENTS_AGAIN_MS, undefined, { signal: this.#ending.signal }).catch(() => undefined);
  }
}

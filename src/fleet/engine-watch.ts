import { setTimeout as sleep } from 'node:timers/promises';
import type { ContainerView, EngineEvent } from '../engine/engine.js';
import { LABEL } from '../session/labels.js';
import type { FleetSurroundings } from './surroundings.js';

/** How often all containers are looked at, whatever events said. */
export const LOOK_EVERY_MS = 10_000;
const EVENTS_AGAIN_MS = 1_000;
const AFTER_DEATH_MS = 300;
const LOOK_AT_ONCE: ReadonlySet<EngineEvent['kind']> = new Set(['destroy', 'pause', 'unpause']);

/** Keeps what is known of our containers true: by the engine's events at once, by a full look every LOOK_EVERY_MS in case an event was missed. */
export class EngineWatch {
  readonly #around: FleetSurroundings;
  readonly #observe: (containers: readonly ContainerView[], complete: boolean) => void;
  readonly #ending = new AbortController();
  #looking: Promise<void> | null = null;
  #again = false;
  #timer: NodeJS.Timeout | undefined;
  #following: Promise<void> = Promise.resolve();

  constructor(around: FleetSurroundings, observe: (containers: readonly ContainerView[], complete: boolean) => void) {
    this.#around = around;
    this.#observe = observe;
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
    try {
      const { signal } = this.#ending;
      const found = await this.#around.engine.list(this.#labels(), { signal });
      // A list says that a container has ended, only looking at it says how; one that is being removed is looked at when it is gone.
      const seen = await Promise.all(
        found.map(async (one) =>
          one.state === 'exited' || one.state === 'dead' ? this.#around.engine.inspect(one.id, { signal }) : one,
        ),
      );
      this.#observe(
        seen.filter((one) => one !== undefined),
        true,
      );
    } catch (failure) {
      if (!this.#ending.signal.aborted)
        this.#around.log.warn({ err: failure }, 'the engine did not answer; what is known of containers may be old');
    }
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

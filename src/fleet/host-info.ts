import type { Logger } from 'pino';
import type { CallOptions, Engine, EngineInfo } from '../engine/engine.js';

const LEARN_MS = 10_000;

/** What the engine says of itself and the host. */
export class HostInfo {
  readonly #engine: Engine;
  readonly #log: Logger;
  #info: EngineInfo | null = null;

  constructor({ engine, log }: { readonly engine: Engine; readonly log: Logger }) {
    this.#engine = engine;
    this.#log = log;
  }

  /** Null while the engine has not said so: nobody leaves the queue until then. */
  get known(): EngineInfo | null {
    return this.#info;
  }

  /** Asks where it is not known yet; rejects as the engine does. */
  async ask(options?: CallOptions): Promise<EngineInfo> {
    return (this.#info ??= await this.#engine.info(options));
  }

  /** Asks anew, for a moment at most; that the engine does not answer is for the log. */
  async learn(): Promise<void> {
    try {
      this.#info = await this.#engine.info({ deadline_ms: LEARN_MS });
    } catch (failure) {
      this.#log.warn({ err: failure }, 'the engine does not answer; agents in the queue wait for it');
    }
  }
}

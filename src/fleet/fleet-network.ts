import { setTimeout as sleep } from 'node:timers/promises';
import { asFilareError, FilareError } from '../contract/errors.js';
import { LABEL } from '../session/labels.js';
import type { FleetSurroundings } from './surroundings.js';

/** Waits between the tries of a removal that the engine refuses, in milliseconds. */
const REMOVE_AGAIN_MS: readonly number[] = [200, 500, 1000];

/** The one bridge network of a project: made when the first agent needs it, gone with the last. */
export class FleetNetwork {
  readonly #around: FleetSurroundings;
  readonly name: string;
  #ready: Promise<string> | null = null;
  /** It was said that the engine does not remove it. */
  #said = false;

  constructor(around: FleetSurroundings) {
    this.#around = around;
    this.name = `filare-${around.paths.key}`;
  }

  /** Its name, once it exists. */
  ensure(): Promise<string> {
    // Looked up each time, once for all who ask meanwhile: an unused network is quickly pruned by somebody.
    this.#ready ??= this.#make().finally(() => {
      this.#ready = null;
    });
    return this.#ready;
  }

  /**
   * Removes it; harmless when there is none. Where the engine refuses (it may count endpoints of containers that are long gone) it stays, open
   * in the book and named once in the log, and the next end or cleanup tries again.
   */
  async end(): Promise<void> {
    let all_gone = true;
    for (const network of await this.#around.engine.listNetworks(this.#labels())) {
      const failure = await this.remove(network);
      if (failure === null) continue;
      all_gone = false;
      if (this.#said) continue;
      this.#said = true;
      this.#around.log.warn({ network: network.name, err: failure }, `${GHOST_NETWORK}; it is tried again`);
    }
    if (!all_gone) return;
    this.#said = false;
    await this.#around.resources.closeNamed('network', this.name, 'not made');
  }

  /** Removes one network of the project and closes it in the book; answers why not, when the engine refuses again and again. */
  async remove(
    network: { readonly id: string; readonly name: string },
    { patient }: { readonly patient: boolean } = { patient: !this.#said },
  ): Promise<FilareError | null> {
    // One that was refused before keeps no end waiting again; a person who cleans up has the time.
    const waits = patient ? REMOVE_AGAIN_MS : [];
    for (let tries = 0; ; tries += 1) {
      try {
        await this.#around.engine.removeNetwork(network.id);
        await this.#around.resources.closeNamed('network', network.name, 'removed');
        return null;
      } catch (thrown) {
        const failure = asFilareError(thrown);
        if (failure.code === 'engine_unavailable' || failure.code === 'timeout') throw failure;
        const wait_ms = waits[tries];
        if (wait_ms === undefined) return failure;
        await sleep(wait_ms);
      }
    }
  }

  #labels(): Record<string, string> {
    return { [LABEL.project]: this.#around.paths.key };
  }

  async #make(): Promise<string> {
    const [found] = await this.#around.engine.listNetworks(this.#labels());
    if (found !== undefined) {
      await this.#bookFound(found.id);
      return found.name;
    }
    const entry = await this.#around.resources.intend({ kind: 'network', name: this.name });
    try {
      const { id } = await this.#around.engine.createNetwork({
        name: this.name,
        labels: {
          ...this.#labels(),
          [LABEL.instance]: this.#around.instance,
          [LABEL.purpose]: 'fleet',
          [LABEL.owner]: String(this.#around.caller_uid),
        },
        internal: false,
      });
      await this.#around.resources.opened(entry, { engine_id: id });
      return this.name;
    } catch (failure) {
      // Made or not, we do not know: the engine may have done it and not answered. Where it does not say, the entry stays open.
      const [made] = await this.#around.engine.listNetworks(this.#labels()).catch(() => [null]);
      if (made === undefined) await this.#around.resources.closed(entry, 'not made');
      else if (made !== null) await this.#around.resources.opened(entry, { engine_id: made.id });
      if (failure instanceof FilareError && failure.code === 'conflict') {
        throw new FilareError({
          code: 'conflict',
          message: `a network named ${this.name} exists that this project did not make`,
          hint: `look at it: docker network inspect ${this.name}`,
          cause: failure,
        });
      }
      throw failure;
    }
  }

  /** A network of ours that the book does not know (any more) is in use from now on. */
  async #bookFound(engine_id: string): Promise<void> {
    const { resources } = this.#around;
    const [before] = resources.named('network', this.name);
    if (before?.state === 'opened') return;
    await resources.opened(before?.entry ?? (await resources.intend({ kind: 'network', name: this.name })), {
      engine_id,
    });
  }
}

/** What to say of a network that the engine does not let go. */
export const GHOST_NETWORK =
  'the engine does not remove the network of this project: where no container is on it, it counts endpoints that are long gone, and has to be restarted';

import { FilareError } from '../contract/errors.js';
import { LABEL } from '../session/labels.js';
import type { FleetSurroundings } from './fleet.js';

/** The one bridge network of a project: made when the first agent needs it, gone with the last. */
export class FleetNetwork {
  readonly #around: FleetSurroundings;
  readonly name: string;
  #ready: Promise<string> | null = null;

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

  /** Removes it. Harmless when there is none. */
  async end(): Promise<void> {
    for (const network of await this.#around.engine.listNetworks(this.#labels())) {
      await this.#around.engine.removeNetwork(network.id);
      await this.#around.resources.closeNamed('network', network.name, 'removed');
    }
    await this.#around.resources.closeNamed('network', this.name, 'not made');
  }

  #labels(): Record<string, string> {
    return { [LABEL.project]: this.#around.paths.key };
  }

  async #make(): Promise<string> {
    const [found] = await this.#around.engine.listNetworks(this.#labels());
    if (found !== undefined) return found.name;
    const entry = await this.#around.resources.intend({ kind: 'network', name: this.name });
    try {
      const { id } = await this.#around.engine.createNetwork({
        name: this.name,
        labels: { ...this.#labels(), [LABEL.purpose]: 'fleet', [LABEL.owner]: String(this.#around.caller_uid) },
        internal: false,
      });
      await this.#around.resources.opened(entry, { engine_id: id });
      return this.name;
    } catch (failure) {
      await this.#around.resources.closed(entry, 'not made');
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
}

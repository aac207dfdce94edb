import { randomBytes } from 'node:crypto';
import { FilareError } from '../contract/errors.js';
import type { ExecPipes, ExecTerminal } from '../engine/engine.js';

const KEEP_ENDED_MS = 60_000;

/** Terminals, and pipes instead of one, that are open in containers: by name, to resize, and to ask how they ended. */
export class Terminals {
  readonly #open = new Map<string, ExecTerminal | ExecPipes>();

  /** Keeps a terminal under a name that nobody can guess; forgets it a minute after its end. */
  add(terminal: ExecTerminal | ExecPipes): string {
    const name = randomBytes(16).toString('hex');
    this.#open.set(name, terminal);
    terminal.stream.on('close', () => {
      setTimeout(() => this.#open.delete(name), KEEP_ENDED_MS).unref();
    });
    return name;
  }

  async resize(name: string, size: { readonly columns: number; readonly rows: number }): Promise<void> {
    const found = this.#find(name);
    if (!('resize' in found)) throw new FilareError({ code: 'bad_state', message: 'it was opened without a terminal' });
    await found.resize(size);
  }

  exitCode(name: string): Promise<number> {
    return this.#find(name).exitCode();
  }

  /** Ends them all. */
  end(): void {
    for (const terminal of this.#open.values()) terminal.stream.destroy();
    this.#open.clear();
  }

  #find(name: string): ExecTerminal | ExecPipes {
    const terminal = this.#open.get(name);
    if (terminal === undefined) throw new FilareError({ code: 'not_found', message: 'no such terminal is open' });
    return terminal;
  }
}

import { constants } from 'node:os';
import { FilareError } from '../contract/errors.js';

const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;

/** Ctrl-C and its like: the first aborts `signal` with `interrupted`, the second ends the process at once. */
export class Interrupts {
  readonly #controller = new AbortController();
  readonly #exit: (code: number) => never;
  #deaf = false;

  constructor(exit: (code: number) => never) {
    this.#exit = exit;
    for (const name of SIGNALS) process.on(name, this.#heard);
  }

  /** Aborted by the first Ctrl-C. */
  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  /** Leaves the signals to somebody else: a terminal in raw mode, or the daemon, decides itself. */
  release(): void {
    this.#deaf = true;
    for (const name of SIGNALS) process.off(name, this.#heard);
  }

  /** From here on signals are heard and change nothing: what is being put away is finished first. Only for what has a deadline. */
  ignore(): void {
    this.#deaf = true;
  }

  readonly #heard = (name: NodeJS.Signals): void => {
    if (this.#deaf) return;
    const signal_number = constants.signals[name];
    if (this.#controller.signal.aborted) this.#exit(128 + signal_number);
    this.#controller.abort(
      new FilareError({ code: 'interrupted', message: 'interrupted', details: { signal_number } }),
    );
  };
}

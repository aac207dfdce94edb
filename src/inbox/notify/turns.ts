interface Waiting {
  readonly lane: string;
  readonly go: () => void;
}

/** Lets at most so many go at once, and of one lane one at a time: first come, first served, but nobody waits behind a lane that is taken. */
export class Turns {
  readonly #at_once: number;
  readonly #taken = new Set<string>();
  readonly #waiting = new Set<Waiting>();

  constructor(at_once: number) {
    this.#at_once = at_once;
  }

  /** Waits for a turn and answers what gives it back; rejects with the signal's reason when that ends first. */
  take(lane: string, signal: AbortSignal): Promise<() => void> {
    return new Promise((resolve, reject) => {
      if (signal.aborted) return reject(asError(signal.reason));
      const onAbort = (): void => {
        this.#waiting.delete(one);
        reject(asError(signal.reason));
      };
      const one: Waiting = {
        lane,
        go: () => {
          signal.removeEventListener('abort', onAbort);
          resolve(() => this.#giveBack(lane));
        },
      };
      signal.addEventListener('abort', onAbort, { once: true });
      this.#waiting.add(one);
      this.#next();
    });
  }

  #giveBack(lane: string): void {
    this.#taken.delete(lane);
    this.#next();
  }

  #next(): void {
    for (const one of this.#waiting) {
      if (this.#taken.size >= this.#at_once) return;
      if (this.#taken.has(one.lane)) continue;
      this.#waiting.delete(one);
      this.#taken.add(one.lane);
      one.go();
    }
  }
}

function asError(reason: unknown): Error {
  return reason instanceof Error ? reason : new Error('stopped', { cause: reason });
}

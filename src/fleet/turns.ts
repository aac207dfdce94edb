/** One piece of work at a time, in the order in which it was asked for. */
export class Turns {
  #last: Promise<unknown> = Promise.resolve();

  /** Runs work when all that was asked for before is done; settles as it does. */
  take<T>(work: () => Promise<T>): Promise<T> {
    const result = this.#last.then(work);
    this.#last = result.catch(() => undefined);
    return result;
  }

  /** Resolves when all that was asked for until now is done, well or not. */
  async done(): Promise<void> {
    await this.#last;
  }
}

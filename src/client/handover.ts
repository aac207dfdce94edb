/**
 * Hands things from any number of givers to one taker, in the order in which they were given. A giver waits until its thing was taken and the taker asks
 * for the next one: nothing piles up, and a slow taker slows the givers down.
 */
export class Handover<T> {
  readonly #offers: { readonly thing: T; readonly taken: () => void }[] = [];
  #failure: { readonly error: unknown } | undefined;
  #wake: () => void = () => undefined;

  /** Offers a thing; resolves once it was taken. */
  async give(thing: T): Promise<void> {
    await new Promise<void>((taken) => {
      this.#offers.push({ thing, taken });
      this.#wake();
    });
  }

  /** Ends the taking with a failure, once what was given before is taken; the first one counts. */
  fail(error: unknown): void {
    this.#failure ??= { error };
    this.#wake();
  }

  /** What is given, until a failure, which is thrown. */
  async *take(): AsyncGenerator<T, never, undefined> {
    for (;;) {
      const offer = this.#offers.shift();
      if (offer !== undefined) {
        yield offer.thing;
        offer.taken();
      } else if (this.#failure !== undefined) {
        throw this.#failure.error;
      } else {
        await new Promise<void>((wake) => {
          this.#wake = wake;
        });
      }
    }
  }
}

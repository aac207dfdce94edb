/** What a benchmark has made and must take away, whatever happens: last made, first gone. */
export class Undo {
  readonly #steps: { readonly what: string; readonly undo: () => Promise<unknown> }[] = [];

  /** Books how to take something away, before or as soon as it is there. Must be harmless when it is gone already. */
  add(what: string, undo: () => Promise<unknown>): void {
    this.#steps.push({ what, undo });
  }

  /** Takes everything away; says what could not be. */
  async run(): Promise<readonly string[]> {
    const failed: string[] = [];
    for (let step = this.#steps.pop(); step !== undefined; step = this.#steps.pop()) {
      try {
        await step.undo();
      } catch (failure) {
        failed.push(`${step.what}: ${failure instanceof Error ? failure.message : String(failure)}`);
      }
    }
    return failed;
  }
}

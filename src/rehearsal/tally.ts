/** The tally remembers this many failing steps; the oldest is forgotten first. */
const TALLY_ENTRIES = 10_000;

/** Counts how often a failing step has been played: the one thing that a request does not tell. It lives in memory, so a restarted server
 * begins a `times` again. */
export class Tally {
  readonly #played = new Map<string, number>();

  /** Whether the step named by `key` is to fail now, and counts it if so. `times: null` fails for ever. */
  due(key: string, times: number | null): boolean {
    if (times === null) return true;
    const played = this.#played.get(key) ?? 0;
    if (played >= times) return false;
    this.#played.delete(key);
    this.#played.set(key, played + 1);
    if (this.#played.size > TALLY_ENTRIES) {
      const oldest = this.#played.keys().next();
      if (!oldest.done) this.#played.delete(oldest.value);
    }
    return true;
  }
}

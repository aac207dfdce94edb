/** In which step the looks at workspaces and syncs are, told to whoever waits for one. Nothing is kept of one that is over. */
export class HomecomingSteps {
  readonly #now = new Map<string, string>();
  readonly #watchers = new Map<string, Set<(step: string) => void>>();

  /** The step of a session's work begins. */
  say(session_id: string, step: string): void {
    this.#now.set(session_id, step);
    for (const tell of this.#watchers.get(session_id) ?? []) tell(step);
  }

  /** Nothing is done with the session's work any more. */
  over(session_id: string): void {
    this.#now.delete(session_id);
  }

  /** Tells the step that is now, if any, and every later one, until the answer is called. */
  watch(session_id: string, tell: (step: string) => void): () => void {
    const watchers = this.#watchers.get(session_id) ?? new Set();
    this.#watchers.set(session_id, watchers.add(tell));
    const now = this.#now.get(session_id);
    if (now !== undefined) tell(now);
    return () => {
      watchers.delete(tell);
      if (watchers.size === 0) this.#watchers.delete(session_id);
    };
  }
}

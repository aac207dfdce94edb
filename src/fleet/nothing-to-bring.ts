import type { SessionRow } from '../contract/session.js';
import type { Fleet } from './fleet.js';

/** What is seen and done of the fleet here. */
type FleetAtWork = Pick<Fleet, 'liveSessions' | 'rows' | 'surroundings'> & {
  readonly home: Pick<Fleet['home'], 'noteIfNothing'>;
};

/**
 * Looks whether agents whose work others wait for (`depends_on: synced`) have any: nobody could bring home what is not there. Only those that rest are
 * looked at, in a container, once for each turn that they have ended.
 */
export class NothingToBring {
  readonly #fleet: FleetAtWork;
  readonly #looked = new Set<string>();

  constructor(fleet: FleetAtWork) {
    this.#fleet = fleet;
  }

  /** Looks at those that came to rest since; what is found changes who waits by itself. */
  look(): void {
    const wanted = this.#wanted();
    if (wanted.size === 0) return;
    const latest = new Map(this.#fleet.rows(true).map((row) => [row.id, row]));
    for (const id of wanted) {
      const row = latest.get(id);
      if (row === undefined || row.reached.includes('synced') || !restsAfterWork(row)) continue;
      const live = this.#fleet.liveSessions.find((session) => session.state.session_id === row.session_id);
      const key = `${row.session_id} ${row.ended_at ?? String(live?.state.turns)}`;
      if (this.#looked.has(key)) continue;
      this.#looked.add(key);
      this.#fleet.home.noteIfNothing(row.session_id).catch((failure: unknown) => {
        // It waits then, with the command that says why its work cannot be brought home.
        const { session_id } = row;
        this.#fleet.surroundings.log.warn({ session_id, err: failure }, 'whether it has work to bring is not known');
      });
    }
  }

  /** Agents whose work somebody in the queue waits for. */
  #wanted(): ReadonlySet<string> {
    const queued = this.#fleet.liveSessions.filter(({ state }) => state.stage.phase === 'queued');
    const needed = queued.flatMap(({ state }) => state.agent.depends_on);
    return new Set(needed.filter(({ condition }) => condition === 'synced').map(({ id }) => id));
  }
}

/** It has ended a turn and does nothing now, or never will. */
export function restsAfterWork({ reached, activity, ended_at }: SessionRow): boolean {
  return reached.includes('idle') && (ended_at !== null || activity === 'idle');
}

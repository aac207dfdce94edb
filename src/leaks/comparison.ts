import type { ProjectPaths } from '../contract/project.js';
import type { ResourceEntry } from '../ledger/project-ledger.js';
import type { World } from './world.js';

/** What is compared. */
export interface Comparison {
  readonly book: readonly ResourceEntry[];
  readonly world: World;
  readonly paths: ProjectPaths;
  /** Instance of the project; null when its state folder does not say. */
  readonly instance: string | null;
  /** Name of the lock as it is among the sockets. */
  readonly lock: string;
  /** A rehearsal may be played by a session that is not over. */
  readonly rehearsed: boolean;
}

/** Whether a daemon holds the project's lock. */
export function daemonLives({ world, lock }: Comparison): boolean {
  return world.sockets.has(lock);
}

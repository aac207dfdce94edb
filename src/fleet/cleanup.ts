import type { CleanupItem } from '../contract/api-shapes.js';
import { cleanWorkspaces } from './clean-workspaces.js';
import { expireSessions } from './expire-sessions.js';
import type { Fleet } from './fleet.js';
import { takeLeftovers } from './take-leftovers.js';

/** How to clean up. `dry_run`: say what would be done, do nothing. `force`: take more than the share that is taken without being asked twice. */
export interface CleanupOptions {
  readonly dry_run: boolean;
  readonly force: boolean;
  /** Also workspaces of sessions that have ended; see clean-workspaces.ts. */
  readonly workspaces?: boolean;
}

/**
 * Removes what is ours and provably not needed, while nothing is started (see take-leftovers.ts), and ended sessions that the project's retention does not
 * keep (see expire-sessions.ts), which comes first, so that a mistake in it is said before anything is removed.
 */
export async function cleanup(fleet: Fleet, options: CleanupOptions): Promise<readonly CleanupItem[]> {
  // Before the records go that say whose they are.
  const workspaces = options.workspaces === true ? await cleanWorkspaces(fleet, options) : [];
  const expired = await expireSessions(fleet, options.dry_run);
  const taken = await fleet.takeTurn(({ network }) => takeLeftovers({ fleet, network }, options));
  return [...taken, ...workspaces, ...expired];
}

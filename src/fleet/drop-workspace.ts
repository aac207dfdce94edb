import { lstat } from 'node:fs/promises';
import { dirname } from 'node:path';
import { asFilareError } from '../contract/errors.js';
import type { Homecomer } from '../homecoming/homecoming.js';
import type { SyncPlace } from '../homecoming/sync.js';
import { findUnsynced, type Unsynced } from '../homecoming/unsynced.js';
import { removeWorkspace } from '../workspace/remove-workspace.js';
import type { Fleet } from './fleet.js';

const NAMED = 10;
/** How long the look at a workspace may take, in milliseconds: nothing is started meanwhile, and an agent's files can make git wait for ever. */
const LOOK_MS = 60_000;

/** What became of a workspace. */
export interface Dropped {
  readonly outcome: 'removed' | 'would_remove' | 'kept' | 'gone';
  /** Why it is kept, or may go. */
  readonly why: string;
  /** What is in it and nowhere else; null when that is nothing, or was not looked at. */
  readonly lost: Unsynced | null;
}

/**
 * Removes the workspace of a session that has ended, while nothing is started: only one that this product made below `.filare/workspaces`, that no session
 * uses, and with nothing in it that was not brought home, unless `force`. What cannot be told counts as something that would be lost.
 */
export async function dropWorkspace(
  fleet: Pick<Fleet, 'surroundings' | 'liveSessions' | 'takeTurn'>,
  of: Homecomer,
  place: SyncPlace,
  options: { readonly force: boolean; readonly dry_run: boolean; readonly look_ms?: number },
  signal: AbortSignal,
): Promise<Dropped> {
  const { paths, resources } = fleet.surroundings;
  const { path } = of.agent.workspace;
  const kept = (why: string, lost: Unsynced | null = null): Dropped => ({ outcome: 'kept', why, lost });
  if (dirname(path) !== paths.workspaces || !resources.named('folder', path).some(({ state }) => state === 'kept'))
    return kept('this product did not make it below .filare/workspaces, so it is yours');
  if ((await lstat(path).catch(() => null)) === null) return { outcome: 'gone', why: 'it is not there', lost: null };
  return fleet.takeTurn(async () => {
    if (fleet.liveSessions.some((one) => !one.ended && one.state.agent.workspace.path === path))
      return kept('a session uses it');
    const late = AbortSignal.timeout(options.look_ms ?? LOOK_MS);
    const found = await findUnsynced(fleet.surroundings, of, place, AbortSignal.any([signal, late])).catch(
      asFilareError,
    );
    signal.throwIfAborted();
    const lost = found instanceof Error || found.commits.length + found.files.length === 0 ? null : found;
    const doubt =
      found instanceof Error
        ? `what would be lost with it cannot be told (${late.aborted ? 'git did not come to an end in it' : found.message})`
        : lost === null
          ? null
          : 'it holds work that was not brought home';
    if (doubt !== null && !options.force) return kept(doubt, lost);
    const why =
      doubt === null ? 'its session has ended, and all of its work was brought home' : `${doubt}, and it goes by force`;
    if (options.dry_run) return { outcome: 'would_remove', why, lost };
    await removeWorkspace(path, { project_root: paths.root });
    await resources.closeNamed('folder', path, 'removed');
    return { outcome: 'removed', why, lost };
  });
}

/** What would be lost, for people. */
export function lostWords({ commits, files, cut }: Unsynced): string {
  const parts = [
    ...commits.slice(0, NAMED).map(({ commit, subject }) => `${commit.slice(0, 12)} ${subject}`),
    ...files.slice(0, NAMED),
  ];
  const more = commits.length + files.length - parts.length;
  const counts = [counted(commits.length, 'commit'), counted(files.length, 'file')].filter((part) => part !== null);
  const rest = cut ? ' and more than can be listed' : more > 0 ? ` and ${String(more)} more` : '';
  return `${counts.join(', ')} (${parts.join('; ')}${rest})`;
}

function counted(count: number, what: string): string | null {
  return count === 0 ? null : `${String(count)} ${what}${count === 1 ? '' : 's'}`;
}

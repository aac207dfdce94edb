import { readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { CleanupItem } from '../contract/api.js';
import { LABEL } from '../session/labels.js';
import { expireSessions } from './expire-sessions.js';
import type { Fleet } from './fleet.js';
import { findSessions, readCheckpoint } from './checkpoint.js';

/**
 * Removes what is ours and provably not needed: containers and networks with this project's label whose session has ended, pipes of attempts that
 * are over, staging folders of workspaces, and ended sessions that the project's retention does not keep. What cannot be proved is kept, and said. `dry_run`
 * removes nothing and says the same.
 */
export async function cleanup(fleet: Fleet, dry_run: boolean): Promise<readonly CleanupItem[]> {
  const { engine, paths, resources } = fleet.surroundings;
  // First, so that a mistake in it is said before anything is removed.
  const expired = await expireSessions(fleet, dry_run);
  const live = new Set(fleet.liveSessions.filter((s) => !s.ended).map((s) => s.state.session_id));
  const rehearsed = fleet.liveSessions.some((s) => !s.ended && s.state.rehearsal !== null);
  const known = new Map((await findSessions(paths.outputs)).map((s) => [s.session_id, s.folder]));
  const items: CleanupItem[] = [];
  const done = dry_run ? 'would_remove' : 'removed';

  for (const container of await engine.list({ [LABEL.project]: paths.key })) {
    const session_id = container.labels[LABEL.session] ?? null;
    const verdict = await judge(session_id, container.labels[LABEL.purpose], live, known, rehearsed);
    if (verdict.remove && !dry_run) {
      await engine.remove(container.id);
      await resources.closeNamed('container', container.name, 'removed by cleanup');
    }
    items.push({
      kind: 'container',
      name: container.name,
      session_id,
      action: verdict.remove ? done : 'kept',
      reason: verdict.reason,
    });
  }
  for (const network of await engine.listNetworks({ [LABEL.project]: paths.key })) {
    const needed = live.size > 0;
    if (!needed && !dry_run) {
      await engine.removeNetwork(network.id);
      await resources.closeNamed('network', network.name, 'removed by cleanup');
    }
    items.push({
      kind: 'network',
      name: network.name,
      session_id: null,
      action: needed ? 'kept' : done,
      reason: needed ? 'agents are running on it' : 'no agent is running',
    });
  }
  for (const [session_id, folder] of known) {
    if (live.has(session_id) || !(await hasEnded(folder))) continue;
    for (const name of await leftovers(folder)) {
      if (!dry_run) await rm(name, { recursive: true, force: true });
      items.push({ kind: 'folder', name, session_id, action: done, reason: 'pipe of an attempt that is over' });
    }
  }
  return [...items, ...expired];
}

async function judge(
  session_id: string | null,
  purpose: string | undefined,
  live: ReadonlySet<string>,
  known: ReadonlyMap<string, string>,
  rehearsed: boolean,
): Promise<{ readonly remove: boolean; readonly reason: string }> {
  if (purpose === 'rehearsal')
    return rehearsed
      ? { remove: false, reason: 'rehearsed agents are running' }
      : { remove: true, reason: 'no rehearsed agent is running' };
  if (session_id === null)
    return { remove: false, reason: 'it carries no session label; remove it by hand if it is not yours' };
  if (live.has(session_id)) return { remove: false, reason: 'its session is running' };
  const folder = known.get(session_id);
  if (folder === undefined)
    return { remove: false, reason: 'its session is not known here; remove it by hand: docker rm -f' };
  return (await hasEnded(folder))
    ? { remove: true, reason: 'its session has ended' }
    : { remove: false, reason: 'its session may still be needed' };
}

async function hasEnded(folder: string): Promise<boolean> {
  const row = await readCheckpoint(folder);
  return row !== null && (row.phase === 'stopped' || row.phase === 'failed');
}

async function leftovers(folder: string): Promise<readonly string[]> {
  const attempts = join(folder, 'attempts');
  const names = await readdir(attempts).catch(() => []);
  const found: string[] = [];
  for (const attempt of names) {
    const inside = await readdir(join(attempts, attempt)).catch(() => []);
    for (const name of inside) if (name === 'io' || name === 'startup') found.push(join(attempts, attempt, name));
  }
  return found;
}

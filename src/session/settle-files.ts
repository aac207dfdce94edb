import { lstat } from 'node:fs/promises';
import type { ResourceEntry } from '../ledger/project-ledger.js';
import { removeSeedLeftovers } from '../workspace/seed-staging.js';
import { removeBooked, whyItStays } from './booking.js';
import type { SessionSurroundings } from './surroundings.js';

const STAGING = /^(?<workspace>.+)\.filare-seed-[0-9a-f]{16}$/;

/** What settling works with. */
export type SettleSurroundings = Pick<SessionSurroundings, 'paths' | 'resources'>;

/** The workspace that a staging folder is for; undefined for any other path. */
export function stagedWorkspace(path: string): string | undefined {
  return STAGING.exec(path)?.groups?.['workspace'];
}

/**
 * What the book still says is open of a session that does nothing now, as after a daemon that died between a deed and its record: what stays is
 * kept, what goes is removed, what is not there is closed. Leaves open what it cannot prove to be ours.
 */
export async function settleFiles(around: SettleSurroundings, session_id: string): Promise<void> {
  for (const entry of around.resources.open()) if (entry.session_id === session_id) await settleFile(around, entry);
}

/** The same for one entry; other kinds than folders and pipes are left alone. */
export async function settleFile(around: SettleSurroundings, entry: ResourceEntry): Promise<void> {
  const { resources, paths } = around;
  if (entry.kind !== 'folder' && entry.kind !== 'fifo') return;
  if (!(await isThere(entry.name))) {
    await resources.closed(entry.entry, entry.state === 'intended' ? 'not made' : 'gone');
    return;
  }
  const why = whyItStays(entry);
  if (why !== undefined) {
    await resources.kept(entry.entry, why);
    return;
  }
  const workspace = stagedWorkspace(entry.name);
  if (workspace !== undefined) {
    const { removed } = await removeSeedLeftovers(workspace, paths.key);
    for (const path of removed) await resources.closeNamed('folder', path, 'removed');
    return;
  }
  // The book is ours, and yet: nothing but parts of attempts is ever removed by its word alone.
  if (
    entry.name.startsWith(`${paths.outputs}/`) &&
    /\/attempts\/\d+\/(?:io|startup|journal\/in)(?:\/|$)/.test(entry.name)
  )
    await removeBooked(resources, entry.kind, entry.name);
}

async function isThere(path: string): Promise<boolean> {
  return lstat(path).then(
    () => true,
    (failure: unknown) => !(failure instanceof Error && 'code' in failure && failure.code === 'ENOENT'),
  );
}

/**
 * What lies about on disk of what ought to be gone some day. Contract: looks at names and kinds, in places that are listed here, and follows no link;
 * workspaces and homes are the agents' own and are not looked into.
 */
import { constants } from 'node:fs';
import { lstat, open, readdir } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import type { ProjectPaths } from '../contract/project.js';
import { stagedWorkspace } from '../session/settle-files.js';
import type { DiskSight, SessionSight } from './world.js';

/** A file may hold a key in its first so many bytes, and is not larger than the second. */
const KEY_LOOK_BYTES = 4096;
const MAX_KEY_FILE_BYTES = 64 * 1024;
const KEY_WORDS = 'PRIVATE KEY-----';

/** What is looked through. */
export interface DiskPlaces {
  readonly paths: ProjectPaths;
  readonly sessions: ReadonlyMap<string, SessionSight>;
  /** The product's cache folder, which projects share; null to leave it out. */
  readonly cache: string | null;
  readonly now_ms: number;
}

/** See the top of this file. */
export async function lookAtDisk(places: DiskPlaces): Promise<readonly DiskSight[]> {
  const { paths, sessions, now_ms } = places;
  const found: DiskSight[] = [];
  const add = async (what: DiskSight['what'], path: string, session_id: string | null = null): Promise<void> => {
    const stats = await lstat(path).catch(() => null);
    if (stats !== null) found.push({ what, path, session_id, age_ms: now_ms - stats.mtimeMs });
  };
  const loose = async (folder: string, session_id: string | null): Promise<void> => {
    for (const { name, kind } of await entries(folder)) {
      const path = join(folder, name);
      if (kind === 'fifo') await add('pipe', path, session_id);
      else if (kind === 'socket') await add('socket', path, session_id);
      else if (kind === 'file' && (await holdsKey(path))) await add('secret', path, session_id);
    }
  };
  for (const folder of [paths.state, join(paths.state, 'rehearsal')]) await loose(folder, null);
  for (const [session_id, { folder }] of sessions) {
    await loose(folder, session_id);
    const attempts = join(folder, 'attempts');
    for (const attempt of await entries(attempts)) {
      const inside = join(attempts, attempt.name);
      for (const { name, kind } of await entries(inside)) {
        if (kind !== 'folder') continue;
        // A part that goes is named once; what lies in it goes with it.
        if (name === 'io' || name === 'startup') await add('attempt part', join(inside, name), session_id);
        if (name !== 'io') await loose(join(inside, name), session_id);
      }
    }
  }
  for (const parent of workspaceParents(places)) {
    for (const { name, kind } of await entries(parent)) {
      if (kind !== 'folder') continue;
      if (stagedWorkspace(join(parent, name)) !== undefined) await add('staging', join(parent, name));
      if (parent === paths.workspaces && /\.filare-gone-[0-9a-f]{16}$/.test(name))
        await add('half-removed', join(parent, name));
    }
  }
  for (const { name } of await entries(paths.root))
    if (name.startsWith('.filare-doctor-')) await add('trial', join(paths.root, name));
  for (const folder of new Set([tmpdir(), dirname(paths.socket)]))
    for (const { name } of await entries(folder))
      if (name.startsWith(`filare-${paths.key}`)) await add('socket', join(folder, name));
  if (places.cache !== null) {
    for (const folder of [places.cache, join(places.cache, 'npm-pack')])
      for (const { name, kind } of await entries(folder))
        if (kind === 'folder' && /^(?:arriving|base)-/.test(name)) await add('download', join(folder, name));
  }
  return found;
}

/** Folders in which workspaces are seeded. */
function workspaceParents({ paths, sessions }: DiskPlaces): ReadonlySet<string> {
  const named = [...sessions.values()].flatMap(({ workspace }) => (workspace === null ? [] : [dirname(workspace)]));
  return new Set([paths.workspaces, ...named]);
}

async function entries(
  folder: string,
): Promise<readonly { readonly name: string; readonly kind: 'folder' | 'file' | 'fifo' | 'socket' | 'other' }[]> {
  const found = await readdir(folder, { withFileTypes: true }).catch(() => []);
  return found.map((entry) => ({
    name: entry.name,
    kind: entry.isDirectory()
      ? 'folder'
      : entry.isFile()
        ? 'file'
        : entry.isFIFO()
          ? 'fifo'
          : entry.isSocket()
            ? 'socket'
            : 'other',
  }));
}

async function holdsKey(path: string): Promise<boolean> {
  try {
    const stats = await lstat(path);
    if (!stats.isFile() || stats.size === 0 || stats.size > MAX_KEY_FILE_BYTES) return false;
    await using file = await open(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
    const { buffer, bytesRead } = await file.read(Buffer.alloc(KEY_LOOK_BYTES), 0, KEY_LOOK_BYTES, 0);
    return buffer.subarray(0, bytesRead).includes(KEY_WORDS);
  } catch {
    return false;
  }
}

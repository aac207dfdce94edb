import { createReadStream } from 'node:fs';
import { lstat, readdir, realpath, rename, rm, rmdir, stat } from 'node:fs/promises';
import { basename, dirname, join, relative } from 'node:path';
import { createInterface } from 'node:readline';
import { syncFolder } from '../ledger/replace-file.js';
import { sessionRecordSchema } from '../session/record.js';
import { sessionFiles } from '../session/session-files.js';

/** Begins the name of a session folder that is being deleted. */
export const TRASH = '.trash-';
const LEDGER = basename(sessionFiles('').ledger);
const DISK_BLOCK_BYTES = 512;

/**
 * Why the folder may not be deleted as that of an ended session; null where it may. Only a real folder, two levels below `outputs`, whose
 * own ledger begins as a session's does and says that the session ended.
 */
export async function whyNotOurs(folder: string, outputs: string): Promise<string | null> {
  try {
    if (!(await lstat(folder)).isDirectory()) return 'it is no folder';
    const place = relative(await realpath(outputs), await realpath(folder)).split('/');
    if (place.length !== 2 || place.includes('..')) return `it leads out of ${outputs}`;
    let first: string | undefined;
    let ended = false;
    const lines = createInterface({ input: createReadStream(join(folder, LEDGER), 'utf8'), crlfDelay: Infinity });
    for await (const line of lines) {
      const record = sessionRecordSchema.safeParse(JSON.parse(line));
      if (!record.success) continue;
      first ??= record.data.fact.type;
      ended ||= record.data.fact.type === 'ended';
    }
    if (first !== 'created') return 'its ledger is not one of a session';
    return ended ? null : 'its ledger does not say that it ended';
  } catch {
    return 'its ledger cannot be read';
  }
}

/** Takes the folder of an ended session from its name, at once and whole; answers where it is now, to be emptied. */
export async function moveAway(folder: string): Promise<string> {
  const trash = join(dirname(folder), `${TRASH}${basename(folder)}`);
  await rename(folder, trash);
  await syncFolder(dirname(folder));
  return trash;
}

/** Deletes what was moved away. The ledger goes last: by it a folder is known as ours. What a crash leaves of it, `finishDeleting` takes. */
export async function deleteMoved(trash: string): Promise<void> {
  for (const name of await readdir(trash)) {
    if (name !== LEDGER) await rm(join(trash, name), { recursive: true, force: true });
  }
  await rm(join(trash, LEDGER), { force: true });
  await rmdir(trash);
}

/** Deletes what earlier deletions left below `outputs`: folders of that name that hold a ledger still, or nothing. */
export async function finishDeleting(outputs: string): Promise<void> {
  for (const role of await readdir(outputs, { withFileTypes: true }).catch(() => [])) {
    if (!role.isDirectory()) continue;
    for (const entry of await readdir(join(outputs, role.name), { withFileTypes: true }).catch(() => [])) {
      if (!entry.isDirectory() || !entry.name.startsWith(TRASH)) continue;
      const folder = join(outputs, role.name, entry.name);
      const names = await readdir(folder);
      if (names.length === 0 || names.includes(LEDGER)) await deleteMoved(folder);
    }
  }
}

/** What the folder takes of the disk, in bytes. Links are not followed. */
export async function diskBytes(folder: string): Promise<number> {
  let bytes = 0;
  for (const entry of await readdir(folder, { withFileTypes: true }).catch(() => [])) {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) bytes += await diskBytes(path);
    else if (entry.isFile()) bytes += ((await stat(path).catch(() => null))?.blocks ?? 0) * DISK_BLOCK_BYTES;
  }
  return bytes;
}

import { randomBytes } from 'node:crypto';
import { constants } from 'node:fs';
import { chmod, open, readFile, rename, rmdir, unlink } from 'node:fs/promises';
import { FilareError } from '../contract/errors.js';
import { OpenFolder, type EntryName } from './open-folder.js';
import { systemCode, unlessMissing } from './system-error.js';

/** Folders held open at once; what lies deeper is moved up first, so that no depth an agent can build exhausts descriptors or stack. */
const MAX_OPEN_DEPTH = 64;
const MOVED_UP = 'filare-moved-up-';
const MAX_PASSES = 20;
/** Not among Node's constants; the same on every Linux that Node supports. */
const O_PATH = 0o10000000;

/**
 * Removes an entry of an open folder with all that is in it. Links are removed, never followed; folders closed to their own owner are
 * opened; another file system mounted inside is refused before anything is removed. Gone already is fine.
 */
export async function removeTree(parent: OpenFolder, name: EntryName, path: string): Promise<void> {
  const entry = await unlessMissing(parent.look(name));
  if (entry === undefined) return;
  if (!entry.isDirectory()) {
    await unlessMissing(unlink(parent.entry(name)));
    return;
  }
  await refuseMountsBelow(path);
  {
    await using top = await openToEmpty(parent, name);
    await empty(top, top, (await top.stat()).dev, 0);
  }
  await unlessMissing(rmdir(parent.entry(name)));
}

async function empty(folder: OpenFolder, top: OpenFolder, device: number, depth: number): Promise<void> {
  // Whoever still writes there may keep it from getting empty, not keep us: rmdir says so (ENOTEMPTY). What was moved up is new work.
  for (let passes = 0; passes < MAX_PASSES; passes += 1) {
    const names = await folder.names();
    if (names.length === 0) return;
    for (const name of names) {
      const entry = await unlessMissing(folder.look(name));
      if (entry === undefined) continue;
      if (!entry.isDirectory()) {
        await unlessMissing(unlink(folder.entry(name)));
        continue;
      }
      if (name.toString().startsWith(MOVED_UP)) passes = 0;
      await using inner = await openToEmpty(folder, name);
      if ((await inner.stat()).dev !== device) throw mounted(name.toString());
      if (depth >= MAX_OPEN_DEPTH) {
        await rename(folder.entry(name), top.entry(`${MOVED_UP}${randomBytes(12).toString('hex')}`));
        continue;
      }
      await empty(inner, top, device, depth + 1);
      await unlessMissing(rmdir(folder.entry(name)));
    }
  }
}

async function openToEmpty(parent: OpenFolder, name: EntryName): Promise<OpenFolder> {
  let folder: OpenFolder;
  try {
    folder = await parent.folder(name);
  } catch (error) {
    if (systemCode(error) !== 'EACCES') throw error;
    await openUp(parent, name);
    folder = await parent.folder(name);
  }
  const { mode } = await folder.stat();
  if ((mode & 0o700) !== 0o700) await folder.chmod(0o700);
  return folder;
}

/** chmod through a descriptor that needs no permission: a link in the folder's place is not followed. */
async function openUp(parent: OpenFolder, name: EntryName): Promise<void> {
  const handle = await open(parent.entry(name), O_PATH | constants.O_NOFOLLOW | constants.O_DIRECTORY);
  try {
    await chmod(`/proc/self/fd/${handle.fd}`, 0o700);
  } finally {
    await handle.close();
  }
}

/** Refuses (`workspace`) a folder that is, or holds, the place where another file system is mounted; `path` is real. */
export async function refuseMountsBelow(path: string): Promise<void> {
  const table = await readFile('/proc/self/mountinfo', 'utf8');
  for (const line of table.split('\n')) {
    const point = line
      .split(' ')[4]
      ?.replace(/\\([0-7]{3})/g, (_, octal: string) => String.fromCharCode(parseInt(octal, 8)));
    if (point === path || point?.startsWith(`${path}/`) === true) throw mounted(point);
  }
}

function mounted(point: string): FilareError {
  return new FilareError({
    code: 'workspace',
    message: `another file system is mounted at ${point}; nothing below it is removed`,
    hint: `unmount it (\`umount\`), then try again`,
    details: { path: point },
  });
}

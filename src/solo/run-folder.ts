import { lstat, mkdtemp, readdir, realpath } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, dirname, join } from 'node:path';
import type { Engine } from '../engine/engine.js';
import { SOLO_NAME } from '../session/labels.js';
import { OpenFolder } from '../workspace/open-folder.js';
import { removeTree } from '../workspace/remove-tree.js';

const PREFIX = 'filare-solo-';
/** Younger ones are left alone: in another process namespace the same number may be somebody else. */
const OLD_MS = 60_000;

/**
 * Makes a private temporary folder for this process (0700), and removes those of processes that were killed before they could. A program in the container
 * of such a process may have kept it alive: it goes first. The container of a folder has the folder's name.
 */
export async function runFolder(engine: Pick<Engine, 'remove'>): Promise<string> {
  const home = await realpath(tmpdir());
  for (const name of await readdir(home)) {
    const pid = SOLO_NAME.exec(name)?.[1];
    if (pid === undefined || isAlive(Number(pid)) || !(await isOldAndOurs(join(home, name)))) continue;
    await engine.remove(name);
    await removeRunFolder(join(home, name));
  }
  return mkdtemp(join(home, `${PREFIX}${String(process.pid)}-`));
}

/** Removes such a folder. Programs in the container could write in it, so no link in it is followed. */
export async function removeRunFolder(path: string): Promise<void> {
  await using parent = await OpenFolder.open(dirname(path));
  await removeTree(parent, basename(path), path);
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return !(error instanceof Error && 'code' in error && error.code === 'ESRCH');
  }
}

async function isOldAndOurs(path: string): Promise<boolean> {
  const stats = await lstat(path).catch(() => null);
  return (
    stats !== null && stats.isDirectory() && stats.uid === process.getuid?.() && Date.now() - stats.mtimeMs > OLD_MS
  );
}

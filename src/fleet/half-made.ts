import { readdir, readFile, rm } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { sessionFiles } from '../session/session-files.js';

/**
 * Removes what a daemon that died left half made in a session's folder: a checkpoint that was not in place yet; and the folder itself when the session never
 * began, because nothing of its first record is on the disk, and so nothing was ever made for it. Answers whether the folder is gone.
 */
export async function removeHalfMade(folder: string): Promise<boolean> {
  const { ledger, state } = sessionFiles(folder);
  const names = await readdir(folder);
  const files = new Set([ledger, sessionFiles(folder).transcript].map((path) => basename(path)));
  if (names.every((name) => files.has(name)) && !(await holdsLine(ledger))) {
    await rm(folder, { recursive: true, force: true });
    return true;
  }
  const half = new RegExp(`^${basename(state).replaceAll('.', '\\.')}\\.\\d+$`);
  for (const name of names) if (half.test(name)) await rm(join(folder, name), { force: true });
  return false;
}

/** Whether a line of it is complete; the beginning of one is what its repair cuts off. */
async function holdsLine(path: string): Promise<boolean> {
  const bytes = await readFile(path).catch(() => Buffer.alloc(0));
  return bytes.includes('\n');
}

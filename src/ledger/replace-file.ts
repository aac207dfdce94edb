import { randomUUID } from 'node:crypto';
import { constants } from 'node:fs';
import { open, rename, rm } from 'node:fs/promises';
import { dirname } from 'node:path';

/**
 * Puts a file (0600) with this text at `path`, whole or not at all: whoever reads sees the old one or the new one. `durable`: it is on the
 * disk when this resolves, its name included; else a power failure may leave anything, which the reader must notice. Rejects with what the disk says.
 */
export async function replaceFile(path: string, text: string, durable: boolean): Promise<void> {
  const next = `${path}.${randomUUID()}.tmp`;
  try {
    const file = await open(next, 'wx', 0o600);
    try {
      await file.writeFile(text);
      if (durable) await file.sync();
    } finally {
      await file.close();
    }
    await rename(next, path);
  } catch (error) {
    await rm(next, { force: true });
    throw error;
  }
  if (durable) await syncFolder(dirname(path));
}

/** Makes the names in a folder durable: what was made, renamed or removed there before. */
export async function syncFolder(path: string): Promise<void> {
  const folder = await open(path, constants.O_RDONLY | constants.O_DIRECTORY);
  try {
    await folder.sync();
  } finally {
    await folder.close();
  }
}

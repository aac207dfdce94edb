import { execFile } from 'node:child_process';
import { constants } from 'node:fs';
import { open, stat } from 'node:fs/promises';
import { promisify } from 'node:util';

/** How long the program `fallocate` may take, in milliseconds. */
export const FALLOCATE_MS = 60_000;
/** Less than this is not worth a program, in bytes. */
const MIN_BYTES = 64 * 1024;
const DISK_BLOCK_BYTES = 512;
const CHUNK_BYTES = 1024 * 1024;

/** What became of the disk under the beginning of a journal: `unsupported` where the program `fallocate` or the file system cannot do it. */
export type GivenBack = 'given_back' | 'nothing_to_do' | 'unsupported';

/**
 * Gives the disk under the first `bytes` of a journal back. Size and offsets stay as they are, and whoever appends goes on; what was there reads as
 * zeros from now on, for ever: the caller has seen to it that nobody needs it.
 */
export async function giveBack(path: string, bytes: number): Promise<GivenBack> {
  const found = await stat(path).catch(() => null);
  if (found === null || !found.isFile() || bytes < MIN_BYTES || found.size < bytes) return 'nothing_to_do';
  // No more on the disk than what stays, and a block at each side: it was given back before.
  if (found.blocks * DISK_BLOCK_BYTES <= found.size - bytes + 2 * found.blksize) return 'nothing_to_do';
  try {
    const range = ['--offset', '0', '--length', String(bytes)];
    const limits = { timeout: FALLOCATE_MS };
    await promisify(execFile)('fallocate', ['--punch-hole', '--keep-size', ...range, '--', path], limits);
    return 'given_back';
  } catch {
    return 'unsupported';
  }
}

/** Where the journal begins that can still be read, in bytes: after what was given back. */
export async function startOfData(path: string): Promise<number> {
  const file = await open(path, constants.O_RDONLY | constants.O_NOFOLLOW);
  try {
    const chunk = Buffer.alloc(CHUNK_BYTES);
    for (let at = 0; ;) {
      const { bytesRead } = await file.read(chunk, 0, chunk.length, at);
      if (bytesRead === 0) return at;
      const first = chunk.subarray(0, bytesRead).findIndex((byte) => byte !== 0);
      if (first !== -1) return at + first;
      at += bytesRead;
    }
  } finally {
    await file.close();
  }
}

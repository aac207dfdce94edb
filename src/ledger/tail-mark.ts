import { createHash } from 'node:crypto';
import { constants } from 'node:fs';
import { open } from 'node:fs/promises';

/** How much of a file is looked at before the place that is marked, in bytes. */
const MARKED_BYTES = 4096;

/**
 * What lies before byte `bytes` of an append-only file, as a hash: the same file, grown, has the same mark there. Null where there is no such file, or
 * it ends before that.
 */
export async function tailMark(path: string, bytes: number): Promise<string | null> {
  try {
    const file = await open(path, constants.O_RDONLY | constants.O_NOFOLLOW);
    try {
      const from = Math.max(0, bytes - MARKED_BYTES);
      const marked = Buffer.alloc(bytes - from);
      const { bytesRead } = await file.read(marked, 0, marked.length, from);
      if (bytesRead < marked.length) return null;
      return createHash('sha256').update(marked).digest('hex');
    } finally {
      await file.close();
    }
  } catch {
    return null;
  }
}

import { open } from 'node:fs/promises';
import { FilareError } from '../contract/errors.js';
import { OpenFolder, type EntryName } from '../workspace/open-folder.js';

const CHUNK_BYTES = 1024 * 1024;

/**
 * Copies a file out of a folder that a container writes, to a place that no container sees. It must be a regular file, is not followed when it is a link,
 * and holds at most `max_bytes`, however it grows meanwhile. Answers its first bytes and its size. Throws `bad_state` or `limit_exceeded`.
 */
export async function takeFile(
  folder: string,
  name: EntryName,
  target: string,
  options: { readonly max_bytes: number; readonly beginning_bytes: number; readonly signal: AbortSignal },
): Promise<{ readonly beginning: Buffer; readonly bytes: number }> {
  await using parent = await OpenFolder.open(folder);
  const source = await parent.file(name).catch((failure: unknown) => {
    throw notPlain(failure);
  });
  if (source === undefined) throw notPlain(undefined);
  await using input = source;
  await using output = await open(target, 'wx', 0o600);
  const { max_bytes, beginning_bytes, signal } = options;
  if ((await input.stat()).size > max_bytes) throw tooLarge(max_bytes);
  const chunk = Buffer.alloc(CHUNK_BYTES);
  const beginning: Buffer[] = [];
  for (let bytes = 0; ;) {
    signal.throwIfAborted();
    const { bytesRead } = await input.read(chunk, 0, CHUNK_BYTES, bytes);
    if (bytesRead === 0) return { beginning: Buffer.concat(beginning), bytes };
    if (bytes < beginning_bytes)
      beginning.push(Buffer.from(chunk.subarray(0, Math.min(bytesRead, beginning_bytes - bytes))));
    bytes += bytesRead;
    if (bytes > max_bytes) throw tooLarge(max_bytes);
    await output.writeFile(chunk.subarray(0, bytesRead));
  }
}

/** The failure of work that is larger than the bound. */
export function tooLarge(max_bytes: number): FilareError {
  return new FilareError({
    code: 'limit_exceeded',
    message: `the work is larger than ${sizeWords(max_bytes)}; nothing was changed`,
    hint: 'allow more with --max-size, or look at what makes it large: filare-agents diff ID --stat',
    details: { max_bytes },
  });
}

/** A size for people. */
export function sizeWords(bytes: number): string {
  const units = ['bytes', 'KiB', 'MiB', 'GiB'];
  let at = 0;
  let value = bytes;
  for (; value >= 1024 && at < units.length - 1; at += 1) value /= 1024;
  return `${String(Math.round(value * 10) / 10)} ${units[at] ?? ''}`;
}

function notPlain(cause: unknown): FilareError {
  return new FilareError({
    code: 'bad_state',
    message: 'what came out of the workspace is no plain file, and is refused; nothing was changed',
    hint: 'look at the repository where the agent works: filare-agents shell ID',
    cause,
  });
}

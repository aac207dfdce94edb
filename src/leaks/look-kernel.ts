import { readFile } from 'node:fs/promises';
import { isWithin } from './is-within.js';

/** Places below the folders where something is mounted. */
export async function lookAtMounts(folders: readonly string[]): Promise<readonly string[]> {
  const table = await readFile('/proc/self/mountinfo', 'utf8');
  return table
    .split('\n')
    .map((line) =>
      (line.split(' ')[4] ?? '').replace(/\\([0-7]{3})/g, (_, octal: string) =>
        String.fromCharCode(parseInt(octal, 8)),
      ),
    )
    .filter((point) => folders.some((folder) => isWithin(point, folder)));
}

/** Names of all bound unix sockets. */
export async function lookAtSockets(): Promise<ReadonlySet<string>> {
  const table = await readFile('/proc/net/unix', 'utf8');
  // Num RefCount Protocol Flags Type St Inode Path; a path may hold spaces. Zero bytes are shown as `@`: one begins an abstract name, and Node fills it up with more.
  const names = table
    .split('\n')
    .slice(1)
    .map((line) => /^(?:\S+\s+){6}\S+ (.+)$/.exec(line)?.[1]?.replace(/@+$/, '') ?? '');
  return new Set(names.filter((name) => name !== ''));
}

import { constants } from 'node:fs';
import { copyFile, lutimes, mkdir, open, readlink, symlink, utimes } from 'node:fs/promises';
import { posix } from 'node:path';
import { OpenFolder } from './open-folder.js';
import { systemCode, throwIfInterrupted } from './system-error.js';

/** A copy to make. */
export interface CopyRequest {
  readonly template: string;
  /** Does not exist yet; its parent does. */
  readonly target: string;
  readonly signal: AbortSignal;
  readonly onProgress: (line: string) => void;
}

const PROGRESS_EVERY_FILES = 1000;
/** What git keeps for itself about other folders and running commands: it would be wrong in a copy. */
const NOT_COPIED_OF_GIT = new Set([
  'worktrees',
  'index.lock',
  'HEAD.lock',
  'config.lock',
  'fsmonitor--daemon',
  'fsmonitor--daemon.ipc',
]);

interface Tally {
  files: number;
  readonly outward: string[];
  readonly special: string[];
}

/**
 * Copies a template folder: bytes, times, and modes without set-id bits. A symbolic link is copied as a link and never followed, so nothing
 * outside the template is read; links that lead out of it mean whatever they mean in the container, and are said. FIFOs, sockets and devices are
 * left out, and said.
 */
export async function copyTemplate(request: CopyRequest): Promise<void> {
  const tally: Tally = { files: 0, outward: [], special: [] };
  await mkdir(request.target, { mode: 0o700 });
  await using from = await OpenFolder.open(request.template);
  await using to = await OpenFolder.open(request.target);
  await copyContents(from, to, '', request, tally);
  // Whoever works there must be able to: the template itself may be closed to writing.
  await to.chmod(((await from.stat()).mode & 0o777) | 0o700);
  request.onProgress(`copied ${tally.files} files from ${request.template}`);
  say(request, tally.outward, 'lead out of the template, and are copied as links');
  say(request, tally.special, 'are no files, and are left out');
}

async function copyContents(
  from: OpenFolder,
  to: OpenFolder,
  at: string,
  request: CopyRequest,
  tally: Tally,
): Promise<void> {
  for (const name of await from.names()) {
    throwIfInterrupted(request.signal);
    if (at === '.git' && NOT_COPIED_OF_GIT.has(name.toString())) continue;
    const entry = await from.look(name);
    const path = posix.join(at, name.toString());
    if (entry.isDirectory()) {
      await copyFolder(from, to, name, path, request, tally);
    } else if (entry.isSymbolicLink()) {
      const link = await readlink(from.entry(name), { encoding: 'buffer' });
      await symlink(link, to.entry(name));
      await lutimes(to.entry(name), entry.atime, entry.mtime);
      if (leadsOut(at, link.toString())) tally.outward.push(path);
    } else if (entry.isFile()) {
      await copyOneFile(from, to, name);
      tally.files += 1;
      if (tally.files % PROGRESS_EVERY_FILES === 0)
        request.onProgress(`copying ${request.template}: ${tally.files} files`);
    } else {
      tally.special.push(path);
    }
  }
}

async function copyFolder(
  from: OpenFolder,
  to: OpenFolder,
  name: Buffer,
  path: string,
  request: CopyRequest,
  tally: Tally,
): Promise<void> {
  await using source = await from.folder(name);
  await mkdir(to.entry(name), { mode: 0o700 });
  await using target = await to.folder(name);
  await copyContents(source, target, path, request, tally);
  const { mode, atime, mtime } = await source.stat();
  await target.chmod(mode & 0o777);
  await utimes(target.self(), atime, mtime);
}

async function copyOneFile(from: OpenFolder, to: OpenFolder, name: Buffer): Promise<void> {
  const source = await from.file(name);
  if (source === undefined) return;
  try {
    const { mode, atime, mtime } = await source.stat();
    await copyFile(`/proc/self/fd/${source.fd}`, to.entry(name), constants.COPYFILE_EXCL | constants.COPYFILE_FICLONE);
    const target = await open(to.entry(name), constants.O_RDONLY | constants.O_NOFOLLOW).catch(openForOwner);
    if (target === undefined) return;
    try {
      await target.chmod(mode & 0o777);
      await target.utimes(atime, mtime);
    } finally {
      await target.close();
    }
  } finally {
    await source.close();
  }
}

/** A file whose mode denies reading to its own owner: it was copied, and has that mode already. */
function openForOwner(error: unknown): undefined {
  if (systemCode(error) !== 'EACCES') throw error;
  return undefined;
}

function leadsOut(at: string, link: string): boolean {
  const path = posix.normalize(posix.join(at, link));
  return posix.isAbsolute(link) || path === '..' || path.startsWith('../');
}

function say(request: CopyRequest, paths: readonly string[], what: string): void {
  if (paths.length === 0) return;
  const shown = paths.slice(0, 5).join(', ');
  request.onProgress(
    `${paths.length} entries of ${request.template} ${what}: ${shown}${paths.length > 5 ? ', …' : ''}`,
  );
}

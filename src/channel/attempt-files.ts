import { execFile } from 'node:child_process';
import type { Stats } from 'node:fs';
import { chmod, chown, link, lstat, mkdir, open, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';

import { FilareError } from '../contract/errors.js';
import type { ChannelPaths } from './channel.js';

/** How long the program `mkfifo` may take, in milliseconds. */
export const MKFIFO_MS = 10_000;

/** Who owns an attempt's files: the user that the container runs as, numeric. */
export interface AttemptOwner {
  readonly uid: number;
  readonly gid: number;
  readonly signal?: AbortSignal;
}

/** Where the files of a stage are that has a way in and no journal. All absolute. */
export type BootstrapPaths = Pick<ChannelPaths, 'journal_folder' | 'io_folder' | 'in'>;

type FileName = 'in' | 'out' | 'err';

/** Where the files of the attempt in `folder` are; looks at nothing. For an attempt that already runs. */
export function attemptPaths(folder: string): ChannelPaths {
  const journal = join(folder, 'journal');
  return {
    journal_folder: journal,
    io_folder: join(folder, 'io'),
    in: join(journal, 'in'),
    out: join(journal, 'out'),
    err: join(journal, 'err'),
  };
}

/**
 * Makes an attempt's channel: `journal/` (0700, never mounted) with the FIFO `in` and the empty files `out` and `err` (0600), and `io/`
 * (0700, for the mount) with a hard link of each. Files and `io/` belong to the owner given. A second call finds the same files
 * and changes nothing; a channel that is half made, or that a container has taken, is `bad_state`: nothing is ever linked into a folder that an agent
 * may already write to. A failure on the way leaves nothing in the folder. Errors: `bad_state`, `unsupported` (another user's files
 * without being root), `no_space`, `unexpected`.
 */
export async function prepareAttemptFiles(folder: string, owner: AttemptOwner): Promise<ChannelPaths> {
  await prepare(folder, ['in', 'out', 'err'], owner);
  return attemptPaths(folder);
}

/** The same for the startup stage, whose folder holds only `in`: makes the pipe and its link; open it with FifoWriter.open. Errors as above. */
export async function openBootstrapPipe(folder: string, owner: AttemptOwner): Promise<BootstrapPaths> {
  await prepare(folder, ['in'], owner);
  const { journal_folder, io_folder, in: pipe } = attemptPaths(folder);
  return { journal_folder, io_folder, in: pipe };
}

async function prepare(folder: string, names: readonly FileName[], owner: AttemptOwner): Promise<void> {
  owner.signal?.throwIfAborted();
  const own = process.getuid?.();
  if (own !== 0 && own !== owner.uid) {
    throw new FilareError({
      code: 'unsupported',
      message: `the files of ${folder} must belong to user ${owner.uid}, and only root can give files to another user`,
      hint: `run the agent as user ${own ?? 'of the daemon'}, or run the daemon as user ${owner.uid} or as root`,
    });
  }
  if (await isPrepared(folder, names, owner)) return;
  const { journal_folder, io_folder } = attemptPaths(folder);
  const made: string[] = [];
  try {
    await mkdir(folder, { recursive: true, mode: 0o700 });
    for (const path of [journal_folder, io_folder]) {
      await mkdir(path);
      made.push(path);
      await chmod(path, 0o700);
    }
    for (const name of names) {
      const path = join(journal_folder, name);
      if (name === 'in') await makeFifo(path, owner.signal);
      else await (await open(path, 'wx', 0o600)).close();
      await chmod(path, 0o600);
      if (own === 0) await chown(path, owner.uid, owner.gid);
      await link(path, join(io_folder, name));
    }
    // Last: from here on the owner may write into the folder.
    if (own === 0) await chown(io_folder, owner.uid, owner.gid);
  } catch (error) {
    for (const path of made) await rm(path, { recursive: true, force: true });
    throw asFailure(error, folder);
  }
}

/** True: all there and linked. False: nothing there. Anything between is `bad_state`. */
async function isPrepared(folder: string, names: readonly FileName[], owner: AttemptOwner): Promise<boolean> {
  const { journal_folder, io_folder } = attemptPaths(folder);
  const [journal, io] = await Promise.all([look(journal_folder), look(io_folder)]);
  if (journal === undefined && io === undefined) return false;
  const wrong: string[] = [];
  if (!journal?.isDirectory()) wrong.push('journal/');
  if (!io?.isDirectory() || !belongsTo(io, owner)) wrong.push('io/');
  let taken = 0;
  for (const name of names) {
    const [kept, mounted] = await Promise.all([look(join(journal_folder, name)), look(join(io_folder, name))]);
    if (kept === undefined || !(name === 'in' ? kept.isFIFO() : kept.isFile()) || !belongsTo(kept, owner)) {
      wrong.push(`journal/${name}`);
    } else if (mounted === undefined) {
      taken += 1;
    } else if (mounted.ino !== kept.ino || mounted.dev !== kept.dev) {
      wrong.push(`io/${name}`);
    }
  }
  if (wrong.length === 0 && taken === 0) return true;
  throw new FilareError({
    code: 'bad_state',
    message:
      wrong.length === 0 && taken === names.length
        ? `a container has already taken the channel in ${folder}`
        : `the channel in ${folder} is half made`,
    hint: 'a channel serves one attempt: start the agent again, which makes a new attempt with a new folder',
    details: { wrong, links_missing: taken },
  });
}

function belongsTo(stats: Stats, owner: AttemptOwner): boolean {
  return stats.uid === owner.uid && (process.getuid?.() !== 0 || stats.gid === owner.gid);
}

async function look(path: string): Promise<Stats | undefined> {
  try {
    return await lstat(path);
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined;
    throw error;
  }
}

async function makeFifo(path: string, signal: AbortSignal | undefined): Promise<void> {
  const limits = { timeout: MKFIFO_MS, ...(signal === undefined ? {} : { signal }) };
  await promisify(execFile)('mkfifo', ['-m', '0600', '--', path], limits);
}

function asFailure(error: unknown, folder: string): unknown {
  if (!(error instanceof Error) || !('code' in error)) return error;
  if (error.code === 'ENOSPC' || error.code === 'EDQUOT' || error.message.includes('No space left')) {
    return new FilareError({
      code: 'no_space',
      message: `no space left to make the channel in ${folder}`,
      hint: 'free some disk space, then start the agent again',
      cause: error,
    });
  }
  if (error.code === 'ABORT_ERR') return error;
  return new FilareError({
    code: 'unexpected',
    message: `the channel in ${folder} cannot be made: ${error.message.trim()}`,
    hint:
      error.code === 'ENOENT'
        ? 'install coreutils: the program mkfifo was not found'
        : 'see the cause in the daemon log',
    cause: error,
  });
}

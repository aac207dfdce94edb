import { constants, writeSync } from 'node:fs';
import { open } from 'node:fs/promises';
import { dirname } from 'node:path';

import { FilareError, isTooManyFiles, TOO_MANY_FILES_HINT } from '../contract/errors.js';

/** The calls that a log makes on an open file. A FileHandle is one. */
export interface LogHandle {
  read(buffer: Buffer, offset: number, length: number, position: number): Promise<{ readonly bytesRead: number }>;
  write(buffer: Buffer, offset: number, length: number, position: number): Promise<{ readonly bytesWritten: number }>;
  /** As `write`, at once and on this thread: for what is small, which the kernel only copies. */
  writeNow(buffer: Buffer, offset: number, length: number, position: number): { readonly bytesWritten: number };
  datasync(): Promise<void>;
  sync(): Promise<void>;
  truncate(bytes: number): Promise<void>;
  chmod(mode: number): Promise<void>;
  stat(): Promise<{ readonly size: number; readonly mode: number }>;
  close(): Promise<void>;
}

/** Where a log's files come from; handed in so that a test can make any call fail. */
export interface LogIo {
  open(path: string, flags: number, mode?: number): Promise<LogHandle>;
}

/** The real file system. */
export const FILE_IO: LogIo = {
  open: async (path, flags, mode) => {
    const file = await open(path, flags, mode);
    const writeNow: LogHandle['writeNow'] = (buffer, offset, length, position) => ({
      bytesWritten: writeSync(file.fd, buffer, offset, length, position),
    });
    return Object.assign(file, { writeNow });
  },
};

/** Opens a log for reading and writing, makes it (0600) where there is none, and sees to it that it is private and its name durable. */
export async function openLogFile(path: string, io: LogIo): Promise<LogHandle> {
  const file = await io.open(path, constants.O_RDWR | constants.O_CREAT | constants.O_NOFOLLOW, 0o600);
  try {
    const { mode, size } = await file.stat();
    if ((mode & 0o777) !== 0o600) await file.chmod(0o600);
    if (size === 0) await syncFolder(dirname(path), io);
    return file;
  } catch (error) {
    await file.close();
    throw error;
  }
}

async function syncFolder(folder: string, io: LogIo): Promise<void> {
  const handle = await io.open(folder, constants.O_RDONLY | constants.O_DIRECTORY);
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

/** What the disk said, as a failure: `no_space` where it is full, `limit_exceeded` where too many files are open, else `unexpected`. A FilareError stays what it is. */
export function diskFailure(error: unknown, path: string): FilareError {
  if (error instanceof FilareError) return error;
  const code = error instanceof Error && 'code' in error ? error.code : undefined;
  const said = error instanceof Error ? error.message : String(error);
  if (code === 'ENOSPC' || code === 'EDQUOT') {
    return new FilareError({
      code: 'no_space',
      message: `no space left to write ${path}`,
      hint: 'free some disk space; what could not be written is tried again, nothing that was confirmed is lost',
      cause: error,
    });
  }
  const many = isTooManyFiles(error);
  return new FilareError({
    code: many ? 'limit_exceeded' : 'unexpected',
    message: `${path} cannot be written: ${said}`,
    hint: many
      ? TOO_MANY_FILES_HINT
      : 'see that the disk is healthy and the file can be written by the user of the daemon',
    details: { errno: code },
    cause: error,
  });
}

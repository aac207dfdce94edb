import { FilareError, TOO_MANY_FILES_HINT } from '../contract/errors.js';

/** The system's word for a failure (`ENOENT`, `EACCES` …), or undefined when it is not a system error. */
export function systemCode(error: unknown): string | undefined {
  if (!(error instanceof Error) || !('code' in error)) return undefined;
  return typeof error.code === 'string' ? error.code : undefined;
}

/** What a promise brings, or undefined when the system says that there is nothing of that name. Other failures go through. */
export async function unlessMissing<T>(work: Promise<T>): Promise<T | undefined> {
  try {
    return await work;
  } catch (error) {
    if (systemCode(error) === 'ENOENT') return undefined;
    throw error;
  }
}

/** Whether a text of git, ssh or the system says that a disk or a quota is full. */
export function saysDiskFull(text: string): boolean {
  return /no space left on device|out of diskspace|disk quota exceeded|ENOSPC|EDQUOT/i.test(text);
}

/** The failure of a full disk: `no_space`, with the file system that is meant and what to do. */
export function diskFull(path: string, cause?: unknown): FilareError {
  return new FilareError({
    code: 'no_space',
    message: `no space left on the file system that holds ${path}`,
    hint: 'free some space there (`df -h` shows how much), or name a workspace on another file system; nothing half-made was left behind',
    cause,
  });
}

/**
 * A thrown value as a failure of the workspace. FilareErrors and plain bugs come back as they are; a system error becomes one sentence:
 * what was being done, where, and what to do.
 */
export function asWorkspaceFailure(error: unknown, doing: string, path: string): unknown {
  if (error instanceof FilareError) return error;
  const code = systemCode(error);
  if (code === undefined) return error;
  if (code === 'ENOSPC' || code === 'EDQUOT') return diskFull(path, error);
  return new FilareError({
    code: 'workspace',
    message: `${doing} failed at ${path}: ${error instanceof Error ? error.message : code}`,
    hint: HINTS[code] ?? 'look at that path, mend what the message says, and start again',
    cause: error,
    details: { path, system_code: code },
  });
}

const HINTS: Readonly<Record<string, string>> = {
  EACCES: 'the user who runs filare-agents needs read and write permission there',
  EPERM: 'the user who runs filare-agents needs read and write permission there',
  EROFS: 'that file system is read-only: name a workspace on one that can be written',
  ENAMETOOLONG: 'choose a shorter name for the workspace',
  ENOTEMPTY: 'something appeared in the workspace while it was being seeded: look at it, then start again',
  EXDEV: 'the workspace is a mount point: name a folder inside it instead',
  EBUSY: 'the workspace is a mount point: name a folder inside it instead',
  EMFILE: TOO_MANY_FILES_HINT,
  ENFILE: TOO_MANY_FILES_HINT,
};

/** Ends the work with `interrupted` once its signal has been given. */
export function throwIfInterrupted(signal: AbortSignal): void {
  if (!signal.aborted) return;
  throw new FilareError({
    code: 'interrupted',
    message: 'preparing the workspace was interrupted; nothing half-made is kept',
    cause: signal.reason,
  });
}

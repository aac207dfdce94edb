import { lstatSync, readlinkSync, realpathSync, type Stats, statSync } from 'node:fs';
import { basename, dirname, join, resolve, sep } from 'node:path';

const MAX_LINKS = 40;

/** Where a path leads once every symbolic link is followed; what does not exist yet is kept as written. Throws when links run in a circle. */
export function realPlace(path: string, links = 0): string {
  if (links > MAX_LINKS) throw new Error(`too many symbolic links: ${path}`);
  try {
    return realpathSync.native(path);
  } catch (error) {
    if (!isMissing(error) && codeOf(error) !== 'EACCES') throw error;
  }
  const parent = dirname(path);
  if (parent === path) return path;
  const here = join(realPlace(parent, links), basename(path));
  const target = danglingTarget(here);
  return target === undefined ? here : realPlace(resolve(dirname(here), target), links + 1);
}

/** Whether `path` is `folder` or lies in it. */
export function isWithin(path: string, folder: string): boolean {
  return path === folder || path.startsWith(folder.endsWith(sep) ? folder : folder + sep);
}

/** Whether one of two places holds the other, or both are the same. */
export function overlap(one: string, other: string): boolean {
  return isWithin(one, other) || isWithin(other, one);
}

/** What is at a path, links followed, or undefined when nothing is there. Other failures (no permission) are thrown. */
export function statIfThere(path: string): Stats | undefined {
  try {
    return statSync(path);
  } catch (error) {
    if (isMissing(error)) return undefined;
    throw error;
  }
}

/** The code of a failure of the system (`ENOENT`), or undefined. */
export function codeOf(error: unknown): string | undefined {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : undefined;
}

function isMissing(error: unknown): boolean {
  return ['ENOENT', 'ENOTDIR', 'ENAMETOOLONG'].includes(codeOf(error) ?? '');
}

function danglingTarget(path: string): string | undefined {
  try {
    return lstatSync(path).isSymbolicLink() ? readlinkSync(path) : undefined;
  } catch (error) {
    if (isMissing(error) || codeOf(error) === 'EACCES') return undefined;
    throw error;
  }
}

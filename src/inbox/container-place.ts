import { posix } from 'node:path';

/** Where an agent works in its container. */
export const WORKSPACE = '/home/agent/workspace';
const HOME = '/home/agent';

/** Where anybody may read and write, and nothing is kept: no work is done outside the workspace by using these. */
const NOBODYS = ['/tmp', '/dev/null', '/dev/stdin', '/dev/stdout', '/dev/stderr', '/dev/tty', '/dev/fd', '/dev/zero'];

/** A path in the container, absolute and without `.` and `..`; `~` is the agent's home, a relative one begins at `cwd`. Symbolic links are not known here. */
export function placeOf(path: string, cwd: string): string {
  const expanded = path === '~' || path.startsWith('~/') ? HOME + path.slice(1) : path;
  return posix.resolve(cwd.startsWith('/') ? cwd : WORKSPACE, expanded);
}

/** The place relative to the workspace, `.` for the workspace itself; null for a place that is not in it. */
export function inWorkspace(place: string): string | null {
  if (place === WORKSPACE) return '.';
  return place.startsWith(`${WORKSPACE}/`) ? place.slice(WORKSPACE.length + 1) : null;
}

/** Whether a path leads out of the workspace, to something that somebody keeps. */
export function isOutside(path: string, cwd: string): boolean {
  // Somebody else's home.
  if (/^~[^/]/.test(path)) return true;
  const place = placeOf(path, cwd);
  return inWorkspace(place) === null && !NOBODYS.some((free) => place === free || place.startsWith(`${free}/`));
}

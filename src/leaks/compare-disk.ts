import { stagedWorkspace } from '../session/settle-files.js';
import { daemonLives, type Comparison } from './comparison.js';
import { BY_CLEANUP, BY_DAEMON, type Finding } from './finding.js';
import type { DiskSight } from './world.js';

/** A trial of doctor takes 10 s at most, a download of the image 15 minutes: what is older is nobody's. Milliseconds. */
const TRIAL_AGE_MS = 60_000;
const DOWNLOAD_AGE_MS = 60 * 60_000;

/** What lies about on disk and ought to be gone. */
export function compareDisk(comparison: Comparison): Finding[] {
  return comparison.world.disk.flatMap((sight) => {
    const judged = judge(sight, comparison);
    if (judged === null) return [];
    const { detail, fix = `rm -r ${sight.path}`, cleanup = false } = judged;
    const kind = KINDS[sight.what];
    return { kind, name: sight.path, verdict: 'leak', session_id: sight.session_id, detail, fix, cleanup };
  });
}

const KINDS = {
  'attempt part': 'folder',
  pipe: 'fifo',
  socket: 'socket',
  staging: 'folder',
  'half-removed': 'folder',
  trial: 'folder',
  download: 'folder',
  secret: 'secret',
} as const satisfies Record<DiskSight['what'], Finding['kind']>;

interface Judged {
  readonly detail: string;
  readonly fix?: string;
  readonly cleanup?: boolean;
}

function judge(sight: DiskSight, comparison: Comparison): Judged | null {
  const { world, paths, book } = comparison;
  const session = sight.session_id === null ? undefined : world.sessions.get(sight.session_id);
  switch (sight.what) {
    case 'attempt part':
      return session?.over === true
        ? { detail: 'part of an attempt that is over', fix: BY_CLEANUP, cleanup: true }
        : null;
    case 'pipe':
      if (session?.over === true && isChannel(sight.path))
        return { detail: 'pipe of an attempt that is over', fix: BY_CLEANUP, cleanup: true };
      return session !== undefined && isChannel(sight.path) ? null : { detail: 'a pipe that no attempt has' };
    case 'socket':
      if (sight.path === paths.socket)
        return daemonLives(comparison) ? null : { detail: 'socket of a daemon that was killed', fix: BY_DAEMON };
      return book.some(({ name, state }) => name === sight.path && state === 'opened')
        ? null
        : {
            detail: world.sockets.has(sight.path)
              ? 'a socket that somebody holds and the book does not know'
              : 'a socket that nobody holds',
          };
    case 'staging': {
      const workspace = stagedWorkspace(sight.path);
      const seeding = [...world.sessions.values()].some(
        (one) => !one.over && (one.workspace === null || one.workspace === workspace),
      );
      // A living daemon that forks a session has booked it, and no session has it yet.
      return seeding ||
        (daemonLives(comparison) && book.some(({ name, state }) => name === sight.path && state === 'intended'))
        ? null
        : { detail: 'left by the seeding of a workspace that was cut short', fix: BY_CLEANUP, cleanup: true };
    }
    case 'half-removed':
      return { detail: 'left by the removal of a workspace that was cut short', fix: BY_CLEANUP, cleanup: true };
    case 'trial':
      return sight.age_ms > TRIAL_AGE_MS
        ? { detail: 'left by a doctor that was killed', fix: BY_CLEANUP, cleanup: true }
        : null;
    case 'download':
      return sight.age_ms > DOWNLOAD_AGE_MS ? { detail: 'left by a build of the image that was killed' } : null;
    case 'secret':
      return {
        detail: 'a private key lies here; this product writes none to disk',
        fix: `see how it came there, replace the key, and remove it: shred -u ${sight.path}`,
      };
  }
}

function isChannel(path: string): boolean {
  return /\/attempts\/\d+\/(?:startup\/)?(?:journal|io)\/in$/.test(path);
}

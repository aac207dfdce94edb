import type { DaemonStatus } from '../contract/api-shapes.js';
import { FilareError } from '../contract/errors.js';
import type { ProjectPaths } from '../contract/project.js';
import { ControlClient, type CallBounds } from './http-client.js';
import { DaemonUnreachable } from './http-request.js';
import { CLIENT_API_VERSION } from './route-paths.js';

/** Deadline for the daemon to say its version, in milliseconds. */
const VERSION_DEADLINE_MS = 5_000;

/**
 * The daemon of the project, or undefined when nobody answers on its socket (no file, a stale one, or one that is just being closed).
 * Readable whatever version it has; a field that it does not send is null.
 */
export async function daemonStatus(project: ProjectPaths, bounds: CallBounds = {}): Promise<DaemonStatus | undefined> {
  let answer: unknown;
  try {
    answer = await new ControlClient(project.socket).versionAnswer({ deadline_ms: VERSION_DEADLINE_MS, ...bounds });
  } catch (error) {
    if (error instanceof DaemonUnreachable) return undefined;
    throw error;
  }
  const said: Readonly<Record<string, unknown>> = typeof answer === 'object' && answer !== null ? { ...answer } : {};
  return {
    running: true,
    pid: numberOrNull(said['pid']),
    version: textOrNull(said['version']),
    api_version: numberOrNull(said['api_version']),
    socket: project.socket,
    project: textOrNull(said['project']) ?? project.root,
    sessions: numberOrNull(said['sessions']) ?? 0,
    started_at: textOrNull(said['started_at']),
    memory_bytes: numberOrNull(said['memory_bytes']),
  };
}

/** What `daemon status` says when no daemon runs. */
export function absentDaemon(project: ProjectPaths): DaemonStatus {
  return {
    running: false,
    pid: null,
    version: null,
    api_version: null,
    socket: project.socket,
    project: project.root,
    sessions: 0,
    started_at: null,
    memory_bytes: null,
  };
}

/** Throws `version_mismatch` unless the daemon speaks this client's API, `conflict` unless it is the daemon of this very folder. */
export function requireOurDaemon(project: ProjectPaths, status: DaemonStatus): void {
  if (status.api_version !== CLIENT_API_VERSION) {
    throw new FilareError({
      code: 'version_mismatch',
      message: `the daemon of ${project.root} (version ${status.version ?? 'unknown'}, pid ${status.pid ?? 'unknown'}) speaks control API ${status.api_version ?? 'unknown'}; this command speaks ${CLIENT_API_VERSION}`,
      hint: 'filare-agents daemon stop, then try again: agents keep running, and the daemon comes back in the version of this command',
      details: { daemon_api_version: status.api_version, client_api_version: CLIENT_API_VERSION },
    });
  }
  if (status.project !== project.root) {
    throw new FilareError({
      code: 'conflict',
      message: `the daemon on ${project.socket} serves ${status.project}, not ${project.root}: the folder was moved while it ran`,
      hint: 'filare-agents daemon stop, then try again',
    });
  }
}

function numberOrNull(value: unknown): number | null {
  return typeof value === 'number' ? value : null;
}

function textOrNull(value: unknown): string | null {
  return typeof value === 'string' ? value : null;
}

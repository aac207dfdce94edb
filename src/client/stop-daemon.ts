import { readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { FilareError } from '../contract/errors.js';
import type { ProjectPaths } from '../contract/project.js';
import { daemonStatus } from './daemon-status.js';
import { ControlClient, type CallBounds } from './http-client.js';
import { DaemonUnreachable } from './http-request.js';

/** How long a daemon may take to leave, in milliseconds. */
const STOP_DEADLINE_MS = 15_000;
/** Wait between two looks, in milliseconds. */
const LOOK_MS = 25;

/**
 * Asks the project's daemon to leave, whatever version it has, and waits until its process is gone; agents keep running. False when none ran;
 * `timeout` when it stays.
 */
export async function stopDaemon(project: ProjectPaths, bounds: CallBounds = {}): Promise<boolean> {
  const status = await daemonStatus(project, bounds);
  if (status === undefined) return false;
  const client = new ControlClient(project.socket);
  const pid = await client.call('stopDaemon', { body: {} }, bounds).then(
    (answer) => answer.pid,
    (error: unknown) => {
      // It may close the connection before its answer is through: the process tells.
      if (error instanceof DaemonUnreachable) return status.pid;
      throw error;
    },
  );
  const give_up = performance.now() + STOP_DEADLINE_MS;
  while (isAlive(pid) || (await daemonStatus(project, bounds)) !== undefined) {
    if (performance.now() > give_up) {
      throw new FilareError({
        code: 'timeout',
        message: `the daemon (pid ${pid ?? 'unknown'}) is still there ${STOP_DEADLINE_MS / 1000} s after it was asked to leave`,
        hint: `look at ${project.daemon_log}; kill ${pid ?? 'PID'} ends it, agents keep running`,
      });
    }
    await sleep(LOOK_MS);
  }
  return true;
}

/** A process that has ended and that nobody has collected yet counts as gone. */
function isAlive(pid: number | null): boolean {
  if (pid === null) return false;
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'latin1');
    return !stat.slice(stat.lastIndexOf(')')).startsWith(') Z');
  } catch {
    return false;
  }
}

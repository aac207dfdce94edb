import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, open, rm, stat, statfs } from 'node:fs/promises';
import { createServer } from 'node:net';
import { dirname, join } from 'node:path';
import { MAX_SOCKET_PATH_BYTES, type ProjectPaths } from '../contract/project.js';
import { fail, ok, warn, type Check } from './check.js';

/** Less free disk than this draws a warning; less than a quarter of it is a failure. Bytes. */
const WANTED_DISK_BYTES = 4 * 2 ** 30;
/** How far the clock of the file system may be from ours, in milliseconds. */
const MAX_CLOCK_SKEW_MS = 5_000;
/** No clock is right that says less: when this program was written. Milliseconds since the epoch. */
const EARLIEST_NOW_MS = Date.UTC(2025, 0, 1);

/** The Node that runs this. */
export function checkNode(): Check {
  const [major = 0, minor = 0] = process.versions.node.split('.').map(Number);
  return major > 20 || (major === 20 && minor >= 19)
    ? ok('node', process.versions.node)
    : fail('node', `${process.versions.node} is too old`, 'install Node 20.19 or newer');
}

/** Git on this host: workspaces are seeded with it. */
export async function checkGit(signal: AbortSignal): Promise<Check> {
  const child = spawn('git', ['--version'], { stdio: ['ignore', 'pipe', 'ignore'], signal });
  let said = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => (said += text));
  try {
    const [code] = (await once(child, 'close')) as [number | null];
    if (code === 0) return ok('git', said.trim());
  } catch {
    signal.throwIfAborted();
  }
  return fail(
    'git',
    'git is not there; workspaces that are cloned need it',
    'install git (Debian: apt-get install git)',
  );
}

/** Whether the project's folder can be written to. */
export async function checkProject({ root }: ProjectPaths): Promise<Check> {
  const trial = await mkdtemp(join(root, '.filare-doctor-')).catch((error: unknown) => error as NodeJS.ErrnoException);
  if (typeof trial !== 'string') {
    return fail(
      'project',
      `${root} cannot be written to (${trial.code ?? trial.message})`,
      'choose a folder of your own with --project DIR',
    );
  }
  await rm(trial, { recursive: true, force: true });
  return ok('project', root);
}

/** Free space where the project lies. */
export async function checkDisk({ root }: ProjectPaths): Promise<Check> {
  const { bavail, bsize } = await statfs(root);
  const free_bytes = bavail * bsize;
  const detail = `${(free_bytes / 2 ** 30).toFixed(1)} GiB free for ${root}`;
  const fix = 'free some space; filare-agents cleanup --dry-run shows what sessions left';
  if (free_bytes < WANTED_DISK_BYTES / 4) return fail('disk', detail, fix);
  return free_bytes < WANTED_DISK_BYTES ? warn('disk', detail, fix) : ok('disk', detail);
}

/** Whether the daemon can have its socket: a private folder, a path short enough, and a file system that takes one. */
export async function checkSocket({ socket }: ProjectPaths): Promise<Check> {
  const folder = dirname(socket);
  if (Buffer.byteLength(socket) > MAX_SOCKET_PATH_BYTES) {
    return fail(
      'socket',
      `${socket} is longer than ${MAX_SOCKET_PATH_BYTES} bytes`,
      'set XDG_RUNTIME_DIR to a folder with a short path',
    );
  }
  const found = await stat(folder).catch(() => undefined);
  if (found === undefined) return ok('socket', `${socket}; its folder is made when the daemon starts`);
  if ((found.mode & 0o022) !== 0) return fail('socket', `others may write to ${folder}`, `chmod 0700 ${folder}`);
  const trial = join(folder, `d${process.pid}.sock`);
  const server = createServer();
  try {
    server.listen(trial);
    await once(server, 'listening');
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    return fail(
      'socket',
      `no socket can be opened in ${folder}: ${reason}`,
      'put the project on a local file system, in a folder of your own',
    );
  } finally {
    server.close();
  }
  return ok('socket', socket);
}

/** Whether the clock can be right: not before this program, and the same as the file system's. */
export async function checkClock({ root }: ProjectPaths): Promise<Check> {
  const now_ms = Date.now();
  const fix = 'set the clock, and have it kept (systemd-timesyncd, chrony)';
  if (now_ms < EARLIEST_NOW_MS) return fail('clock', `it says ${new Date(now_ms).toISOString()}`, fix);
  const folder = await mkdtemp(join(root, '.filare-doctor-')).catch(() => undefined);
  if (folder === undefined)
    return warn('clock', 'not compared with the file system: the project cannot be written to', fix);
  try {
    const file = await open(join(folder, 'now'), 'w');
    const { mtimeMs } = await file.stat();
    await file.close();
    const skew_ms = Math.abs(mtimeMs - now_ms);
    return skew_ms > MAX_CLOCK_SKEW_MS
      ? warn('clock', `the file system's clock is ${Math.round(skew_ms / 1000)} s off ours`, fix)
      : ok('clock', new Date(now_ms).toISOString());
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

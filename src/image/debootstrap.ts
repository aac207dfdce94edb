import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Engine } from '../engine/engine.js';
import { cacheRoot } from './npm-pack.js';
import { runProgram } from './run-program.js';

/** Deadline of debootstrap, and of the import that follows, in milliseconds. */
export const DEBOOTSTRAP_MS = 900_000;

const MIRROR = 'http://deb.debian.org/debian';
// What a base image does not need; copyright files stay.
const LEFT_OUT = [
  './var/cache/apt/*',
  './var/lib/apt/lists/*',
  './var/log/*',
  './usr/share/man/*',
  './usr/share/info/*',
  './usr/share/locale/*',
];

/**
 * Makes a minimal Debian from the package mirror and gives it to the engine under `reference`. Needs root, `debootstrap` and `unshare`; works in
 * a folder of the cache that is gone afterwards, with mounts of its own name space, so that nothing stays mounted whatever happens.
 */
export async function importDebootstrap(
  engine: Engine,
  reference: string,
  suite: string,
  options: { readonly onLine: (line: string) => void; readonly signal?: AbortSignal | undefined },
): Promise<void> {
  await mkdir(cacheRoot(), { recursive: true });
  const folder = await mkdtemp(join(cacheRoot(), 'base-'));
  try {
    const root = join(folder, 'root');
    await runProgram({
      program: 'unshare',
      args: ['--mount', '--propagation', 'private', 'debootstrap', '--variant=minbase', suite, root, MIRROR],
      env: { ...process.env, PATH: `${process.env['PATH'] ?? ''}:/usr/sbin:/sbin:/usr/bin:/bin` },
      deadline_ms: DEBOOTSTRAP_MS,
      signal: options.signal,
      onLine: options.onLine,
    });
    await writeFile(join(root, 'etc/apt/sources.list'), sources(suite));
    options.onLine(`importing it as ${reference}`);
    await importFolder(engine, root, reference, options.signal);
  } catch (error) {
    options.onLine(await lastOfLog(folder));
    throw error;
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

function sources(suite: string): string {
  const security = `${MIRROR}-security`;
  return `deb ${MIRROR} ${suite} main\ndeb ${MIRROR} ${suite}-updates main\ndeb ${security} ${suite}-security main\n`;
}

async function importFolder(engine: Engine, root: string, reference: string, signal?: AbortSignal): Promise<void> {
  const args = [
    '-C',
    root,
    '--one-file-system',
    '--numeric-owner',
    ...LEFT_OUT.map((path) => `--exclude=${path}`),
    '-c',
    '.',
  ];
  const tar = spawn('tar', args, { stdio: ['ignore', 'pipe', 'ignore'] });
  const closed = once(tar, 'close');
  try {
    await engine.importImage(tar.stdout, reference, {
      deadline_ms: DEBOOTSTRAP_MS,
      ...(signal === undefined ? {} : { signal }),
    });
  } finally {
    tar.kill('SIGKILL');
    await closed;
  }
}

async function lastOfLog(folder: string): Promise<string> {
  const log = await readFile(join(folder, 'root/debootstrap/debootstrap.log'), 'utf8').catch(() => '');
  return log.trimEnd().split('\n').at(-1) ?? '';
}

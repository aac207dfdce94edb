import { existsSync } from 'node:fs';
import { readdir, readFile, readlink } from 'node:fs/promises';
import { join } from 'node:path';
import type { ProjectPaths } from '../../src/contract/project.js';
import type { Engine } from '../../src/engine/engine.js';

/** What of a project is still there once it was stopped: containers, networks, processes, mounts, sockets, pipes, the lock. Empty when all is gone. */
export async function leftoversOf(paths: ProjectPaths, engine: Engine): Promise<string[]> {
  const found: string[] = [];
  const label = { 'filare.project': paths.key };
  for (const { name } of await engine.list(label)) found.push(`container ${name}`);
  for (const { name } of await engine.listNetworks(label)) found.push(`network ${name}`);
  for (const pid of await processesNaming(paths.root)) found.push(`process ${pid}`);
  const mounts = await readFile('/proc/self/mountinfo', 'utf8');
  for (const line of mounts.split('\n')) if (line.includes(paths.root)) found.push(`mount ${line}`);
  if (existsSync(paths.socket)) found.push(`socket ${paths.socket}`);
  const abstract = await readFile('/proc/net/unix', 'utf8');
  if (abstract.includes(paths.key)) found.push('the lock of the project');
  found.push(...(await pipesBelow(paths.root)).map((path) => `pipe ${path}`));
  return found;
}

/** Processes other than this one that name the folder in their arguments or have it as their folder. */
async function processesNaming(folder: string): Promise<string[]> {
  const found: string[] = [];
  for (const pid of (await readdir('/proc')).filter((name) => /^\d+$/.test(name) && Number(name) !== process.pid)) {
    const command = await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '');
    const cwd = await readlink(`/proc/${pid}/cwd`).catch(() => '');
    if (command.includes(folder) || cwd.startsWith(folder)) found.push(`${pid} ${command.replaceAll('\0', ' ')}`);
  }
  return found;
}

async function pipesBelow(folder: string): Promise<string[]> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true }).catch(() => []);
  return entries
    .filter((entry) => entry.isFIFO() || entry.isSocket())
    .map((entry) => join(entry.parentPath, entry.name));
}

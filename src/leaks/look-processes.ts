import { readdir, readFile, readlink } from 'node:fs/promises';
import { isWithin } from './is-within.js';
import type { ProcessSight } from './world.js';

const READ_AT_ONCE = 32;

/** Every process that this user may look at; one that ends meanwhile is left out. */
export async function lookAtProcesses(folders: readonly string[]): Promise<readonly ProcessSight[]> {
  const pids = (await readdir('/proc')).filter((name) => /^\d+$/.test(name)).map(Number);
  const found: ProcessSight[] = [];
  for (let at = 0; at < pids.length; at += READ_AT_ONCE) {
    const some = await Promise.all(pids.slice(at, at + READ_AT_ONCE).map((pid) => lookAt(pid, folders)));
    found.push(...some.filter((one) => one !== null));
  }
  return found;
}

/** A process and all that started it. */
export function withAncestors(processes: readonly ProcessSight[], pid: number): ReadonlySet<number> {
  const parents = new Map(processes.map((one) => [one.pid, one.parent]));
  const line = new Set<number>();
  for (let next: number | undefined = pid; next !== undefined && next > 1 && !line.has(next); next = parents.get(next))
    line.add(next);
  return line;
}

async function lookAt(pid: number, folders: readonly string[]): Promise<ProcessSight | null> {
  const read = (name: string): Promise<string> => readFile(`/proc/${String(pid)}/${name}`, 'utf8');
  try {
    const [stat, command, cgroup] = await Promise.all([read('stat'), read('cmdline'), read('cgroup').catch(() => '')]);
    const cwd = await readlink(`/proc/${String(pid)}/cwd`).catch(() => '');
    const environment = await read('environ').catch(() => '');
    // The name in brackets may hold anything: fields are counted from its end.
    const [state = '', parent = '0', , , terminal = '0'] = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    if (state === 'Z') return null;
    return {
      pid,
      parent: Number(parent),
      command: command.split('\0').filter((word) => word !== ''),
      cwd,
      has_terminal: terminal !== '0',
      env_paths: environment
        .split('\0')
        .map((pair) => pair.slice(pair.indexOf('=') + 1))
        .filter((value) => folders.some((folder) => isWithin(value, folder))),
      container_ids: [...new Set(cgroup.match(/[0-9a-f]{64}/g) ?? [])],
    };
  } catch {
    return null;
  }
}

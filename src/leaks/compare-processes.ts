import { stagedWorkspace } from '../session/settle-files.js';
import { daemonLives, type Comparison } from './comparison.js';
import type { Finding } from './finding.js';
import { isWithin } from './is-within.js';
import { withAncestors } from './look-processes.js';
import type { ProcessSight } from './world.js';

const MAX_SHOWN_CHARACTERS = 120;

/** Processes of the host that belong to the project, and to no daemon, no container and no terminal of a person. */
export function compareProcesses(comparison: Comparison): Finding[] {
  const { world } = comparison;
  const daemon = daemonPid(comparison);
  return world.processes.flatMap((one) => {
    if (world.own_pids.has(one.pid)) return [];
    if (daemon !== null && withAncestors(world.processes, one.pid).has(daemon)) return [];
    const why = whyOurs(one, comparison);
    if (why === null) return [];
    return {
      kind: 'process',
      name: `${String(one.pid)} ${one.command.join(' ').slice(0, MAX_SHOWN_CHARACTERS)}`,
      verdict: 'leak',
      session_id: null,
      detail: why,
      fix: `look at it, and end it: kill ${String(one.pid)}`,
      cleanup: false,
    };
  });
}

/** The process that holds the lock; null when none does, or the book does not say. */
function daemonPid(comparison: Comparison): number | null {
  if (!daemonLives(comparison)) return null;
  const booked = comparison.book.findLast(({ kind, state }) => kind === 'process' && state === 'opened');
  if (booked !== undefined) return Number(booked.name);
  // A daemon of a version that did not book itself.
  const daemons = comparison.world.processes.filter((one) => isDaemon(one, comparison));
  return daemons.length === 1 ? (daemons[0]?.pid ?? null) : null;
}

function whyOurs(one: ProcessSight, comparison: Comparison): string | null {
  const { world, book, paths } = comparison;
  const own = world.processes.find(({ pid }) => pid === process.pid)?.container_ids ?? [];
  const container = one.container_ids.filter((id) => !own.includes(id));
  if (container.length > 0) {
    if (world.engine === null) return null;
    const lost = container.find((id) => book.some(({ engine_id }) => engine_id === id) && !world.container_ids.has(id));
    return lost === undefined
      ? null
      : `it runs in a container of ours (${lost.slice(0, 12)}) that the engine does not know any more`;
  }
  if (isDaemon(one, comparison)) return 'a daemon of this project that does not hold its lock';
  if (one.has_terminal) return null;
  const folders = [paths.state, paths.outputs];
  const isOurs = (path: string): boolean =>
    folders.some((folder) => isWithin(path, folder)) && !isAgents(path, comparison);
  const named = one.command.flatMap((word) => [word, word.slice(word.indexOf('=') + 1)]).find(isOurs);
  if (named !== undefined) return `its command line names ${named}`;
  if (isOurs(one.cwd)) return `it works in ${one.cwd}`;
  const variable = one.env_paths.find(isOurs);
  return variable === undefined ? null : `its environment names ${variable}`;
}

/** Workspaces and homes are where people and their editors look too; a workspace that is being seeded is not. */
function isAgents(path: string, { paths }: Comparison): boolean {
  if (isWithin(path, paths.agents)) return true;
  if (!isWithin(path, paths.workspaces)) return false;
  const [top = ''] = path.slice(paths.workspaces.length + 1).split('/');
  return stagedWorkspace(`${paths.workspaces}/${top}`) === undefined;
}

function isDaemon(one: ProcessSight, { paths }: Comparison): boolean {
  const at = one.command.indexOf('daemon');
  if (at === -1 || one.command[at + 1] !== 'run' || !one.command.some((word) => word.includes('filare-agents')))
    return false;
  const named = one.command[one.command.indexOf('--project') + 1];
  return one.command.includes('--project') ? named === paths.root : one.cwd === paths.root;
}

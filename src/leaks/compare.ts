/**
 * The book against the world, both ways. Pure. What belongs to a session that is not over is no leak; what the engine made by our label is judged by
 * its session; what only looks like ours is said as foreign.
 */
import type { ResourceEntry } from '../ledger/project-ledger.js';
import { compareDisk } from './compare-disk.js';
import { compareEngine } from './compare-engine.js';
import { compareProcesses } from './compare-processes.js';
import { daemonLives, type Comparison } from './comparison.js';
import { BY_DAEMON, type Finding } from './finding.js';
import { isWithin } from './is-within.js';

/** Everything that is not as the book says. */
export function compare(comparison: Comparison): readonly Finding[] {
  return [
    ...compareEngine(comparison),
    ...compareProcesses(comparison),
    ...compareMounts(comparison),
    ...compareDisk(comparison),
    ...missing(comparison),
  ];
}

function compareMounts({ world, paths }: Comparison): Finding[] {
  return world.mounts
    .filter((point) => ![paths.state, paths.outputs, paths.workspaces].includes(point))
    .map((point) => ({
      kind: 'mount',
      name: point,
      verdict: isWithin(point, paths.workspaces) ? 'foreign' : 'leak',
      session_id: null,
      detail: 'something is mounted here; this product mounts nothing on the host',
      fix: `umount ${point}`,
      cleanup: false,
    }));
}

/** Open in the book and not in the world. What a living daemon has in hand is its own business. */
function missing(comparison: Comparison): Finding[] {
  const { book, world } = comparison;
  const lives = daemonLives(comparison);
  return book
    .filter(({ state }) => state === 'intended' || state === 'opened')
    .filter(({ session_id }) => !(lives && session_id !== undefined && world.sessions.get(session_id)?.over !== true))
    .filter((entry) => isThere(entry, comparison) === false)
    .map((entry) => ({
      kind: entry.kind,
      name: entry.name,
      verdict: 'missing',
      session_id: entry.session_id ?? null,
      detail:
        entry.state === 'intended'
          ? `booked at ${entry.intended_at}; whether it was made was never written down, and it is not there`
          : `open in the book since ${entry.changed_at}, and not there`,
      fix: lives ? 'filare-agents daemon stop, then filare-agents list: the next daemon settles it' : BY_DAEMON,
      cleanup: false,
    }));
}

/** Null: cannot be told. */
function isThere({ kind, name }: ResourceEntry, comparison: Comparison): boolean | null {
  const { world } = comparison;
  switch (kind) {
    case 'container':
    case 'network':
      return world.engine === null ? null : world.engine.some((thing) => thing.kind === kind && thing.name === name);
    case 'secret': {
      const container = / in (\S+)$/.exec(name)?.[1];
      if (container === undefined || world.engine === null) return null;
      return world.engine.some((thing) => thing.kind === 'container' && thing.name === container);
    }
    case 'folder':
    case 'fifo':
      return world.existing.has(name);
    case 'socket':
      return world.sockets.has(name);
    case 'process':
      return daemonLives(comparison) && world.processes.some(({ pid }) => String(pid) === name);
  }
}

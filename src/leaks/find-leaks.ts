/**
 * Proves from the world itself that nothing leaks: engine, processes, mounts, sockets and disk against the book. Contract:
 * - looks only, changes nothing, and needs no daemon;
 * - beside a living daemon, what is there for a moment only (a launch, a stop) is no finding: what is found is looked at again after AGAIN_MS.
 */
import { lstat, readFile } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { z } from 'zod';
import { lockName } from '../contract/project-lock-name.js';
import type { ProjectPaths } from '../contract/project.js';
import type { Engine } from '../engine/engine.js';
import type { ResourceBalance, ResourceEntry } from '../ledger/project-ledger.js';
import { readProjectLedger } from '../ledger/read-project-ledger.js';
import { LABEL } from '../session/labels.js';
import { compare } from './compare.js';
import { daemonLives, type Comparison } from './comparison.js';
import type { Finding } from './finding.js';
import { lookAtDisk } from './look-disk.js';
import { lookAtMounts, lookAtSockets } from './look-kernel.js';
import { lookAtProcesses, withAncestors } from './look-processes.js';
import { lookAtSessions } from './look-sessions.js';
import type { SessionSight, World } from './world.js';

/** How long after a first look a second one must find the same, beside a living daemon. Milliseconds. */
const AGAIN_MS = 1_000;

/** Where leaks are looked for. */
export interface LeakQuery {
  readonly paths: ProjectPaths;
  readonly uid: number;
  /** Undefined: it does not answer. */
  readonly engine: Engine | undefined;
  /** The product's cache folder; null to leave it out. */
  readonly cache: string | null;
  readonly signal: AbortSignal;
  /** What the asker knows better than the disk: sessions that it holds itself, and whether one of them is rehearsed. */
  readonly known?: { readonly live: ReadonlySet<string>; readonly rehearsed: boolean };
}

/** What was found, in what was looked at. */
export interface LeakReport {
  readonly findings: readonly Finding[];
  readonly balance: ResourceBalance;
  readonly daemon: boolean;
  /** How much was looked at; containers, networks and volumes are those with our label or name. */
  readonly looked_at: { readonly engine: number | null; readonly processes: number; readonly sessions: number };
  readonly comparison: Comparison;
}

/** See the top of this file. */
export async function findLeaks(query: LeakQuery): Promise<LeakReport> {
  const first = await look(query);
  if (first.findings.length === 0 || !first.daemon || query.known !== undefined) return first;
  await sleep(AGAIN_MS, undefined, { signal: query.signal });
  const second = await look(query);
  const seen = new Set(first.findings.map(identity));
  return { ...second, findings: second.findings.filter((finding) => seen.has(identity(finding))) };
}

async function look(query: LeakQuery): Promise<LeakReport> {
  const { paths, known } = query;
  const folders = [paths.state, paths.outputs];
  const sessions = await lookAtSessions(paths.outputs);
  if (known !== undefined)
    for (const [session_id, sight] of sessions)
      sessions.set(session_id, { ...sight, over: sight.over && !known.live.has(session_id) });
  // The book before the world: what is made meanwhile is in the world alone for a moment, and the second look knows it.
  const book = await readProjectLedger(paths.ledger);
  const [engine, processes, mounts, sockets, disk, existing] = await Promise.all([
    askEngine(query, sessions),
    lookAtProcesses(folders),
    lookAtMounts(folders),
    lookAtSockets(),
    lookAtDisk({ paths, sessions, cache: query.cache, now_ms: Date.now() }),
    existingOf(book),
  ]);
  const own_pids = withAncestors(processes, process.pid);
  const comparison: Comparison = {
    book,
    world: { ...engine, processes, own_pids, mounts, sockets, disk, existing, sessions },
    paths,
    instance: await instanceOf(paths),
    lock: `@${lockName(paths.key, query.uid)}`,
    rehearsed: known?.rehearsed ?? true,
  };
  return {
    findings: compare(comparison),
    balance: balanceOf(book),
    daemon: daemonLives(comparison),
    looked_at: { engine: engine.engine?.length ?? null, processes: processes.length, sessions: sessions.size },
    comparison,
  };
}

async function askEngine(
  { engine, paths, signal }: LeakQuery,
  sessions: ReadonlyMap<string, SessionSight>,
): Promise<Pick<World, 'engine' | 'container_ids'>> {
  if (engine === undefined) return { engine: null, container_ids: new Set() };
  const [labelled, named] = await Promise.all([
    engine.survey({ labels: { [LABEL.project]: paths.key } }, { signal }),
    engine.survey({ name_prefix: 'filare-' }, { signal }),
  ]);
  const ours = named.filter(
    ({ name, labels }) =>
      labels[LABEL.project] === undefined || name.includes(paths.key) || sessions.has(labels[LABEL.session] ?? ''),
  );
  return {
    engine: [...new Map([...labelled, ...ours].map((thing) => [`${thing.kind} ${thing.id}`, thing])).values()],
    container_ids: new Set([...labelled, ...named].map(({ id }) => id)),
  };
}

async function existingOf(book: readonly ResourceEntry[]): Promise<ReadonlySet<string>> {
  const existing = new Set<string>();
  for (const { kind, name, state } of book) {
    if (state === 'closed' || state === 'kept' || (kind !== 'folder' && kind !== 'fifo')) continue;
    if ((await lstat(name).catch(() => null)) !== null) existing.add(name);
  }
  return existing;
}

async function instanceOf(paths: ProjectPaths): Promise<string | null> {
  try {
    return z.object({ instance: z.string() }).parse(JSON.parse(await readFile(paths.format, 'utf8'))).instance;
  } catch {
    return null;
  }
}

function balanceOf(book: readonly ResourceEntry[]): ResourceBalance {
  const count = (...states: readonly ResourceEntry['state'][]): number =>
    book.filter(({ state }) => states.includes(state)).length;
  return { intended: book.length, open: count('intended', 'opened'), kept: count('kept'), closed: count('closed') };
}

function identity({ kind, name, verdict }: Finding): string {
  return JSON.stringify([kind, name, verdict]);
}

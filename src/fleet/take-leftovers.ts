/**
 * What sessions left behind. Contract:
 * - only what carries our label or lies where only we put things is taken, and only when its session is over by its own record; all else is kept and said;
 * - what is taken is closed in the book; what the engine does not let go stays in it;
 * - more than half of all that carries our label, and at least MANY of it, is taken with `force` alone: rather a question too many than a fleet too few.
 */
import { rm } from 'node:fs/promises';
import { basename, dirname } from 'node:path';
import type { CleanupItem } from '../contract/api-shapes.js';
import { asFilareError, FilareError } from '../contract/errors.js';
import { findLeaks, type LeakReport } from '../leaks/find-leaks.js';
import { isWithin } from '../leaks/is-within.js';
import type { Finding } from '../leaks/finding.js';
import { removeBooked } from '../session/booking.js';
import { LABEL } from '../session/labels.js';
import { removeContainer } from '../session/remove-container.js';
import { stagedWorkspace } from '../session/settle-files.js';
import { OpenFolder } from '../workspace/open-folder.js';
import { removeTree } from '../workspace/remove-tree.js';
import { removeSeedLeftovers } from '../workspace/seed-staging.js';

import type { CleanupOptions } from './cleanup.js';
import type { Fleet } from './fleet.js';
import type { FleetSurroundings } from './surroundings.js';
import { GHOST_NETWORK, type FleetNetwork } from './fleet-network.js';
import { settleBook } from './settle-book.js';

/** Fewer labelled things than this are taken whatever their share is. */
const MANY = 4;
const MAX_NAMED = 8;

/** What cleaning up works with. */
export interface LeftoverContext {
  readonly fleet: Fleet;
  readonly network: FleetNetwork;
}

/** See the top of this file. Rejects with `limit_exceeded` when it would take too much. */
export async function takeLeftovers(
  context: LeftoverContext,
  options: CleanupOptions,
): Promise<readonly CleanupItem[]> {
  const { fleet } = context;
  const around = fleet.surroundings;
  const running = fleet.liveSessions.filter((session) => !session.ended).map((session) => session.state);
  const live = new Set(running.map(({ session_id }) => session_id));
  const report = await findLeaks({
    paths: around.paths,
    uid: around.caller_uid,
    engine: around.engine,
    cache: null,
    signal: new AbortController().signal,
    known: { live, rehearsed: running.some(({ rehearsal }) => rehearsal !== null) },
  });
  const takes = report.findings.filter((finding) => finding.cleanup);
  if (!options.dry_run && !options.force) refuseTooMuch(takes, report);
  const items: CleanupItem[] = [];
  for (const finding of takes) items.push(await taken(context, finding, report, options));
  if (!options.dry_run) await settleBook(around, live);
  return [...items, ...kept(report)];
}

function refuseTooMuch(takes: readonly Finding[], report: LeakReport): void {
  const labelled = labelledThings(report).length;
  const names = takes.filter(({ kind }) => kind === 'container' || kind === 'network').map(({ name }) => name);
  if (names.length < MANY || names.length * 2 <= labelled) return;
  const more = names.length > MAX_NAMED ? ` and ${String(names.length - MAX_NAMED)} more` : '';
  throw new FilareError({
    code: 'limit_exceeded',
    message: `cleanup would take ${String(names.length)} of the ${String(labelled)} containers and networks that carry this project's label: ${names.slice(0, MAX_NAMED).join(', ')}${more}`,
    hint: 'look at them: filare-agents cleanup --dry-run; if that is right: filare-agents cleanup --yes --force',
    details: { would_remove: names, labelled },
  });
}

async function taken(
  context: LeftoverContext,
  finding: Finding,
  report: LeakReport,
  { dry_run }: CleanupOptions,
): Promise<CleanupItem> {
  const item = (action: CleanupItem['action'], reason: string): CleanupItem => ({
    kind: kindOf(finding),
    name: finding.name,
    session_id: finding.session_id,
    action,
    reason,
  });
  if (dry_run) return item('would_remove', finding.detail);
  try {
    const why_kept = await take(context, finding, report);
    return why_kept === null ? item('removed', finding.detail) : item('kept', why_kept);
  } catch (failure) {
    // One that cannot be taken keeps nobody from taking the others.
    return item('kept', `it could not be removed: ${asFilareError(failure).message}`);
  }
}

/** Takes it; answers why not, when it is to be kept after all. */
async function take({ fleet, network }: LeftoverContext, finding: Finding, report: LeakReport): Promise<string | null> {
  const around = fleet.surroundings;
  const thing = labelledThings(report).find(({ kind, name }) => kind === finding.kind && name === finding.name);
  switch (finding.kind) {
    case 'container':
      if (thing === undefined) return 'it is gone';
      return (await removeContainer(around, thing, 'removed by cleanup'))
        ? null
        : 'the engine does not remove it; try again later';
    case 'network': {
      if (thing === undefined) return 'it is gone';
      const failure = await network.remove(thing, { patient: true });
      return failure === null ? null : `${GHOST_NETWORK} (it said: ${failure.message})`;
    }
    case 'fifo':
      await removeBooked(around.resources, 'fifo', finding.name, 'removed by cleanup');
      return null;
    default:
      return takeFolder(around, finding.name);
  }
}

async function takeFolder(around: FleetSurroundings, path: string): Promise<string | null> {
  const { resources, paths } = around;
  const workspace = stagedWorkspace(path);
  if (workspace !== undefined) {
    const { removed } = await removeSeedLeftovers(workspace, paths.key);
    if (!removed.includes(path))
      return 'it does not carry the mark of this project; remove it by hand if nobody needs it';
    await resources.closeNamed('folder', path, 'removed by cleanup');
    return null;
  }
  if (dirname(path) === paths.workspaces) {
    await using folder = await OpenFolder.open(paths.workspaces);
    await removeTree(folder, basename(path), path);
    return null;
  }
  if (dirname(path) === paths.root) {
    await rm(path, { recursive: true, force: true });
    return null;
  }
  await removeBooked(resources, 'folder', path, 'removed by cleanup');
  for (const entry of resources.open())
    if (entry.kind === 'fifo' && isWithin(entry.name, path)) await resources.closed(entry.entry, 'removed by cleanup');
  return null;
}

/** What is left alone, each with its reason: others', what cannot be proved, and what is in use. */
function kept(report: LeakReport): CleanupItem[] {
  const doubtful = report.findings
    .filter(({ cleanup, verdict }) => !cleanup && (verdict === 'leak' || verdict === 'foreign'))
    .map((finding): CleanupItem => ({
      kind: kindOf(finding),
      name: finding.name,
      session_id: finding.session_id,
      action: 'kept',
      reason: `${finding.detail}; ${finding.fix}`,
    }));
  const found = new Set(report.findings.map(({ kind, name }) => `${kind} ${name}`));
  const in_use = labelledThings(report)
    .filter(({ kind, name }) => !found.has(`${kind} ${name}`))
    .map(({ kind, name, labels }): CleanupItem => ({
      kind,
      name,
      session_id: labels[LABEL.session] ?? null,
      action: 'kept',
      reason: kind === 'network' ? 'agents are running on it' : 'it is in use',
    }));
  return [...in_use, ...doubtful];
}

function labelledThings({ comparison }: LeakReport): NonNullable<LeakReport['comparison']['world']['engine']> {
  return (comparison.world.engine ?? []).filter(({ labels }) => labels[LABEL.project] === comparison.paths.key);
}

function kindOf({ kind }: Finding): CleanupItem['kind'] {
  // An engine that does not answer ends the whole of it before.
  return kind === 'engine' ? 'container' : kind;
}

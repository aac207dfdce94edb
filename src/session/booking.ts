/**
 * How things get into the project's book (ledger/project-ledger.ts): intent before effect, closed when gone. What stays on purpose says so in
 * its intent, so that a daemon that finds only the intent knows what was to become of it.
 */
import { rm } from 'node:fs/promises';
import type { ProjectLedger, ResourceEntry, ResourceIntent } from '../ledger/project-ledger.js';

/** Key in an intent's detail: why the thing stays when it is made. */
const STAYS = 'stays';

/** Makes a thing that goes again: open in the book from before it is made until `closeNamed`. What a dead daemon had booked by the name is closed first. */
export async function booked<T>(resources: ProjectLedger, intent: ResourceIntent, make: () => Promise<T>): Promise<T> {
  await resources.closeNamed(intent.kind, intent.name, 'booked again');
  const entry = await resources.intend(intent);
  const made = await make();
  await resources.opened(entry);
  return made;
}

/** Makes sure of a folder that stays: booked before it is made, kept after; once for each name. */
export async function bookedToStay(
  resources: ProjectLedger,
  folder: { readonly name: string; readonly session_id?: string },
  why: string,
  make: () => Promise<unknown>,
): Promise<void> {
  const before = resources.named('folder', folder.name);
  if (before.some((entry) => entry.state === 'kept')) {
    await make();
    return;
  }
  for (const entry of before) await resources.closed(entry.entry, 'booked again');
  const entry = await resources.intend({ kind: 'folder', ...folder, detail: { [STAYS]: why } });
  await make();
  await resources.kept(entry, why);
}

/** The intent of a folder that stays. */
export function toStay(name: string, session_id: string, why: string): ResourceIntent {
  return { kind: 'folder', name, session_id, detail: { [STAYS]: why } };
}

/** Why a booked thing stays; undefined for one that goes. */
export function whyItStays(entry: ResourceEntry): string | undefined {
  const why = entry.detail?.[STAYS];
  return typeof why === 'string' ? why : undefined;
}

/** Names of the secrets that a container is given, as they stand in the book. */
export function secretNames(container: string): readonly string[] {
  return ['ssh key', 'variables'].map((what) => `${what} in ${container}`);
}

/** A container is gone, and with it what was handed to it: it was nowhere else. */
export async function closeContainer(resources: ProjectLedger, name: string, reason: string): Promise<void> {
  for (const secret of secretNames(name)) await resources.closeNamed('secret', secret, reason);
  await resources.closeNamed('container', name, reason);
}

/** Removes a folder or file of ours and closes it in the book. */
export async function removeBooked(
  resources: ProjectLedger,
  kind: 'folder' | 'fifo' | 'socket' | 'secret',
  path: string,
  reason = 'removed',
): Promise<void> {
  await rm(path, { recursive: true, force: true });
  await resources.closeNamed(kind, path, reason);
}

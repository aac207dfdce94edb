import { lstat } from 'node:fs/promises';
import { closeContainer } from '../session/booking.js';
import { LABEL } from '../session/labels.js';
import { settleFile } from '../session/settle-files.js';
import type { FleetSurroundings } from './surroundings.js';

/**
 * What the book says is open though the world says otherwise, after a daemon that died between a deed and its record. Sessions that are not over
 * settle their own; where the engine does not answer, its part stays open for the next time.
 */
export async function settleBook(around: FleetSurroundings, live: ReadonlySet<string>): Promise<void> {
  const { resources, engine, paths, log } = around;
  for (const entry of resources.open()) {
    if (entry.session_id !== undefined && live.has(entry.session_id)) continue;
    // Whatever is left of the rehearsal is taken up or removed by its host.
    if (entry.session_id !== undefined) await settleFile(around, entry);
    else if (entry.kind === 'folder' && !(await isThere(entry.name))) await resources.closed(entry.entry, 'gone');
  }
  try {
    const labels = { [LABEL.project]: paths.key };
    const containers = new Set((await engine.list(labels)).map((one) => one.name));
    const networks = new Set((await engine.listNetworks(labels)).map((one) => one.name));
    for (const { kind, name, session_id } of resources.open()) {
      if (session_id !== undefined && live.has(session_id)) continue;
      if (kind === 'container' && !containers.has(name)) await closeContainer(resources, name, 'gone');
      if (kind === 'network' && !networks.has(name)) await resources.closeNamed('network', name, 'gone');
    }
  } catch (failure) {
    log.warn({ err: failure }, 'the engine does not answer; what the book says of it is settled another time');
  }
}

async function isThere(path: string): Promise<boolean> {
  return lstat(path).then(
    () => true,
    () => false,
  );
}

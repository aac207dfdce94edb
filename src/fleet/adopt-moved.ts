import { isOver } from '../contract/phase.js';
import { lstat } from 'node:fs/promises';
import { asFilareError } from '../contract/errors.js';
import { bookedToStay, whyItStays } from '../session/booking.js';
import { agentFolders } from '../session/launch.js';
import { sessionFiles } from '../session/session-files.js';
import { findSessions, readCheckpoint, writeCheckpoint } from './checkpoint.js';
import type { FleetSurroundings } from './surroundings.js';
import { noteInRecord } from './note-in-record.js';

/**
 * Makes the records of a project that was at another path, or on another machine, those of this one: what the book says of the other place is
 * closed, what came along is booked here, and sessions that were not over are ended in the record alone: their containers, workspaces and pipes
 * are the other place's, where the project may still run.
 */
export async function adoptMoved(around: FleetSurroundings, from: string): Promise<void> {
  const { resources, paths } = around;
  for (const entry of resources.entries()) {
    const is_own = entry.kind === 'process' || (entry.kind === 'socket' && entry.name.startsWith('@'));
    if (entry.state === 'closed' || (is_own && entry.state === 'opened')) continue;
    await resources.closed(entry.entry, `left at ${from}`);
    const here = entry.name.startsWith(`${from}/`) ? paths.root + entry.name.slice(from.length) : null;
    const why = entry.reason ?? whyItStays(entry);
    if (entry.state !== 'kept' || here === null || why === undefined || !(await isThere(here))) continue;
    await bookedToStay(resources, { name: here }, why, () => Promise.resolve());
  }
  for (const { session_id, folder } of await findSessions(paths.outputs)) {
    const row = await readCheckpoint(folder);
    if (row !== null && isOver(row)) {
      const { codex_home } = agentFolders(around, row.id);
      await writeCheckpoint(folder, { ...row, codex_home, transcript: sessionFiles(folder).transcript }, around.log);
      continue;
    }
    try {
      await endInRecord(around, session_id, folder, from);
    } catch (failure) {
      // One broken session never keeps the others from coming along.
      around.log.error(
        { session_id, err: asFilareError(failure) },
        'a session could not be ended when the project was adopted',
      );
    }
  }
}

async function endInRecord(around: FleetSurroundings, session_id: string, folder: string, from: string): Promise<void> {
  await noteInRecord(around, session_id, folder, ({ stage }) =>
    isOver(stage)
      ? []
      : [
          {
            type: 'ended',
            phase: 'stopped',
            reason: `it was left at ${from} when the project was adopted here`,
          },
        ],
  );
}

async function isThere(path: string): Promise<boolean> {
  return lstat(path).then(
    () => true,
    () => false,
  );
}

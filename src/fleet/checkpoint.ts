import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Logger } from 'pino';
import writeFileAtomic from 'write-file-atomic';
import { sessionRowSchema, type SessionRow } from '../contract/session.js';
import { sessionFiles } from '../session/session-files.js';

/** Writes what the session is now, atomically, and not synced. A failure is logged: the ledger holds everything a checkpoint says. */
export async function writeCheckpoint(folder: string, row: SessionRow, log: Logger): Promise<void> {
  try {
    await writeFileAtomic(sessionFiles(folder).state, `${JSON.stringify(row, null, 2)}\n`, {
      mode: 0o600,
      fsync: false,
    });
  } catch (failure) {
    log.warn({ session_id: row.session_id, err: failure }, 'state.json could not be written');
  }
}

/** The checkpoint of a session, or null when there is none that can be read. */
export async function readCheckpoint(folder: string): Promise<SessionRow | null> {
  try {
    return sessionRowSchema.parse(JSON.parse(await readFile(sessionFiles(folder).state, 'utf8')));
  } catch {
    return null;
  }
}

/** Every session folder below `outputs/agents`: two levels, role and session; not those that are being deleted. */
export async function findSessions(
  outputs: string,
): Promise<readonly { readonly session_id: string; readonly folder: string }[]> {
  const found: { session_id: string; folder: string }[] = [];
  for (const role of await folders(outputs)) {
    for (const session_id of await folders(join(outputs, role)))
      found.push({ session_id, folder: join(outputs, role, session_id) });
  }
  return found.sort((a, b) => a.session_id.localeCompare(b.session_id));
}

async function folders(path: string): Promise<readonly string[]> {
  try {
    const entries = await readdir(path, { withFileTypes: true });
    return entries.filter((entry) => entry.isDirectory() && !entry.name.startsWith('.')).map((entry) => entry.name);
  } catch {
    return [];
  }
}

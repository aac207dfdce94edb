import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { sessionRowSchema } from '../contract/session.js';
import { isOver } from '../contract/phase.js';
import { sessionFiles } from '../session/session-files.js';
import type { SessionSight } from './world.js';

/** Every session below `outputs/agents`, by id. One whose state cannot be read counts as one that is not over. */
export async function lookAtSessions(outputs: string): Promise<Map<string, SessionSight>> {
  const found = new Map<string, SessionSight>();
  for (const role of await folders(outputs)) {
    for (const session_id of await folders(join(outputs, role)))
      found.set(session_id, await lookAt(join(outputs, role, session_id)));
  }
  return found;
}

async function lookAt(folder: string): Promise<SessionSight> {
  try {
    const row = sessionRowSchema.parse(JSON.parse(await readFile(sessionFiles(folder).state, 'utf8')));
    return { folder, over: isOver(row), workspace: row.workspace };
  } catch {
    return { folder, over: false, workspace: null };
  }
}

async function folders(path: string): Promise<readonly string[]> {
  const entries = await readdir(path, { withFileTypes: true }).catch(() => []);
  return entries.filter((entry) => entry.isDirectory()).map((entry) => entry.name);
}

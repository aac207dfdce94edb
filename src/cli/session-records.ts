import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { FilareError } from '../contract/errors.js';
import { sessionRowSchema } from '../contract/session.js';

/** The record of a session as it lies on disk: for what needs no daemon. */
export interface SessionOnDisk {
  readonly session_id: string;
  /** The agent's id. */
  readonly id: string;
  readonly started_at: string;
  readonly transcript: string;
}

/** Every session below `outputs`, oldest first. */
export async function sessionsOnDisk(outputs: string): Promise<readonly SessionOnDisk[]> {
  const found: SessionOnDisk[] = [];
  for (const role of await folders(outputs)) {
    for (const session_id of await folders(join(outputs, role))) {
      const folder = join(outputs, role, session_id);
      const row = sessionRowSchema.safeParse(await json(join(folder, 'state.json')));
      // `<agent>-<time>-<random>`, as sessions are named.
      const [, id = session_id, time = ''] = /^(.*)-(\d{8}T\d{6}Z)-[^-]*$/.exec(session_id) ?? [];
      found.push({
        session_id,
        id: row.success ? row.data.id : id,
        started_at: row.success ? row.data.started_at : time,
        transcript: join(folder, 'transcript.jsonl'),
      });
    }
  }
  return found.sort((a, b) => a.started_at.localeCompare(b.started_at) || a.session_id.localeCompare(b.session_id));
}

/** The session that a user means: its id, the beginning of it, or an agent's id for its newest one. `not_found`, or `usage` where several are meant. */
export function findOnDisk(ref: string, sessions: readonly SessionOnDisk[]): SessionOnDisk {
  const exact = sessions.find((one) => one.session_id === ref) ?? sessions.findLast((one) => one.id === ref);
  if (exact !== undefined) return exact;
  const begins = sessions.filter((one) => one.session_id.startsWith(ref));
  const [only] = begins;
  if (only !== undefined && begins.length === 1) return only;
  if (only === undefined) {
    throw new FilareError({ code: 'not_found', message: `no session ${ref}`, hint: 'filare-agents list --all' });
  }
  throw new FilareError({
    code: 'usage',
    message: `${ref} may be ${begins.map((one) => one.session_id).join(', ')}`,
    hint: 'give more of its id',
  });
}

async function folders(path: string): Promise<readonly string[]> {
  const entries = await readdir(path, { withFileTypes: true }).catch(() => []);
  return entries.filter((entry) => entry.isDirectory() && !entry.name.startsWith('.')).map((entry) => entry.name);
}

async function json(path: string): Promise<unknown> {
  try {
    return JSON.parse(await readFile(path, 'utf8'));
  } catch {
    return null;
  }
}

import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { AGENT_NAME } from '../contract/agent-name.js';
import type { CleanupItem } from '../contract/api-shapes.js';
import { asFilareError } from '../contract/errors.js';
import type { SessionRow } from '../contract/session.js';
import type { CleanupOptions } from './cleanup.js';
import { dropWorkspace, lostWords } from './drop-workspace.js';
import type { Fleet } from './fleet.js';

/** Removes workspaces of sessions that have ended, one after the other, each as dropWorkspace does; says of each what became of it and why. */
export async function cleanWorkspaces(fleet: Fleet, options: CleanupOptions): Promise<readonly CleanupItem[]> {
  const { paths } = fleet.surroundings;
  const signal = new AbortController().signal;
  const rows = fleet.rows(true);
  const items: CleanupItem[] = [];
  for (const entry of await readdir(paths.workspaces, { withFileTypes: true }).catch(() => [])) {
    if (!entry.isDirectory() || !AGENT_NAME.test(entry.name)) continue;
    const path = join(paths.workspaces, entry.name);
    const row = await latestIn(fleet, rows, path);
    const item = { kind: 'workspace', name: path, session_id: row?.session_id ?? null } as const;
    if (row === undefined) {
      items.push({
        ...item,
        action: 'kept',
        reason: 'no session that is known here had it; remove it by hand if nobody needs it',
      });
      continue;
    }
    try {
      const of = await fleet.home.homecomer(row.session_id);
      const { outcome, why, lost } = await dropWorkspace(fleet, of, fleet.home.place(undefined, of), options, signal);
      if (outcome === 'gone') continue;
      items.push({
        ...item,
        action: outcome,
        reason: lost === null ? why : `${why}: ${lostWords(lost)}`,
        ...(lost === null
          ? {}
          : {
              lost: {
                commits: lost.commits.map(({ commit, subject }) => `${commit} ${subject}`),
                files: [...lost.files],
              },
            }),
      });
    } catch (failure) {
      items.push({ ...item, action: 'kept', reason: asFilareError(failure).message });
    }
  }
  return items;
}

/** The latest session that worked there; one that was stopped in the queue never did, and says nothing of what lies there. */
async function latestIn(fleet: Fleet, rows: readonly SessionRow[], workspace: string): Promise<SessionRow | undefined> {
  const found = rows
    .filter((row) => row.workspace === workspace)
    .sort((a, b) => b.started_at.localeCompare(a.started_at));
  for (const row of found) {
    if (row.ended_at === null || (await fleet.home.hadWorkspace(row.session_id))) return row;
  }
  return found[0];
}

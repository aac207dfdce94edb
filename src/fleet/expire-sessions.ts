import { realpath } from 'node:fs/promises';
import type { CleanupItem } from '../contract/api-shapes.js';
import type { Retention } from '../contract/retention.js';
import { deleteMoved, diskBytes, finishDeleting, moveAway, whyNotOurs } from './expire-session.js';
import { retentionPlan } from './retention-plan.js';
import type { EndedSession } from './roster.js';

/** What expiring needs of the fleet. */
export interface ExpireContext {
  readonly surroundings: {
    readonly retention: () => Promise<Retention | null>;
    readonly paths: { readonly outputs: string };
    readonly now_ms: () => number;
  };
  readonly roster: {
    readonly ended: readonly EndedSession[];
    readonly live: readonly { readonly state: { readonly session_id: string } }[];
    forget(session_id: string): void;
  };
}

/**
 * Deletes the folders of ended sessions that the project's retention does not keep; without one, nothing. Never that of a live session. `dry_run`
 * deletes nothing and says what would go, and why. Rejects with the mistake in the setting, with nothing deleted.
 */
export async function expireSessions(fleet: ExpireContext, dry_run: boolean): Promise<readonly CleanupItem[]> {
  const { retention, paths, now_ms } = fleet.surroundings;
  if (!dry_run) await finishDeleting(paths.outputs);
  const setting = await retention();
  if (setting === null) return [];
  const outputs = await realpath(paths.outputs).catch(() => null);
  if (outputs === null) return [];
  const ended = await Promise.all(
    fleet.roster.ended.map(async ({ row, folder }) => ({
      session_id: row.session_id,
      id: row.id,
      ended_ms: Date.parse(row.ended_at ?? row.started_at),
      bytes: await diskBytes(folder),
    })),
  );
  const items: CleanupItem[] = [];
  for (const { session_id, reason } of retentionPlan(ended, setting, now_ms())) {
    // Asked anew: nothing that came to be meanwhile is taken.
    const found = fleet.roster.ended.find(({ row }) => row.session_id === session_id);
    if (found === undefined || fleet.roster.live.some((one) => one.state.session_id === session_id)) continue;
    const item = { kind: 'folder', name: found.folder, session_id } as const;
    const refusal = await whyNotOurs(found.folder, outputs);
    if (refusal !== null) {
      items.push({ ...item, action: 'kept', reason: `${reason}; but ${refusal}` });
      continue;
    }
    if (!dry_run) {
      const trash = await moveAway(found.folder);
      fleet.roster.forget(session_id);
      await deleteMoved(trash);
    }
    items.push({ ...item, action: dry_run ? 'would_remove' : 'removed', reason });
  }
  return items;
}

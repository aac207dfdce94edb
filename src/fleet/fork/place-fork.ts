import { lstat, rename } from 'node:fs/promises';
import { join } from 'node:path';
import { toStay } from '../../session/booking.js';
import { sessionFiles } from '../../session/session-files.js';
import type { Staging } from '../../workspace/seed-staging.js';
import { unlessMissing } from '../../workspace/system-error.js';
import type { FleetSurroundings } from '../surroundings.js';

/** Where the threads lie in the scratch folder of a staging. */
export const THREADS = 'threads';

/** What is put into place. */
export interface ForkPlace {
  readonly session_id: string;
  readonly workspace: string;
  /** Of the session. */
  readonly folder: string;
  readonly staging: Pick<Staging, 'tree' | 'scratch'>;
}

/** Moves what was copied to where the new session looks for it. Harmless when a part, or all, is there already. */
export async function placeFork({ resources }: Pick<FleetSurroundings, 'resources'>, place: ForkPlace): Promise<void> {
  const { staging, folder, workspace, session_id } = place;
  await unlessMissing(rename(join(staging.scratch, THREADS), sessionFiles(folder).forked));
  if ((await unlessMissing(lstat(staging.tree))) === undefined) return;
  const entry = await resources.intend(toStay(workspace, session_id, 'workspace'));
  await rename(staging.tree, workspace);
  await resources.kept(entry, 'workspace');
}

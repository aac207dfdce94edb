import { readdir, readFile } from 'node:fs/promises';
import { FilareError, TOO_MANY_FILES_HINT } from '../contract/errors.js';
import type { Session } from '../session/session.js';

/** What an agent has open while it is launched, at most: its record, its pipe and journal, connections to the engine, files that are written. Measured: 4 once it runs. */
const FILES_A_LAUNCH = 10;
/** What the daemon may need beside its agents: clients, streams, syncs. */
const FILES_KEPT_FREE = 16;

/** Files of this process: open ones, and how many it may have. Null where the system does not say (no /proc). */
async function openFiles(): Promise<{ readonly open: number; readonly most: number } | null> {
  const [open, limits] = await Promise.all([
    readdir('/proc/self/fd').catch(() => null),
    readFile('/proc/self/limits', 'utf8').catch(() => null),
  ]);
  const most = Number(/^Max open files +(\d+)/m.exec(limits ?? '')?.[1]);
  return open === null || !(most > 0) ? null : { open: open.length, most };
}

/** Refuses (`limit_exceeded`) an agent for which the daemon could not open its files: those that run keep theirs. */
export async function refuseWithoutDescriptors(id: string, live: readonly Session[]): Promise<void> {
  const files = await openFiles();
  if (files === null) return;
  const launching = live.filter(({ state }) => state.stage.phase !== 'running').length;
  if (files.open + (launching + 1) * FILES_A_LAUNCH + FILES_KEPT_FREE <= files.most) return;
  throw new FilareError({
    code: 'limit_exceeded',
    message: `no room for agent ${id}: the daemon has ${String(files.open)} files open and may have ${String(files.most)}`,
    hint: TOO_MANY_FILES_HINT,
  });
}

import type { StoppedSession } from '../contract/session.js';
import { LABEL } from '../session/labels.js';
import { whyForeign } from '../session/ownership.js';
import { removeContainer } from '../session/remove-container.js';
import type { EndedSession } from './roster.js';
import type { FleetSurroundings } from './surroundings.js';

const DEFAULT_GRACE_MS = 10_000;

/** Ends what runs of a session whose record cannot be read: its containers, as far as they are provably ours. Its folder and all else of it stay as they are. */
export async function stopUnreadable(
  around: FleetSurroundings,
  { row, folder }: EndedSession,
  grace_ms = DEFAULT_GRACE_MS,
): Promise<StoppedSession> {
  const ours = { instance: around.instance, book: around.resources.entries() };
  const labels = { [LABEL.project]: around.paths.key, [LABEL.session]: row.session_id };
  const found = (await around.engine.list(labels)).filter((one) => whyForeign(one, ours) === null);
  for (const { id, name } of found) {
    await around.engine.stop(id, grace_ms, { deadline_ms: grace_ms + 30_000 });
    await removeContainer(around, { id, name }, 'stopped; the record of its session cannot be read');
  }
  const names = found.map(({ name }) => name).join(', ');
  const message = `its record cannot be read; ${names === '' ? 'no container of it is there' : `${names} was stopped and removed`}`;
  return { ...row, warnings: [{ message, hint: `its record stays as it is: ${folder}` }] };
}

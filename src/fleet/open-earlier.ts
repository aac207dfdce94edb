/**
 * What earlier daemons left: sessions that are not over are opened again, the others are listed, and what one of them died in the middle of is finished or
 * taken back before any session goes on.
 */
import PQueue from 'p-queue';
import { asFilareError } from '../contract/errors.js';
import { isOver } from '../contract/phase.js';
import { whyForeign } from '../session/ownership.js';
import { LABEL } from '../session/labels.js';
import { removeContainer } from '../session/remove-container.js';
import { Session } from '../session/session.js';
import type { SessionSurroundings } from '../session/surroundings.js';
import { sayGoal } from './begin-session.js';
import { findSessions, readCheckpoint } from './checkpoint.js';
import { settleForks } from './fork/settle-forks.js';
import { removeHalfMade } from './half-made.js';
import { openMemory } from './open-memory.js';
import type { Roster } from './roster.js';
import { settleBook } from './settle-book.js';
import type { FleetSurroundings } from './surroundings.js';

const OPENED_AT_ONCE = 16;

/** What opening needs of the fleet. */
export interface OpenContext {
  readonly around: FleetSurroundings;
  readonly roster: Roster;
  readonly home: { settle(): Promise<void> };
  readonly session: () => SessionSurroundings;
}

/** Finds the sessions of earlier daemons and settles what they left; those that are not over are on the roster, and have not begun. */
export async function openEarlier(context: OpenContext): Promise<readonly Session[]> {
  const { around, roster, home } = context;
  const stored = await findSessions(around.paths.outputs);
  const opening = new PQueue({ concurrency: OPENED_AT_ONCE });
  const halves = await opening.addAll(
    stored.map(
      ({ folder }) =>
        () =>
          removeHalfMade(folder),
    ),
  );
  const whole = stored.filter((_, at) => halves[at] === false);
  const opened = await opening.addAll(whole.map((one) => () => openAgain(context, one)));
  const found = opened.filter((session) => session !== null);
  // A session that cannot be read may be mended: what is its own stays as it is.
  const unsettled = whole.map((one) => one.session_id).filter((session_id) => roster.endedOf(session_id) === undefined);
  await home.settle();
  await settleForks(around, found, (ref) => roster.find(ref));
  await settleBook(around, new Set([...roster.live.map(({ state }) => state.session_id), ...unsettled]));
  return found;
}

/** Removes containers of ours that belong to sessions that have ended: a daemon died between the end and the removal. Rejects as the engine does. */
export async function sweepEnded(around: FleetSurroundings, roster: Roster): Promise<void> {
  for (const container of await around.engine.list({ [LABEL.project]: around.paths.key })) {
    const session_id = container.labels[LABEL.session] ?? '';
    if (roster.endedOf(session_id) === undefined) continue;
    if (whyForeign(container, { instance: around.instance, book: around.resources.entries() }) !== null) continue;
    await removeContainer(around, container, 'removed after its session had ended');
  }
}

/** A session of an earlier daemon that is not over; null when it is, or cannot be read. */
async function openAgain(
  { around, roster, session }: OpenContext,
  { session_id, folder }: { readonly session_id: string; readonly folder: string },
): Promise<Session | null> {
  const row = await readCheckpoint(folder);
  if (row !== null && isOver(row)) {
    roster.over({ row, folder });
    return null;
  }
  try {
    const memory = await openMemory(around, session_id, folder);
    await sayGoal(around, memory);
    const opened = new Session(session(), folder, memory);
    roster.add(opened);
    return opened;
  } catch (failure) {
    // One broken session never keeps the others from coming back.
    around.log.error(
      { session_id, err: failure },
      'a session cannot be opened again; its folder and container are left as they are',
    );
    if (row !== null) roster.cannotRead(row, folder, asFilareError(failure));
    return null;
  }
}

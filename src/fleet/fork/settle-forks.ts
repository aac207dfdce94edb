import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { sessionFiles } from '../../session/session-files.js';
import { stagedWorkspace } from '../../session/settle-files.js';
import type { Session } from '../../session/session.js';
import type { SessionFact } from '../../session/record.js';
import { removeSeedLeftovers } from '../../workspace/seed-staging.js';
import type { Fleet } from '../fleet.js';
import type { FleetSurroundings } from '../surroundings.js';
import { openMemory } from '../open-memory.js';
import { removeCopiers } from './copy-source.js';
import { placeFork } from './place-fork.js';

/**
 * What an earlier daemon left of forks, before anything else is settled: containers that still copy go; forks whose record it wrote, and that it did not put
 * into place, are finished before they begin.
 */
export async function settleForks(
  around: FleetSurroundings,
  sessions: readonly Session[],
  find: Fleet['find'],
): Promise<void> {
  // What still copies would write into a folder that is about to be removed.
  await removeCopiers(around).catch((failure: unknown) => {
    around.log.warn({ err: failure }, 'the engine does not answer; containers that copied for a fork are left');
  });
  for (const { state, folder } of sessions) {
    const { fork, session_id, attempt, agent } = state;
    if (fork === null || attempt > 0) continue;
    try {
      await placeLeft(around, session_id, folder);
      await noteFork(around, () => find(fork.session_id), { session_id, id: agent.id });
    } catch (failure) {
      around.log.error({ session_id, err: failure }, 'a fork that was cut short could not be finished');
    }
  }
}

/** Says in the source's transcript that it was forked; once, whoever says it. What cannot be said is in the log. */
export async function noteFork(
  around: FleetSurroundings,
  findSource: () => ReturnType<Fleet['find']>,
  fork: { readonly session_id: string; readonly id: string },
): Promise<void> {
  const fact: SessionFact = {
    type: 'said',
    level: 'note',
    text: `forked as ${fork.id} (session ${fork.session_id})`,
    data: { forked_as: fork },
  };
  try {
    const source = findSource();
    const { folder } = source;
    if ((await readFile(sessionFiles(folder).ledger, 'utf8')).includes(JSON.stringify(fork.session_id))) return;
    if (source.live !== null) {
      await source.live.memory.commit(fact);
      return;
    }
    const memory = await openMemory(around, source.row.session_id, folder);
    try {
      await memory.commit(fact);
    } finally {
      await memory.close();
    }
  } catch (failure) {
    around.log.warn(
      { session_id: fork.session_id, err: failure },
      'that it was forked could not be written into the record of the source',
    );
  }
}

async function placeLeft(around: FleetSurroundings, session_id: string, folder: string): Promise<void> {
  for (const { name, kind, session_id: of } of around.resources.open()) {
    const workspace = stagedWorkspace(name);
    if (kind !== 'folder' || of !== session_id || workspace === undefined) continue;
    const staging = { tree: join(name, 'tree'), scratch: join(name, 'scratch') };
    await placeFork(around, { session_id, workspace, folder, staging });
    const { removed } = await removeSeedLeftovers(workspace, around.paths.key);
    for (const path of removed) await around.resources.closeNamed('folder', path, 'removed');
  }
}

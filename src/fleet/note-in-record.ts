import type { SessionRow } from '../contract/session.js';
import { agentFolders } from '../session/launch.js';
import type { SessionFact } from '../session/record.js';
import type { SessionState } from '../session/state.js';
import { toRow } from '../session/row.js';
import { sessionFiles } from '../session/session-files.js';
import { writeCheckpoint } from './checkpoint.js';
import type { FleetSurroundings } from './surroundings.js';
import { openMemory } from './open-memory.js';

/** Adds facts to the ledger of a session that has ended, and so to its transcript; answers with its row as it is then, which is in its folder too. */
export async function noteInRecord(
  around: FleetSurroundings,
  session_id: string,
  folder: string,
  facts: (state: SessionState) => readonly SessionFact[],
): Promise<SessionRow> {
  const memory = await openMemory(around, session_id, folder);
  try {
    for (const fact of facts(memory.state)) await memory.commit(fact);
    const row = toRow(memory.state, {
      codex_home: agentFolders(around, memory.state.agent.id).codex_home,
      transcript: sessionFiles(folder).transcript,
      health: 'unknown',
      manifest_changed: false,
      trouble: null,
    });
    await writeCheckpoint(folder, row, around.log);
    return row;
  } finally {
    await memory.close();
  }
}

import type { SessionDetail } from '../contract/api-shapes.js';
import type { Prompt, SessionRow } from '../contract/session.js';
import { transcriptEntrySchema } from '../contract/transcript.js';
import type { Session } from '../session/session.js';
import type { SessionMemory } from '../session/session-memory.js';
import type { FleetSurroundings } from './surroundings.js';
import { openMemory } from './open-memory.js';

const LAST_ENTRIES = 10;

/** Everything of one session, live or ended; what has ended is read from its ledger. */
export async function sessionDetail(
  around: FleetSurroundings,
  found: { readonly live: Session } | { readonly live: null; readonly row: SessionRow; readonly folder: string },
): Promise<SessionDetail> {
  if (found.live !== null) {
    return detail(found.live.memory, found.live.row, found.live.folder, found.live.prompts);
  }
  const memory = await openMemory(around, found.row.session_id, found.folder);
  try {
    return await detail(memory, found.row, found.folder, []);
  } finally {
    await memory.close();
  }
}

async function detail(
  memory: SessionMemory,
  row: SessionRow,
  folder: string,
  prompts: readonly Prompt[],
): Promise<SessionDetail> {
  const { state } = memory;
  return {
    row,
    agent: state.agent,
    folder,
    prompts: [...prompts],
    queued_messages: state.outbox.map((m) => ({
      message_id: m.message_id,
      text: m.text,
      from: m.from,
      queued_at: new Date(m.queued_ms).toISOString(),
    })),
    attempts: state.attempts.map((a) => ({
      attempt: a.attempt,
      started_at: new Date(a.started_ms).toISOString(),
      ended_at: a.ended_ms === null ? null : new Date(a.ended_ms).toISOString(),
      end_reason: a.end_reason,
    })),
    last_entries: (await memory.transcript.readLast(LAST_ENTRIES)).lines.map((line) =>
      transcriptEntrySchema.parse(JSON.parse(line)),
    ),
  };
}

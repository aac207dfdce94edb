import { FilareError } from '../contract/errors.js';
import { AppendLog } from '../ledger/append-log.js';
import { TranscriptStore } from '../transcript/store.js';
import { firstState } from './apply.js';
import { readMemoryCheckpoint, sourcesFit, transcriptFits, type Checkpoint } from './memory-checkpoint.js';
import { sessionRecordSchema, type SessionRecord } from './record.js';
import { journalFile, sessionFiles } from './session-files.js';
import type { SessionState } from './state.js';

/** A session as it lies on disk, opened: where its memory begins, and the records of its ledger that come after. */
export interface StoredSession {
  readonly ledger: AppendLog;
  readonly store: TranscriptStore;
  /** State and time to begin with. */
  readonly state: SessionState;
  readonly time_ms: number;
  /** What the checkpoint remembers; null where all is told from the beginning. */
  readonly checkpoint: Checkpoint | null;
  readonly records: readonly SessionRecord[];
}

/**
 * Opens ledger and transcript of a session, with its checkpoint where that one fits them. A checkpoint that is damaged, of other code, ahead of
 * what is on disk, or of other files, is as good as none. Errors: `bad_state` for a ledger that is no session's, and those of AppendLog.
 */
export async function openStored(session_id: string, folder: string): Promise<StoredSession> {
  const files = sessionFiles(folder);
  const checkpoint = await readMemoryCheckpoint(files.checkpoint, 'this version');
  const resume =
    checkpoint !== null && (await transcriptFits(checkpoint, files.transcript)) ? checkpoint.transcript : undefined;
  const store = await TranscriptStore.open(files.transcript, { resume });
  try {
    if (checkpoint !== null && (await fits(checkpoint, session_id, folder, store))) {
      const { state, time_ms, ledger_bytes } = checkpoint;
      const { log, records } = await AppendLog.open(files.ledger, { parse: sessionRecordSchema, from: ledger_bytes });
      return { ledger: log, store, state, time_ms, checkpoint, records };
    }
    const { log, records } = await AppendLog.open(files.ledger, { parse: sessionRecordSchema });
    const first = records[0];
    if (first?.fact.type !== 'created') {
      await log.close();
      throw noSession(session_id, files.ledger);
    }
    const state = firstState(session_id, first.fact, first.time_ms);
    return { ledger: log, store, state, time_ms: first.time_ms, checkpoint: null, records };
  } catch (failure) {
    await store.close();
    throw failure;
  }
}

async function fits(
  checkpoint: Checkpoint,
  session_id: string,
  folder: string,
  store: TranscriptStore,
): Promise<boolean> {
  // What the checkpoint has told and the transcript has lost is told again, from the beginning.
  if (checkpoint.session_id !== session_id || checkpoint.narrator.seq > store.last_seq) return false;
  return sourcesFit(checkpoint, sessionFiles(folder).ledger, journalFile(folder, checkpoint.state.attempt));
}

function noSession(session_id: string, ledger: string): FilareError {
  return new FilareError({
    code: 'bad_state',
    message: `the ledger of session ${session_id} does not begin as a session's does: ${ledger}`,
    hint: 'move its folder out of outputs/agents; nothing else depends on it',
  });
}

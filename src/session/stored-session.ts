import { FilareError } from '../contract/errors.js';
import { startOfData } from '../channel/journal-room.js';
import { AppendLog } from '../ledger/append-log.js';
import type { LogIo } from '../ledger/log-file.js';
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
 * Opens ledger and transcript of a session, with its checkpoint, or the base that its last rotation left, where that fits them. One that is damaged, of
 * other code, ahead of what is on disk, or of other files, is as good as none. Errors: `bad_state` for a ledger that is no session's, and for
 * a session of whose journal some was given back when neither fits; those of AppendLog.
 */
export async function openStored(session_id: string, folder: string, io?: LogIo): Promise<StoredSession> {
  const files = sessionFiles(folder);
  const latest = await readMemoryCheckpoint(files.checkpoint, 'this version');
  const resume = latest !== null && (await transcriptFits(latest, files.transcript)) ? latest.transcript : undefined;
  const store = await TranscriptStore.open(files.transcript, { resume }, io);
  try {
    // What an older version remembered at a rotation is gone on from as it is: the entries before it are not told again either.
    const base = await readMemoryCheckpoint(files.base, 'any version');
    for (const checkpoint of [latest, base]) {
      if (checkpoint === null || !(await fits(checkpoint, session_id, folder, store))) continue;
      const { time_ms, ledger_bytes } = checkpoint;
      const { log, records } = await AppendLog.open(
        files.ledger,
        { parse: sessionRecordSchema, from: ledger_bytes },
        io,
      );
      return { ledger: log, store, state: completed(checkpoint), time_ms, checkpoint, records };
    }
    return await fromBeginning(session_id, folder, store, io);
  } catch (failure) {
    await store.close();
    throw failure;
  }
}

async function fromBeginning(
  session_id: string,
  folder: string,
  store: TranscriptStore,
  io?: LogIo,
): Promise<StoredSession> {
  const files = sessionFiles(folder);
  const { log, records } = await AppendLog.open(files.ledger, { parse: sessionRecordSchema }, io);
  const [first] = records;
  const is_given_back = await wasGivenBack(records, folder);
  if (first?.fact.type !== 'created' || is_given_back) {
    await log.close();
    throw is_given_back ? cannotBeTold(session_id, files.base) : noSession(session_id, files.ledger);
  }
  const state = firstState(session_id, first.fact, first.time_ms);
  return { ledger: log, store, state, time_ms: first.time_ms, checkpoint: null, records };
}

/** A record that says so is not enough: where the disk could not be given back, the journal is whole. */
async function wasGivenBack(records: readonly SessionRecord[], folder: string): Promise<boolean> {
  const attempts = records.flatMap(({ fact }) =>
    fact.type === 'journal_given_back' ? fact.journals.map((journal) => journal.attempt) : [],
  );
  for (const attempt of new Set(attempts)) {
    const start = await startOfData(journalFile(folder, attempt)).catch(() => 1);
    if (start > 0) return true;
  }
  return false;
}

/** With what a newer version knows of a session beyond what was stored. */
function completed({ session_id, state }: Checkpoint): SessionState {
  const { agent, rehearsal, started_ms } = state;
  const first = firstState(session_id, { type: 'created', agent, rehearsal, by: '' }, started_ms);
  const outbox = state.outbox.map((message) => Object.assign({ accepted_by: null }, message));
  return { ...first, ...state, outbox, raised: { ...first.raised, ...state.raised } };
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

function cannotBeTold(session_id: string, base: string): FilareError {
  return new FilareError({
    code: 'bad_state',
    message: `what session ${session_id} was cannot be told again: the disk of its journal was given back after a rotation, and ${base} is missing, damaged, or not of this ledger and transcript`,
    hint: 'its transcript can still be read; bring back a good copy of the session folder to go on with it',
  });
}

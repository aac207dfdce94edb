import { join } from 'node:path';
import { attemptFolder } from './attempt-folder.js';

/** Files of a session, beside its attempts. */
export interface SessionFiles {
  readonly ledger: string;
  readonly transcript: string;
  /** What it is now, for people and for `list`. */
  readonly state: string;
  /** What it remembers, to go on from. */
  readonly checkpoint: string;
  /** The same, as it was at the last rotation: never removed while the session is kept. */
  readonly base: string;
  /** Of a fork: the records of the threads that it goes on from. */
  readonly forked: string;
}

/** Where the files of a session are. */
export function sessionFiles(folder: string): SessionFiles {
  return {
    ledger: join(folder, 'ledger.jsonl'),
    transcript: join(folder, 'transcript.jsonl'),
    state: join(folder, 'state.json'),
    checkpoint: join(folder, 'checkpoint.jsonl'),
    base: join(folder, 'base.jsonl'),
    forked: join(folder, 'forked'),
  };
}

/** Where the journal of an attempt is. */
export function journalFile(folder: string, attempt: number): string {
  return join(attemptFolder(folder, attempt).folder, 'journal', 'out');
}

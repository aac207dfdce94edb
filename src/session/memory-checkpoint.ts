import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { readFile, stat } from 'node:fs/promises';
import { z } from 'zod';
import type { AgentItem } from '../contract/agent-event.js';
import type { Piece } from '../contract/transcript.js';
import { replaceFile } from '../ledger/replace-file.js';
import { tailMark } from '../ledger/tail-mark.js';
import type { NarratorSnapshot } from '../transcript/narrate.js';
import type { StoreSnapshot } from '../transcript/store.js';
import type { SessionState } from './state.js';

/** Another number means: what is stored reads differently. Goes up with every change that `Remembered` or a part of it does not survive. */
export const CHECKPOINT_FORMAT = 1;

/** Everything a session's memory holds after some record of its ledger and some byte of its journal. */
export interface Remembered {
  readonly session_id: string;
  /** Records of the ledger that were applied, and where the last of them ends, in bytes. */
  readonly records: number;
  readonly ledger_bytes: number;
  /** How far the journal of `state.attempt` was taken in, in bytes; and those of the attempts before it, by attempt. */
  readonly offset: number;
  readonly ends: Readonly<Record<string, number>>;
  readonly time_ms: number;
  readonly state: SessionState;
  readonly narrator: NarratorSnapshot;
  readonly pieces: readonly Piece[];
  readonly changes: readonly AgentItem[];
  readonly transcript: StoreSnapshot;
  /** Lines of the transcript whose checksum stands in the project's ledger. */
  readonly sealed_lines: number;
}

/** What was remembered, and marks by which the files are known again. */
export interface Checkpoint extends Remembered {
  readonly ledger_mark: string | null;
  readonly transcript_mark: string | null;
}

const headSchema = z.object({ format: z.literal(CHECKPOINT_FORMAT), version: z.string(), sha256: z.string() });
/** Not looked at in detail: by their checksum they are the very bytes that this code wrote. */
const bodySchema = z.custom<Checkpoint>((value) => typeof value === 'object' && value !== null);

/** The version of the code that folds records and lines; another one may fold them otherwise. */
const CODE_VERSION = z
  .object({ version: z.string() })
  .parse(JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8'))).version;

/** Makes a checkpoint of what was remembered; the ledger and transcript it speaks of may have grown since. */
export async function toCheckpoint(
  remembered: Remembered,
  files: { readonly ledger: string; readonly transcript: string },
): Promise<Checkpoint> {
  const ledger_mark = await tailMark(files.ledger, remembered.ledger_bytes);
  const transcript_mark = await tailMark(files.transcript, remembered.transcript.active.bytes);
  return { ...remembered, ledger_mark, transcript_mark };
}

/** Puts a checkpoint at `path`; `durable`: it is on the disk when this resolves. */
export async function writeMemoryCheckpoint(path: string, checkpoint: Checkpoint, durable: boolean): Promise<void> {
  const body = JSON.stringify(checkpoint);
  const head = JSON.stringify({ format: CHECKPOINT_FORMAT, version: CODE_VERSION, sha256: hash(body) });
  await replaceFile(path, `${head}\n${body}\n`, durable);
}

/** The checkpoint at `path`; null where there is none that is whole and of this format, and of this version of the code unless any will do. */
export async function readMemoryCheckpoint(
  path: string,
  versions: 'this version' | 'any version',
): Promise<Checkpoint | null> {
  try {
    const [first = '', body = ''] = (await readFile(path, 'utf8')).split('\n');
    const head = headSchema.parse(JSON.parse(first));
    if (versions === 'this version' && head.version !== CODE_VERSION) return null;
    return hash(body) === head.sha256 ? bodySchema.parse(JSON.parse(body)) : null;
  } catch {
    return null;
  }
}

/** Whether more of the attempt's journal is going to be read: until it has ended, unless somebody cut, replaced or removed it. */
function readsJournal({ stage, attempt, journal_lost_in }: Checkpoint['state']): boolean {
  return ['starting', 'running', 'stopping'].includes(stage.phase) && journal_lost_in !== attempt;
}

/** Whether ledger and journal are those of the checkpoint, grown or not. */
export async function sourcesFit(checkpoint: Checkpoint, ledger: string, journal: string): Promise<boolean> {
  if (checkpoint.ledger_mark === null) return false;
  if ((await tailMark(ledger, checkpoint.ledger_bytes)) !== checkpoint.ledger_mark) return false;
  if (checkpoint.offset === 0 || !readsJournal(checkpoint.state)) return true;
  const bytes = await stat(journal).then(
    ({ size }) => size,
    () => 0,
  );
  return bytes >= checkpoint.offset;
}

/** Whether the active file of the transcript is that of the checkpoint, grown or not. */
export async function transcriptFits(checkpoint: Checkpoint, transcript: string): Promise<boolean> {
  const mark = await tailMark(transcript, checkpoint.transcript.active.bytes);
  return mark !== null && mark === checkpoint.transcript_mark;
}

function hash(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}

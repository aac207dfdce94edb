import type { EntryHead } from './entry-head.js';

/** An entry as it was found. The bytes are valid only while it is looked at. */
export interface FoundEntry {
  readonly head: EntryHead;
  readonly bytes: Buffer;
}

/** Which entries of a part are wanted. */
export interface Wanted {
  /** Seq after which they begin. */
  readonly after: number;
  /** Runs of entries that are all older may be left out; milliseconds since the epoch. */
  readonly since_ms?: number;
  /** What lies further than this from the end of the part may be left out, in bytes. */
  readonly most_bytes?: number;
}

/** A run of entries of one transcript in one file. */
export interface Part {
  /** Seq of its first entry and of its last one; 0 where it has none. */
  readonly first_seq: number;
  readonly last_seq: number;
  /** Shows the wanted entries in order, and perhaps some older ones, until it is told to stop. Rejects with `ended` where the file is gone. */
  scan(wanted: Wanted, visit: (entry: FoundEntry) => 'go on' | 'stop'): Promise<'done' | 'stopped'>;
}

import type { AgentEvent } from '../contract/agent-event.js';
import type { Piece, TranscriptEntry } from '../contract/transcript.js';

/** What a change of a session tells those who watch it. Entries are on disk already. */
export interface SessionNews {
  readonly entries: readonly TranscriptEntry[];
  /** The same entries as they stand in the file, without newline. */
  readonly lines: readonly string[];
  /** Pieces of one item that came one after the other are one. */
  readonly pieces: readonly Piece[];
  /** For each entry, how many of the pieces came before it. */
  readonly pieces_before: readonly number[];
  readonly events: readonly AgentEvent[];
}

/** Something changed that is in no entry: look again. */
export const NO_NEWS: SessionNews = { entries: [], lines: [], pieces: [], pieces_before: [], events: [] };

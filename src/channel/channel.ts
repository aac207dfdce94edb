/**
 * Bytes to and from one attempt: a FIFO in, a file out (docs/decisions/transport.md). One interface, so that a second way can be added
 * and pass the same contract suite.
 *
 * Contract:
 * - what Codex wrote is in the journal, exactly, whoever reads or not; a byte offset says what has been read; reading twice gives the same;
 * - there is one writer; lines are written whole, in order, ASCII only (other characters as \uXXXX), and begin with an empty line after opening;
 * - what waits unsent is bounded (MAX_UNSENT_BYTES, MAX_UNSENT_LINES): past it `write` rejects with `limit_exceeded`; it never blocks the process;
 * - a line longer than MAX_LINE_BYTES is delivered cut, marked with its full length, and what follows it is read as usual;
 * - closing rejects every pending write and ends every reader; closing twice is harmless.
 */

/** A journal line longer than this is delivered cut to PREVIEW_BYTES. */
export const MAX_LINE_BYTES = 16 * 1024 * 1024;
/** What is kept of a line that was too long. */
export const PREVIEW_BYTES = 64 * 1024;
/** A line that we send may be this long; Codex itself refuses input above 1,048,576 characters. */
export const MAX_SEND_BYTES = 4 * 1024 * 1024;
/** Bytes that may wait for an agent that does not read. */
export const MAX_UNSENT_BYTES = 8 * 1024 * 1024;
/** Lines that may wait for an agent that does not read. */
export const MAX_UNSENT_LINES = 256;

/** One line of the journal. */
export interface JournalLine {
  /** Byte offset of its first byte. */
  readonly offset: number;
  /** Byte offset after its newline: where reading goes on. */
  readonly end: number;
  /** The text without its newline; of a line that was too long or not UTF-8, a readable preview. */
  readonly text: string;
  readonly damage: 'none' | 'too_long' | 'not_utf8';
}

/** The bytes Codex wrote. */
export interface JournalReader {
  /**
   * Batches of complete lines from byte `from` on, as they are written; back-pressure by awaiting. Without `follow` it ends at the present end of the file.
   * A journal that shrank or was replaced is reported by throwing FilareError('bad_state') with details {expected, found}.
   */
  read(options: {
    readonly from: number;
    readonly follow: boolean;
    readonly signal: AbortSignal;
  }): AsyncIterable<readonly JournalLine[]>;
}

/** The way in. */
export interface ChannelWriter {
  /** Resolves when the line is in the pipe. The text must be JSON without newlines (or a bootstrap line). */
  write(line: string): Promise<void>;
  /** Bytes and lines that wait for the agent to read. */
  readonly unsent: { readonly bytes: number; readonly lines: number };
  close(): Promise<void>;
}

/** Where an attempt's files are. All absolute. */
export interface ChannelPaths {
  /** Not mounted: in, out, err. */
  readonly journal_folder: string;
  /** Mounted at /io: hard links of the three, removed by the container's entry. */
  readonly io_folder: string;
  readonly in: string;
  readonly out: string;
  readonly err: string;
}

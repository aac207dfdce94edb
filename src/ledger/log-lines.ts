import type { LogHandle } from './log-file.js';

const NEWLINE = 0x0a;
const CHUNK_BYTES = 1024 * 1024;

/** One complete line of a log: its bytes without the newline, and where it begins. The bytes are valid only while it is looked at. */
export interface LogLine {
  readonly bytes: Buffer;
  readonly offset: number;
}

/** The part of a log that is read, in bytes; `from` must be the beginning of a line. */
export interface LogRange {
  readonly from: number;
  readonly to: number;
  readonly signal?: AbortSignal | undefined;
  /** Read at once; 1 MiB when absent. */
  readonly chunk_bytes?: number;
}

/** Shows every complete line of the range to `visit`, in order, until it answers 'stop'. Holds one chunk and one line. */
export async function eachLine(
  file: Pick<LogHandle, 'read'>,
  range: LogRange,
  visit: (line: LogLine) => 'go on' | 'stop',
): Promise<void> {
  const chunk = Buffer.allocUnsafeSlow(Math.max(1, Math.min(range.chunk_bytes ?? CHUNK_BYTES, range.to - range.from)));
  let held: Buffer[] = [];
  let start = range.from;
  for (let at = range.from; at < range.to;) {
    range.signal?.throwIfAborted();
    const { bytesRead } = await file.read(chunk, 0, Math.min(chunk.length, range.to - at), at);
    if (bytesRead === 0) return;
    at += bytesRead;
    const read = chunk.subarray(0, bytesRead);
    let from = 0;
    for (let to = read.indexOf(NEWLINE); to !== -1; from = to + 1, to = read.indexOf(NEWLINE, from)) {
      const rest = read.subarray(from, to);
      const bytes = held.length === 0 ? rest : Buffer.concat([...held, rest]);
      held = [];
      if (visit({ bytes, offset: start }) === 'stop') return;
      start += bytes.length + 1;
    }
    if (from < read.length) held.push(Buffer.from(read.subarray(from)));
  }
}

import { z } from 'zod';

/** What places an entry: its number, and its time as RFC 3339 UTC with milliseconds (so that times sort as text). */
export interface EntryHead {
  readonly seq: number;
  readonly timestamp: string;
}

const HEAD_BYTES = 80;
const WRITTEN_FIRST = /^\{"seq":([1-9]\d{0,15}),"timestamp":"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z)"/;
const headSchema = z.object({ seq: z.number().int().positive(), timestamp: z.string() });

/** Reads the head of a stored line; quick where `seq` and `timestamp` come first, as in an entry that was made in the schema's order. */
export function readHead(line: string | Buffer): EntryHead | undefined {
  const start = typeof line === 'string' ? line.slice(0, HEAD_BYTES) : line.toString('latin1', 0, HEAD_BYTES);
  const [, seq, timestamp] = WRITTEN_FIRST.exec(start) ?? [];
  if (seq !== undefined && timestamp !== undefined) return { seq: Number(seq), timestamp };
  try {
    const head = headSchema.safeParse(JSON.parse(line.toString()));
    return head.success ? { seq: head.data.seq, timestamp: new Date(head.data.timestamp).toISOString() } : undefined;
  } catch {
    return undefined;
  }
}

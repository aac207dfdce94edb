import { createReadStream } from 'node:fs';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { createGunzip } from 'node:zlib';
import { FilareError } from '../contract/errors.js';
import { transcriptEntrySchema, type TranscriptEntry } from '../contract/transcript.js';

/** A file of a transcript, whole or packed: `transcript.jsonl`, and the segments that were rotated away before it. */
const TRANSCRIPT = /^transcript.*\.jsonl(?:\.gz)?$/;
/** Only such lines are parsed: most of a transcript is something else. */
const PROMPT_OR_DECISION = /"kind":\s*"(?:prompt|decision)"/;
/** A longer line is none of a transcript. */
const MAX_LINE_BYTES = 16 * 1024 * 1024;

/** Prompts and decisions of a project's past, and how many lines of its transcripts could not be read. */
export interface PastEntries {
  readonly entries: readonly TranscriptEntry[];
  readonly damaged: number;
}

/** Reads the prompts and decisions in all transcripts below `outputs/agents`, from `since` (RFC 3339) on. No transcripts: no entries. */
export async function readPastEntries(
  outputs: string,
  options: { readonly since?: string | undefined; readonly signal: AbortSignal },
): Promise<PastEntries> {
  const from_ms = options.since === undefined ? -Infinity : Date.parse(options.since);
  const entries: TranscriptEntry[] = [];
  let damaged = 0;
  for (const file of await transcriptFiles(outputs)) {
    try {
      await eachLine(file, options.signal, (line) => {
        if (!PROMPT_OR_DECISION.test(line)) return;
        const entry = readEntry(line);
        if (entry === null) damaged += 1;
        else if (Date.parse(entry.timestamp) >= from_ms) entries.push(entry);
      });
    } catch (cause) {
      if (!isDamage(cause)) throw failure(file, cause);
      damaged += 1;
    }
  }
  return { entries: entries.sort((a, b) => Date.parse(a.timestamp) - Date.parse(b.timestamp)), damaged };
}

async function transcriptFiles(outputs: string): Promise<string[]> {
  const files: string[] = [];
  for (const role of await foldersIn(outputs)) {
    for (const session of await foldersIn(role)) {
      const names = (await readdir(session)).filter((name) => TRANSCRIPT.test(name));
      files.push(...names.sort().map((name) => join(session, name)));
    }
  }
  return files;
}

async function foldersIn(folder: string): Promise<string[]> {
  try {
    const found = await readdir(folder, { withFileTypes: true });
    return found.filter((entry) => entry.isDirectory()).map((entry) => join(folder, entry.name));
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return [];
    throw failure(folder, error);
  }
}

async function eachLine(file: string, signal: AbortSignal, visit: (line: string) => void): Promise<void> {
  let held: Buffer[] = [];
  let held_bytes = 0;
  const source = createReadStream(file);
  const split = async (chunks: AsyncIterable<Buffer>): Promise<void> => {
    for await (const chunk of chunks) {
      let from = 0;
      for (let to = chunk.indexOf(0x0a); to !== -1; from = to + 1, to = chunk.indexOf(0x0a, from)) {
        if (held_bytes <= MAX_LINE_BYTES) visit(Buffer.concat([...held, chunk.subarray(from, to)]).toString('utf8'));
        held = [];
        held_bytes = 0;
      }
      held_bytes += chunk.length - from;
      if (held_bytes > MAX_LINE_BYTES) held = [];
      else held.push(Buffer.from(chunk.subarray(from)));
    }
  };
  if (file.endsWith('.gz')) await pipeline(source, createGunzip(), split, { signal });
  else await pipeline(source, split, { signal });
}

function readEntry(line: string): TranscriptEntry | null {
  try {
    const found = transcriptEntrySchema.safeParse(JSON.parse(line));
    return found.success ? found.data : null;
  } catch {
    return null;
  }
}

/** A packed segment that is torn or was changed. */
function isDamage(error: unknown): boolean {
  return codeOf(error)?.startsWith('Z_') === true;
}

function failure(path: string, cause: unknown): unknown {
  if (codeOf(cause) === undefined || codeOf(cause) === 'ABORT_ERR') return cause;
  return new FilareError({
    code: 'unexpected',
    message: `cannot read ${path}: ${codeOf(cause) ?? ''}`,
    hint: 'transcripts must be readable by you',
    cause,
  });
}

function codeOf(error: unknown): string | undefined {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : undefined;
}

import { constants, createReadStream } from 'node:fs';
import { open, stat, type FileHandle } from 'node:fs/promises';
import type { Readable } from 'node:stream';
import { createGunzip } from 'node:zlib';

import { FilareError } from '../contract/errors.js';
import { listSegments, segmentPaths } from './segment-files.js';

const NEWLINE = 0x0a;
const TRIES = 10;

/** A line of a transcript as it lies on disk, without its newline. */
export interface TranscriptLine {
  readonly bytes: Buffer;
  readonly file: string;
  /** Within its file, from 1. */
  readonly line: number;
}

/**
 * Every complete line of the transcript at `path`, segments first, as it is at this moment: changes nothing, and may run beside the daemon that writes it. What
 * follows the last newline is no line. `bad_state` for a segment that cannot be unpacked, `not_found` where there is no transcript.
 */
export async function* transcriptLines(path: string): AsyncGenerator<TranscriptLine> {
  const { active, segments } = await openWhole(path);
  try {
    for (const n of segments) {
      const paths = segmentPaths(path, n);
      // A plain part may be compressed and gone in the moment in which it was to be opened.
      const plain = await openOrNull(paths.plain);
      if (plain !== null) yield* linesFrom(plain.createReadStream(), paths.plain);
      else yield* unpacked(paths.gz);
    }
    if (active === null) return;
    const { size } = await active.stat();
    if (size > 0) yield* linesFrom(active.createReadStream({ start: 0, end: size - 1, autoClose: false }), path);
  } finally {
    await active?.close();
  }
}

/** The active file, open, and the segments that came before exactly that one. */
async function openWhole(
  path: string,
): Promise<{ readonly active: FileHandle | null; readonly segments: readonly number[] }> {
  for (let tries = 1; ; tries += 1) {
    const active = await openOrNull(path);
    const { segments } = await listSegments(path);
    const now = await stat(path).catch(() => null);
    const same = (await active?.stat())?.ino === now?.ino;
    if (same || tries === TRIES) {
      if (active === null && segments.length === 0) {
        throw new FilareError({ code: 'not_found', message: `there is no transcript at ${path}` });
      }
      return { active, segments: segments.map(({ n }) => n) };
    }
    // It was rotated between the two looks.
    await active?.close();
  }
}

async function openOrNull(path: string): Promise<FileHandle | null> {
  try {
    return await open(path, constants.O_RDONLY | constants.O_NOFOLLOW);
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return null;
    throw error;
  }
}

async function* unpacked(path: string): AsyncGenerator<TranscriptLine> {
  const packed = createReadStream(path);
  const text = createGunzip();
  packed.on('error', (error) => text.destroy(error));
  packed.pipe(text);
  try {
    yield* linesFrom(text, path);
  } catch (cause) {
    throw new FilareError({
      code: 'bad_state',
      message: `the segment ${path} is damaged: ${cause instanceof Error ? cause.message : String(cause)}`,
      hint: 'bring back a good copy of it',
      cause,
    });
  } finally {
    packed.destroy();
  }
}

async function* linesFrom(stream: Readable, file: string): AsyncGenerator<TranscriptLine> {
  let held: Buffer[] = [];
  let line = 0;
  for await (const chunk of stream) {
    const bytes = chunk as Buffer;
    let from = 0;
    for (let to = bytes.indexOf(NEWLINE); to !== -1; from = to + 1, to = bytes.indexOf(NEWLINE, from)) {
      const rest = bytes.subarray(from, to);
      line += 1;
      yield { bytes: held.length === 0 ? rest : Buffer.concat([...held, rest]), file, line };
      held = [];
    }
    if (from < bytes.length) held.push(bytes.subarray(from));
  }
}

import { isUtf8 } from 'node:buffer';

import { FilareError } from '../contract/errors.js';
import type { LogHandle } from './log-file.js';

const NEWLINE = 0x0a;
const BRACE = 0x7b;
const CLOSING_BRACE = 0x7d;
const FIRST_LOOK_BYTES = 64 * 1024;
/** A crash tears no more than the last write; when more than this is bad, something else happened and nothing is cut. */
export const MAX_TAIL_BYTES = 64 * 1024 * 1024;

/**
 * Where the last good record of a log ends (0: there is none): everything after it is what a crash left of a write that nobody was told had
 * succeeded. Looks only at the end of the file. `bad_state` when the file is too damaged to be a log that a crash cut short: then
 * nothing may be cut from it.
 */
export async function endOfLastRecord(file: Pick<LogHandle, 'read'>, size: number, path: string): Promise<number> {
  for (let look = FIRST_LOOK_BYTES; ; look *= 4) {
    const from = Math.max(0, size - look);
    const bytes = await readFully(file, from, size - from);
    const end = lastGoodEnd(bytes, from === 0);
    if (end !== undefined) return from + end;
    if (from > 0 && look < MAX_TAIL_BYTES) continue;
    // A torn first write has no newline, or zeros where its beginning was to be.
    if (from === 0 && (!bytes.includes(NEWLINE) || bytes.includes(0))) return 0;
    throw new FilareError({
      code: 'bad_state',
      message: `${path} is damaged: no record could be found in its last ${size - from} bytes`,
      hint: 'nothing was changed; move the file away, or bring back a good copy of it',
      details: { bytes: size },
    });
  }
}

/** End of the last good line within `bytes`; `undefined` when there is none, or its beginning cannot be seen. */
function lastGoodEnd(bytes: Buffer, seesBeginning: boolean): number | undefined {
  let end = bytes.lastIndexOf(NEWLINE) + 1;
  while (end > 0) {
    const before = end >= 2 ? bytes.lastIndexOf(NEWLINE, end - 2) : -1;
    if (before === -1 && !seesBeginning) return undefined;
    if (isRecord(bytes.subarray(before + 1, end - 1))) return end;
    end = before + 1;
  }
  return bytes.length === 0 ? 0 : undefined;
}

function isRecord(line: Buffer): boolean {
  // An object, or not worth parsing: a refusal by JSON.parse is slow.
  if (line[0] !== BRACE || line.at(-1) !== CLOSING_BRACE || !isUtf8(line)) return false;
  try {
    JSON.parse(line.toString('utf8'));
    return true;
  } catch {
    return false;
  }
}

async function readFully(file: Pick<LogHandle, 'read'>, from: number, length: number): Promise<Buffer> {
  const bytes = Buffer.alloc(length);
  let done = 0;
  while (done < length) {
    const { bytesRead } = await file.read(bytes, done, length - done, from + done);
    if (bytesRead === 0) return bytes.subarray(0, done);
    done += bytesRead;
  }
  return bytes;
}

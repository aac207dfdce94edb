import { open, rename, rm, stat } from 'node:fs/promises';
import { dirname } from 'node:path';
import { promisify } from 'node:util';
import { constants, gzip } from 'node:zlib';

import { replaceFile, syncFolder } from '../ledger/replace-file.js';
import { readHead } from './entry-head.js';
import { EntryOrder } from './entry-order.js';
import { linesOf } from './gz-part.js';
import { nextLink, type ChainHead } from './line-chain.js';
import type { SegmentIndex } from './segment-files.js';
import { timeOf } from './seq-index.js';

/** Text of one gzip member, in bytes, or one line where that is longer: what reading an entry has to unpack. */
export const MEMBER_BYTES = 1024 * 1024;
const NEWLINE = 0x0a;

/** Called before each step, so that a test can end the process there. */
export type BeforeStep = (step: string) => void;

/**
 * Compresses a closed part. When it resolves, segment and index are whole and on the disk, and the plain file is still there: reading takes either. May be
 * called again after a crash at any point. Holds one member.
 */
export async function compressPart(
  paths: { readonly plain: string; readonly gz: string; readonly index: string },
  begin: { readonly before: number | undefined; readonly chain: ChainHead },
  options: { readonly signal: AbortSignal; readonly before_step?: BeforeStep | undefined },
): Promise<SegmentIndex> {
  const step = options.before_step ?? (() => undefined);
  const half = `${paths.gz}.tmp`;
  step('compress');
  const index = await write(paths.plain, half, begin, options.signal);
  step('write the index');
  await replaceFile(paths.index, `${JSON.stringify(index)}\n`, true);
  step('name the segment');
  await rename(half, paths.gz);
  await syncFolder(dirname(paths.gz));
  return index;
}

async function write(
  plain: string,
  half: string,
  begin: { readonly before: number | undefined; readonly chain: ChainHead },
  signal: AbortSignal,
): Promise<SegmentIndex> {
  const members: [number, number, number, number][] = [];
  let first_seq = 0;
  let last_seq = begin.before ?? 0;
  let latest_ms = 0;
  const order = new EntryOrder(begin.before, (head) => {
    if (first_seq === 0) first_seq = head.seq;
    last_seq = head.seq;
    latest_ms = Math.max(latest_ms, timeOf(head));
  });
  let { lines, link } = begin.chain;
  let gz_bytes = 0;
  let text_offset = 0;
  await rm(half, { force: true });
  const out = await open(half, 'wx', 0o600);
  try {
    for await (const text of membersOf(plain, (await stat(plain)).size)) {
      signal.throwIfAborted();
      const before = last_seq;
      latest_ms = 0;
      for (const { bytes, offset } of linesOf(text)) {
        order.see({ head: readHead(bytes), offset: text_offset + offset, line: (lines += 1) });
        link = nextLink(link, bytes);
      }
      members.push([before + 1, gz_bytes, text_offset, latest_ms === 0 ? Number.MAX_SAFE_INTEGER : latest_ms]);
      const packed = await promisify(gzip)(text, { level: constants.Z_DEFAULT_COMPRESSION });
      await out.writeFile(packed);
      gz_bytes += packed.length;
      text_offset += text.length;
    }
    order.finish();
    await out.sync();
  } catch (error) {
    await rm(half, { force: true });
    throw error;
  } finally {
    await out.close();
  }
  const skipped = [...order.skipped];
  return {
    format: 1,
    first_seq: first_seq === 0 ? last_seq : first_seq,
    last_seq,
    gz_bytes,
    chain_before: begin.chain,
    chain: { lines, link },
    members,
    skipped,
  };
}

/** The text of the file in pieces of about MEMBER_BYTES, each whole lines. */
async function* membersOf(path: string, size: number): AsyncGenerator<Buffer> {
  const file = await open(path, 'r');
  try {
    let held = Buffer.alloc(0);
    for (let at = 0; at < size;) {
      const chunk = Buffer.allocUnsafe(Math.min(MEMBER_BYTES, size - at));
      const { bytesRead } = await file.read(chunk, 0, chunk.length, at);
      if (bytesRead === 0) break;
      at += bytesRead;
      held = held.length === 0 ? chunk.subarray(0, bytesRead) : Buffer.concat([held, chunk.subarray(0, bytesRead)]);
      const end = held.lastIndexOf(NEWLINE) + 1;
      if (end < MEMBER_BYTES && at < size) continue;
      yield held.subarray(0, end);
      held = held.subarray(end);
    }
    if (held.length > 0 && held.includes(NEWLINE)) yield held.subarray(0, held.lastIndexOf(NEWLINE) + 1);
  } finally {
    await file.close();
  }
}

import { constants } from 'node:fs';
import { open, stat } from 'node:fs/promises';
import { promisify } from 'node:util';
import { gunzip } from 'node:zlib';

import { FilareError } from '../contract/errors.js';
import { readHead } from './entry-head.js';
import { EntryOrder } from './entry-order.js';
import { nextLink, type ChainHead } from './line-chain.js';
import type { FoundEntry, Part, Wanted } from './part.js';
import { readSegmentIndex, type SegmentIndex } from './segment-files.js';

const NEWLINE = 0x0a;
/** Text of one member is never more than this, in bytes; of a segment whose index is lost, all of it. */
const MAX_MEMBER_BYTES = 1024 * 1024 * 1024;

/** A compressed segment of a transcript: read member by member, from the one on that holds what is wanted. */
export class GzPart implements Part {
  readonly path: string;
  readonly #index: SegmentIndex;
  readonly #skipped: ReadonlySet<number>;

  constructor(path: string, index: SegmentIndex) {
    this.path = path;
    this.#index = index;
    this.#skipped = new Set(index.skipped);
  }

  /** Opens a segment; where its index is lost, it is read once to make it again, in memory. */
  static async open(
    path: string,
    index_path: string,
    begin: { readonly before: number | undefined; readonly chain: ChainHead },
  ): Promise<GzPart> {
    const { size } = await stat(path);
    return new GzPart(path, (await readSegmentIndex(index_path, size)) ?? (await indexAgain(path, size, begin)));
  }

  get first_seq(): number {
    return this.#index.first_seq;
  }

  get last_seq(): number {
    return this.#index.last_seq;
  }

  /** The chain of checksums after its last line. */
  get chain(): ChainHead {
    return this.#index.chain;
  }

  async scan(wanted: Wanted, visit: (entry: FoundEntry) => 'go on' | 'stop'): Promise<'done' | 'stopped'> {
    const { after, since_ms = 0, most_bytes = Number.MAX_SAFE_INTEGER } = wanted;
    const { members, gz_bytes } = this.#index;
    const end = members.at(-1)?.[2] ?? 0;
    const first = Math.max(
      0,
      members.findLastIndex(([seq]) => seq <= after + 1),
    );
    for (let at = first; at < members.length; at += 1) {
      const [, offset = 0, text_offset = 0, latest_ms = 0] = members[at] ?? [];
      // The last member is counted with it, so that no less than `most_bytes` is shown.
      if (latest_ms < since_ms || (members[at + 1]?.[2] ?? end) < end - most_bytes) continue;
      const text = await readMember(this.path, offset, members[at + 1]?.[1] ?? gz_bytes);
      for (const line of linesOf(text)) {
        if (this.#skipped.has(text_offset + line.offset)) continue;
        const head = readHead(line.bytes);
        if (head === undefined || head.seq <= after) continue;
        if (visit({ head, bytes: line.bytes }) === 'stop') return 'stopped';
      }
    }
    return 'done';
  }
}

/** The lines of a text that ends with a newline. */
export function* linesOf(text: Buffer): Generator<{ readonly bytes: Buffer; readonly offset: number }> {
  let from = 0;
  for (let to = text.indexOf(NEWLINE); to !== -1; from = to + 1, to = text.indexOf(NEWLINE, from)) {
    yield { bytes: text.subarray(from, to), offset: from };
  }
}

async function readMember(path: string, from: number, to: number): Promise<Buffer> {
  const file = await open(path, constants.O_RDONLY | constants.O_NOFOLLOW).catch((error: unknown) => {
    const isGone = error instanceof Error && 'code' in error && error.code === 'ENOENT';
    throw isGone ? new FilareError({ code: 'ended', message: `${path} is gone`, cause: error }) : error;
  });
  try {
    const bytes = Buffer.alloc(to - from);
    const { bytesRead } = await file.read(bytes, 0, bytes.length, from);
    return await promisify(gunzip)(bytes.subarray(0, bytesRead), { maxOutputLength: MAX_MEMBER_BYTES });
  } catch (cause) {
    throw new FilareError({
      code: 'bad_state',
      message: `the segment ${path} is damaged: ${cause instanceof Error ? cause.message : String(cause)}`,
      hint: 'bring back a good copy of it; the other segments can be read',
      cause,
    });
  } finally {
    await file.close();
  }
}

async function indexAgain(
  path: string,
  gz_bytes: number,
  begin: { readonly before: number | undefined; readonly chain: ChainHead },
): Promise<SegmentIndex> {
  let first_seq = 0;
  let last_seq = 0;
  const order = new EntryOrder(begin.before, ({ seq }) => {
    if (first_seq === 0) first_seq = seq;
    last_seq = seq;
  });
  let { lines, link } = begin.chain;
  for (const { bytes, offset } of linesOf(await readMember(path, 0, gz_bytes))) {
    order.see({ head: readHead(bytes), offset, line: (lines += 1) });
    link = nextLink(link, bytes);
  }
  order.finish();
  return {
    format: 1,
    first_seq,
    last_seq,
    gz_bytes,
    chain_before: begin.chain,
    chain: { lines, link },
    members: [[first_seq, 0, 0, Number.MAX_SAFE_INTEGER]],
    skipped: [...order.skipped],
  };
}

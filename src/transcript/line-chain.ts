import { createHash } from 'node:crypto';

/** The link before the first line. */
export const FIRST_LINK = '0'.repeat(64);

/** Where a chain stands: how many lines it has taken, and the last link, 64 hex digits. */
export interface ChainHead {
  readonly lines: number;
  readonly link: string;
}

/** A chain with no line. */
export const EMPTY_CHAIN: ChainHead = { lines: 0, link: FIRST_LINK };

/**
 * The next link of the chain of checksums over a transcript: SHA-256 over the link before it, as 64 hex digits, and the line's bytes without its newline. Each
 * link stands for all lines up to it, their order included.
 */
export function nextLink(before: string, line: string | Uint8Array): string {
  return createHash('sha256').update(before).update(line).digest('hex');
}

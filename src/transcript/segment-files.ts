import { readdir, readFile } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';

import { z } from 'zod';

/**
 * What is in a compressed segment, and where. The file is a row of gzip members that any gunzip reads as one; a member begins at a line. Derived
 * from the segment: when it is lost, reading takes longer.
 */
export const segmentIndexSchema = z.object({
  format: z.literal(1),
  first_seq: z.number().int().positive(),
  last_seq: z.number().int().positive(),
  /** Of the compressed file. */
  gz_bytes: z.number().int().positive(),
  /** The chain of checksums before its first line and after its last. */
  chain_before: z.object({ lines: z.number(), link: z.string() }),
  chain: z.object({ lines: z.number(), link: z.string() }),
  /** Of each member: its first line's seq (or the last one before it), where it begins in the compressed file, and in the text; its latest time. */
  members: z.array(z.tuple([z.number(), z.number(), z.number(), z.number()])),
  /** Offsets, in the text, of lines that are no entries. */
  skipped: z.array(z.number()),
});

/** What is in a compressed segment, and where. */
export type SegmentIndex = z.infer<typeof segmentIndexSchema>;

/** Files of segment `n` of the transcript at `path`. */
export function segmentPaths(
  path: string,
  n: number,
): { readonly plain: string; readonly gz: string; readonly index: string } {
  const name = join(dirname(path), `${basename(path, '.jsonl')}.${String(n).padStart(4, '0')}`);
  return { plain: `${name}.jsonl`, gz: `${name}.jsonl.gz`, index: `${name}.index.json` };
}

/** A segment as its files say: not compressed yet, compressed, or both where a crash came between. */
export interface SegmentFiles {
  readonly n: number;
  readonly plain: boolean;
  readonly gz: boolean;
}

/** The segments of the transcript at `path`, oldest first, and what crashes left half made. */
export async function listSegments(
  path: string,
): Promise<{ readonly segments: readonly SegmentFiles[]; readonly half_made: readonly string[] }> {
  const folder = dirname(path);
  const stem = basename(path, '.jsonl');
  const found = new Map<number, { plain: boolean; gz: boolean }>();
  const half_made: string[] = [];
  for (const name of await readdir(folder).catch(() => [])) {
    if (!name.startsWith(`${stem}.`)) continue;
    const [, digits, gz, tmp] = /^\.(\d{4,})\.jsonl(\.gz)?(\.tmp)?$/.exec(name.slice(stem.length)) ?? [];
    if (digits === undefined) continue;
    if (tmp !== undefined) {
      half_made.push(join(folder, name));
      continue;
    }
    const segment = found.get(Number(digits)) ?? { plain: false, gz: false };
    segment[gz === undefined ? 'plain' : 'gz'] = true;
    found.set(Number(digits), segment);
  }
  const segments = [...found].map(([n, files]) => ({ n, ...files })).sort((a, b) => a.n - b.n);
  return { segments, half_made };
}

/** The index of a compressed segment of that size, or null where there is none that fits it. */
export async function readSegmentIndex(path: string, gz_bytes: number): Promise<SegmentIndex | null> {
  try {
    const index = segmentIndexSchema.parse(JSON.parse(await readFile(path, 'utf8')));
    return index.gz_bytes === gz_bytes ? index : null;
  } catch {
    return null;
  }
}

import { createReadStream } from 'node:fs';
import { createInterface } from 'node:readline';

import { z } from 'zod';

/** The checksum of a transcript's first lines, as the project's ledger holds it. */
export const transcriptSealSchema = z.object({
  session_id: z.string(),
  /** How many lines it stands for, and the seq of the last of them. */
  lines: z.number().int().positive(),
  last_seq: z.number().int().positive(),
  /** The chain's link after them, 64 hex digits. */
  link: z.string().regex(/^[0-9a-f]{64}$/),
  why: z.enum(['rotation', 'ended', 'let_go']),
  at: z.string(),
});

/** The checksum of a transcript's first lines, as the project's ledger holds it. */
export type TranscriptSeal = Readonly<z.infer<typeof transcriptSealSchema>>;

/** The seals in the project's ledger at `path`, by session, oldest first. Changes nothing, and may run beside the daemon. None where there is no ledger. */
export async function readSeals(path: string): Promise<ReadonlyMap<string, readonly TranscriptSeal[]>> {
  const seals = new Map<string, TranscriptSeal[]>();
  const lines = createInterface({ input: createReadStream(path, 'utf8'), crlfDelay: Infinity });
  try {
    for await (const line of lines) {
      const seal = sealOf(line);
      if (seal === null) continue;
      const known = seals.get(seal.session_id);
      if (known === undefined) seals.set(seal.session_id, [seal]);
      else known.push(seal);
    }
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'ENOENT')) throw error;
  }
  return seals;
}

function sealOf(line: string): TranscriptSeal | null {
  if (!line.startsWith('{"record":"transcript"')) return null;
  try {
    const read = transcriptSealSchema.safeParse(JSON.parse(line));
    return read.success ? read.data : null;
  } catch {
    return null;
  }
}

import { z } from 'zod';
import type { Violation } from '../support/invariants.js';

/** What one part of a soak came to. */
export interface Tally {
  readonly name: string;
  /** How many cases all of it would be; null while it is not counted. */
  of: number | null;
  cases: number;
  kills: number;
  entries: number;
  readonly violations: (Violation & { readonly where: string })[];
  /** What a reader should know besides. */
  readonly notes: string[];
}

const tallySchema = z.object({
  name: z.string(),
  of: z.number().nullable(),
  cases: z.number(),
  kills: z.number(),
  entries: z.number(),
  violations: z.array(
    z.object({
      kind: z.enum(['loss', 'duplicate', 'misrouted', 'prompt', 'leak', 'secret', 'state', 'silence']),
      text: z.string(),
      where: z.string(),
    }),
  ),
  notes: z.array(z.string()),
});

/** What runs of one seed came to together, as it is kept for `--continue`. */
export const soFarSchema = z.object({
  seed: z.number(),
  runs: z.array(z.object({ begun: z.string(), minutes: z.number() })),
  tallies: z.array(tallySchema),
});
/** What runs of one seed came to together. */
export type SoFar = z.infer<typeof soFarSchema>;

/** A part that has not begun. */
export function emptyTally(name: string, of: number | null): Tally {
  return { name, of, cases: 0, kills: 0, entries: 0, violations: [], notes: [] };
}

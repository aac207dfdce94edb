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

/** A part that has not begun. */
export function emptyTally(name: string, of: number | null): Tally {
  return { name, of, cases: 0, kills: 0, entries: 0, violations: [], notes: [] };
}

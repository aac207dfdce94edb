import type { Undo } from './undo.js';

/** What every benchmark is given. */
export interface Bench {
  /** Fewer rounds, smaller loads: to see that it works, not to be quoted. */
  readonly quick: boolean;
  readonly undo: Undo;
  /** Ends with the run. */
  readonly signal: AbortSignal;
  /** Tells what is being done. */
  readonly say: (text: string) => void;
}

/** One line of the table of results. */
export interface Row {
  readonly what: string;
  readonly result: string;
  /** As text; null where nothing is promised. */
  readonly target: string | null;
  readonly met: boolean | null;
}

/** What a benchmark found. */
export interface Findings {
  readonly rows: readonly Row[];
  /** How it was measured, one sentence each. */
  readonly method: readonly string[];
  /** Every figure, by name. */
  readonly raw: Readonly<Record<string, readonly number[]>>;
}

/** One of the benchmarks. */
export interface Suite {
  readonly name: string;
  readonly title: string;
  readonly run: (bench: Bench) => Promise<Findings>;
}

/** A row with a target: met when `value` is at most, or at least, `bound`. */
export function judged(what: string, result: string, target: { readonly text: string; readonly met: boolean }): Row {
  return { what, result, target: target.text, met: target.met };
}

/** A row that only informs. */
export function told(what: string, result: string): Row {
  return { what, result, target: null, met: null };
}

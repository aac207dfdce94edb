import { z } from 'zod';
import { placeIn, type Place } from './source-text.js';

/**
 * One thing to say about one place of a file: a mistake (nothing is started) or a warning. `line` and `column` count from 1, columns in
 * UTF-16 units as editors do; line 0 means the file as a whole. `source_line` is that line of the file, with secrets hidden.
 */
export const diagnosticSchema = z.object({
  file: z.string(),
  line: z.number().int().nonnegative(),
  column: z.number().int().nonnegative(),
  source_line: z.string(),
  message: z.string(),
  expected: z.string().optional(),
  hint: z.string().optional(),
  severity: z.enum(['mistake', 'warning']),
});

/** One thing to say about one place of a file. */
export type Diagnostic = z.infer<typeof diagnosticSchema>;

/** What is wrong, what would be right, and what to do; the place is given beside it. */
export interface Problem {
  readonly message: string;
  readonly expected?: string | undefined;
  readonly hint?: string | undefined;
}

/** More than this many mistakes, or warnings, are not collected: nobody reads them. */
export const MAX_DIAGNOSTICS = 500;

/** Collects mistakes and warnings; the same one at the same place (defaults are read once for each agent) is kept once. */
export class Findings {
  readonly #mistakes = new Map<string, Diagnostic>();
  readonly #warnings = new Map<string, Diagnostic>();

  /** Notes something that must be mended before anything starts. */
  mistake(place: Place, problem: Problem): void {
    keep(this.#mistakes, place, problem, 'mistake');
  }

  /** Notes something that is good to know. */
  warning(place: Place, problem: Problem): void {
    keep(this.#warnings, place, problem, 'warning');
  }

  /** How many mistakes there are so far. */
  get mistakeCount(): number {
    return this.#mistakes.size;
  }

  /** All mistakes, by file (in the order read), line and column. */
  mistakes(files: readonly string[]): Diagnostic[] {
    return inOrder(this.#mistakes, files);
  }

  /** All warnings, in the same order. */
  warnings(files: readonly string[]): Diagnostic[] {
    return inOrder(this.#warnings, files);
  }
}

function keep(into: Map<string, Diagnostic>, place: Place, problem: Problem, severity: Diagnostic['severity']): void {
  if (into.size >= MAX_DIAGNOSTICS) return;
  const at = placeIn(place);
  const key = JSON.stringify([at.file, at.line, at.column, problem.message]);
  into.set(key, {
    ...at,
    message: problem.message,
    ...(problem.expected === undefined ? {} : { expected: problem.expected }),
    ...(problem.hint === undefined ? {} : { hint: problem.hint }),
    severity,
  });
}

function inOrder(kept: ReadonlyMap<string, Diagnostic>, files: readonly string[]): Diagnostic[] {
  const rank = new Map(files.map((file, index) => [file, index]));
  const rankOf = (file: string): number => rank.get(file) ?? files.length;
  return [...kept.values()].sort((a, b) => rankOf(a.file) - rankOf(b.file) || a.line - b.line || a.column - b.column);
}

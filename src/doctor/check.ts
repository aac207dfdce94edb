/**
 * Looks for what is missing before somebody stumbles over it. Contract:
 * - every check looks at the real thing and changes nothing that stays; one that breaks is itself a `fail`, never a crash;
 * - a `warn` or `fail` says what to do about it, as a command where there is one;
 * - no daemon is needed, and none is started; every check has a deadline.
 */
import { asFilareError } from '../contract/errors.js';

/** What a check found. `fail`: agents cannot run. `warn`: they can, with a catch. */
export interface Check {
  readonly name: string;
  readonly status: 'ok' | 'warn' | 'fail';
  readonly detail: string;
  /** What to do about it; null when there is nothing to do. */
  readonly fix: string | null;
}

/** Deadline of one check, in milliseconds. */
export const CHECK_DEADLINE_MS = 10_000;

/** A check that is fine. */
export function ok(name: string, detail: string): Check {
  return { name, status: 'ok', detail, fix: null };
}

/** A check with a catch. */
export function warn(name: string, detail: string, fix: string): Check {
  return { name, status: 'warn', detail, fix };
}

/** A check that keeps agents from running. */
export function fail(name: string, detail: string, fix: string): Check {
  return { name, status: 'fail', detail, fix };
}

/** Runs a check with its deadline; what it throws is its failure, with the hint of the thrown as the fix. */
export async function checked(
  name: string,
  otherwise: string,
  look: (signal: AbortSignal) => Promise<Check>,
  signal: AbortSignal,
): Promise<Check> {
  const deadline = AbortSignal.timeout(CHECK_DEADLINE_MS);
  try {
    return await look(AbortSignal.any([signal, deadline]));
  } catch (error) {
    signal.throwIfAborted();
    if (deadline.aborted) return fail(name, `no answer within ${CHECK_DEADLINE_MS / 1000} s`, otherwise);
    const failure = asFilareError(error);
    return fail(name, failure.message, failure.hint ?? otherwise);
  }
}

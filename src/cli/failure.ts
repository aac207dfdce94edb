import { EXIT_CODES, FilareError, type FailureBody } from '../contract/errors.js';
import type { Output } from './output.js';
import { styled } from './style.js';

/** Lines of a cause that are shown. */
const MAX_CAUSE_LINES = 20;

/** Shows a failure on standard error: what and where, why, what to try; with `--json` as one line `{"error": {…}}`. */
export function showFailure(out: Output, failure: FilareError, as_json: boolean): void {
  if (as_json) {
    out.jsonError({ error: failureBody(failure) });
    return;
  }
  const [what, ...rest] = failure.message.split('\n');
  out.complain(styled('red', 'error'), `: ${what ?? ''}`);
  for (const line of rest) out.complain(`  ${line}`);
  for (const line of mistakeLines(failure.details)) out.complain(line);
  for (const line of causeLines(failure)) out.complain(styled('dim', `  ${line}`));
  if (failure.hint !== undefined) out.complain('  ', styled('cyan', 'try'), `: ${failure.hint}`);
}

/** The failure as `--json` prints it. */
export function failureBody(failure: FilareError): FailureBody {
  const body = failure.toBody();
  return failure.code === 'unexpected' && failure.cause instanceof Error && body.details === undefined
    ? { ...body, details: { cause: failure.cause.message } }
    : body;
}

/** The exit code of the process for a failure; Ctrl-C and its like end with 128 and the number of the signal. */
export function exitCodeOf(failure: FilareError): number {
  const signal = typeof failure.details === 'object' && failure.details !== null ? failure.details : {};
  if (failure.code === 'interrupted' && 'signal_number' in signal && typeof signal.signal_number === 'number') {
    return 128 + signal.signal_number;
  }
  return EXIT_CODES[failure.code];
}

/** Mistakes in manifests and rehearsal scripts: each with file, line and column, what is wrong, and the line itself. */
function mistakeLines(details: unknown): string[] {
  const mistakes: unknown =
    typeof details === 'object' && details !== null && 'mistakes' in details ? details.mistakes : details;
  return Array.isArray(mistakes) ? mistakes.flatMap((mistake: unknown) => mistakeText(mistake)) : [];
}

function mistakeText(mistake: unknown): string[] {
  if (typeof mistake === 'string') return ['', ...mistake.split('\n')];
  if (typeof mistake !== 'object' || mistake === null || !('message' in mistake)) return [];
  const told: Readonly<Record<string, unknown>> = { ...mistake };
  const place = ['file', 'line', 'column'].flatMap((name) => {
    const part = told[name];
    return typeof part === 'string' || typeof part === 'number' ? [String(part)] : [];
  });
  const more = ['excerpt', 'expected', 'hint'].flatMap((name) =>
    typeof told[name] === 'string' ? told[name].split('\n') : [],
  );
  return ['', `${place.join(':')}: ${String(told['message'])}`, ...more.map((line) => `  ${line}`)];
}

function causeLines(failure: FilareError): string[] {
  const { cause } = failure;
  if (!(cause instanceof Error) || failure.message.includes(cause.message)) return [];
  return cause.message.split('\n').slice(0, MAX_CAUSE_LINES);
}

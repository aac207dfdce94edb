import { EXIT_CODES, FilareError, type FailureBody } from '../contract/errors.js';
import type { Output } from './output.js';
import { styled } from './style.js';

/** Lines of a cause that are shown. */
const MAX_CAUSE_LINES = 20;

/** How to show a failure. */
export interface ShowOptions {
  readonly as_json: boolean;
  /** Files below it are named relative to it. */
  readonly cwd: string;
}

/** Shows a failure on standard error: what and where, why, what to try; with `--json` as one line `{"error": {…}}`. */
export async function showFailure(out: Output, failure: FilareError, options: ShowOptions): Promise<void> {
  if (options.as_json) {
    out.jsonError({ error: failureBody(failure) });
    return;
  }
  const [what, ...rest] = failure.message.split('\n');
  const mistakes = await mistakeLines(failure.details, options.cwd);
  out.complain(styled('red', 'error'), `: ${what ?? ''}`);
  // What the mistakes below say with their lines is said once.
  if (mistakes.length === 0) for (const line of rest) out.complain(`  ${line}`);
  const says_it_all = mistakes[1]?.replace(': error: ', ': ') === what;
  for (const line of says_it_all ? mistakes.slice(2) : mistakes) out.complain(line);
  for (const line of causeLines(failure)) out.complain(styled('dim', `  ${line}`));
  if (failure.hint !== undefined) out.complain('  ', styled('cyan', 'try'), `: ${failure.hint}`);
}

/** The failure as `--json` prints it. */
function failureBody(failure: FilareError): FailureBody {
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
async function mistakeLines(details: unknown, cwd: string): Promise<string[]> {
  const mistakes: unknown =
    typeof details === 'object' && details !== null && 'mistakes' in details ? details.mistakes : details;
  if (!Array.isArray(mistakes)) return [];
  const { diagnosticSchema } = await import('../manifest/diagnostic.js');
  const { formatDiagnostic } = await import('../manifest/format-diagnostic.js');
  return mistakes.flatMap((mistake: unknown) => {
    const diagnostic = diagnosticSchema.safeParse(mistake);
    return diagnostic.success
      ? ['', ...formatDiagnostic(diagnostic.data, { cwd }).split('\n')]
      : scriptMistakeLines(mistake);
  });
}

/** A mistake in a rehearsal script. */
function scriptMistakeLines(mistake: unknown): string[] {
  if (typeof mistake !== 'object' || mistake === null || !('message' in mistake)) return [];
  const told: Readonly<Record<string, unknown>> = { ...mistake };
  const place = ['file', 'line', 'column'].flatMap((name) => {
    const part = told[name];
    return typeof part === 'string' || typeof part === 'number' ? [String(part)] : [];
  });
  const excerpt = typeof told['excerpt'] === 'string' ? told['excerpt'].split('\n').filter((line) => line !== '') : [];
  return ['', `${place.join(':')}: ${String(told['message'])}`, ...excerpt.map((line) => `  ${line}`)];
}

function causeLines(failure: FilareError): string[] {
  const { cause } = failure;
  if (!(cause instanceof Error) || failure.message.includes(cause.message)) return [];
  return cause.message.split('\n').slice(0, MAX_CAUSE_LINES);
}

import type { StartOutcome } from '../contract/api-shapes.js';
import { ERROR_CODES, FilareError, type ErrorCode } from '../contract/errors.js';
import type { CliContext } from './context.js';
import { stateWords } from './fleet-table.js';
import { styled } from './style.js';

/** Prints what became of a start: with `--json` the outcomes, unless there are none but refusals; those are for `refusals`. */
export function sayOutcomes(context: CliContext, outcomes: readonly StartOutcome[]): void {
  const { out, globals } = context;
  const done = outcomes.filter((outcome) => outcome.outcome !== 'refused');
  if (globals.json === true) {
    if (done.length > 0 || outcomes.length === 0) out.json(outcomes);
    return;
  }
  for (const { id, outcome, session } of done) {
    if (globals.quiet === true) out.line(session?.session_id ?? id);
    else if (session?.phase === 'queued')
      out.line(
        styled('bold', id),
        ` is in the queue${outcome === 'already_running' ? ' already' : ''} `,
        styled('dim', `(${session.session_id})`),
        // Its last words may be a command to type: nothing comes after them.
        `: ${session.waiting_for ?? ''}`,
      );
    else if (outcome === 'already_running')
      out.line(styled('bold', id), ` runs already `, styled('dim', session?.session_id ?? ''));
    else
      out.line(
        styled('bold', id),
        ` started: ${session === null ? '' : stateWords(session)} `,
        styled('dim', session?.session_id ?? ''),
      );
  }
}

/** Says on standard error what to know of what was started. */
export function sayWarnings({ out }: CliContext, outcomes: readonly StartOutcome[]): void {
  for (const { warnings } of outcomes) for (const text of warnings) out.note(styled('yellow', 'warning'), `: ${text}`);
}

/** The refusals of a start as one failure with the code of the first; undefined when there are none. */
export function refusals(outcomes: readonly StartOutcome[]): FilareError | undefined {
  const refused = outcomes.flatMap(({ id, error }) => (error === null ? [] : [{ id, error }]));
  const first = refused[0];
  if (first === undefined) return undefined;
  const { hint } = first.error;
  return new FilareError({
    code: errorCode(first.error.code),
    message:
      refused.length === 1
        ? `${first.id} was not started: ${first.error.message}`
        : [
            `${refused.length} of ${outcomes.length} agents were not started:`,
            ...refused.map(
              ({ id, error }) => `${id}: ${error.message}${error.hint === undefined ? '' : `\n  try: ${error.hint}`}`,
            ),
          ].join('\n'),
    ...(hint === undefined || refused.length > 1 ? {} : { hint }),
    details: { outcomes },
  });
}

function errorCode(text: string): ErrorCode {
  return ERROR_CODES.find((code) => code === text) ?? 'unexpected';
}

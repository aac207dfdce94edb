import { FilareError } from '../contract/errors.js';
import { askYes, canAsk } from './ask.js';
import type { CliContext } from './context.js';
import type { Span } from './style.js';

/** What a person must say yes to. */
export interface Confirmation {
  /** What it is about, a line each; shown before the question, on standard error. */
  readonly about: readonly (readonly Span[])[];
  readonly question: string;
  /** What would be done, for the failure where nobody can be asked: `this decides 3 prompts at once`. */
  readonly does: string;
}

/** Whether it is to be done: `--yes` says so, else a person at the terminal does. Where nobody can be asked it is `usage`: nothing is done unseen. */
export async function confirmed(context: CliContext, yes: boolean | undefined, ask: Confirmation): Promise<boolean> {
  if (yes !== true && (!canAsk(context) || context.globals.json === true)) {
    throw new FilareError({
      code: 'usage',
      message: `${ask.does}, and there is nobody to ask`,
      hint: 'look first, then say --yes',
    });
  }
  const is_told = yes !== true || (context.globals.quiet !== true && context.globals.json !== true);
  if (is_told) for (const line of ask.about) context.out.complain(...line);
  return yes === true || askYes(context, ask.question);
}

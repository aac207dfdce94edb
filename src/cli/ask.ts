import { createInterface } from 'node:readline/promises';
import type { CliContext } from './context.js';

/** Whether somebody can be asked: standard input and error are terminals. */
export function canAsk(context: CliContext): boolean {
  return context.stdin.isTTY === true && context.out.talks_to_terminal;
}

/** Asks a yes-or-no question on standard error; only `y` or `yes` is yes. Ctrl-C ends it as it ends the command. */
export async function askYes(context: CliContext, question: string): Promise<boolean> {
  const lines = createInterface({ input: context.stdin, output: context.stderr });
  try {
    const said = await lines.question(`${question} [y/N] `, { signal: context.interrupts.signal });
    return /^y(es)?$/i.test(said.trim());
  } catch (error) {
    context.interrupts.signal.throwIfAborted();
    throw error;
  } finally {
    lines.close();
  }
}

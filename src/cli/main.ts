/**
 * The command line. Contract:
 * - `main` runs one command and answers with the exit code of the process; it throws only for a mistake of ours in reporting;
 * - data on standard output, everything else on standard error; with `--json` one document (or NDJSON), and a failure as `{"error": {…}}`;
 * - exit codes are those of contract/errors.ts; a usage mistake is 2;
 * - a command's code, and what it needs, is loaded when that command runs.
 */
import { CommanderError } from '@commander-js/extra-typings';
import { asFilareError } from '../contract/errors.js';
import { createContext, type Ambient, type CliContext, type GlobalOptions } from './context.js';
import { exitCodeOf, showFailure } from './failure.js';
import { buildProgram, parserFailure, withoutHelpWord } from './program.js';

/** Runs the command line `given` (without program and script) and answers with the exit code. */
export async function main(given: readonly string[], ambient: Partial<Ambient> = {}): Promise<number> {
  const argv = withoutHelpWord(given);
  const globals: { -readonly [K in keyof GlobalOptions]: GlobalOptions[K] } = { json: asksForJson(argv) };
  const context = createContext({ ...processAmbient(), ...ambient }, globals);
  try {
    if (argv[0] === '__complete') {
      const { printCompletions } = await import('./complete.js');
      await printCompletions(context, argv.slice(1));
      return 0;
    }
    const program = await buildProgram(argv, context, (parsed) => Object.assign(globals, parsed));
    if (argv.length === 0) program.outputHelp();
    else await program.parseAsync(argv, { from: 'user' });
    return context.exit_code;
  } catch (error) {
    return await reportFailure(context, error, argv);
  } finally {
    context.interrupts.release();
  }
}

async function reportFailure(context: CliContext, error: unknown, argv: readonly string[]): Promise<number> {
  const failure = error instanceof CommanderError ? parserFailure(error, argv) : asFilareError(error);
  if (failure === undefined) return context.exit_code;
  const code = exitCodeOf(failure);
  if (failure.code !== 'interrupted' || context.globals.json === true) {
    await showFailure(context.out, failure, { as_json: context.globals.json === true, cwd: context.cwd });
  }
  return code;
}

/** Also before the options are parsed, for a mistake in them is reported the way they ask for. */
function asksForJson(argv: readonly string[]): boolean {
  const end = argv.indexOf('--');
  return argv.slice(0, end === -1 ? argv.length : end).includes('--json');
}

function processAmbient(): Ambient {
  return {
    stdin: process.stdin,
    stdout: process.stdout,
    stderr: process.stderr,
    env: process.env,
    cwd: process.cwd(),
    now_ms: () => Date.now(),
  };
}

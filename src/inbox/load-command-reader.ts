import { readCommand, type CommandReading } from './read-command.js';
import { loadShellParser } from './shell-parser.js';

/** What the policy sees in a script that would run in `cwd`, for a person who wonders; loads the parser. */
export async function loadCommandReader(): Promise<(script: string, cwd: string) => CommandReading> {
  const parser = await loadShellParser();
  return (script, cwd) => readCommand(script, cwd, parser);
}

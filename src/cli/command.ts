import { Command, type CommandUnknownOpts } from '@commander-js/extra-typings';

/** A command with its examples, which help shows first. */
export function newCommand(name: string, summary: string, examples: readonly [string, ...string[]]): Command {
  return new Command(name).summary(summary).description(`${summary}.`).addHelpText('before', exampleText(examples));
}

/** `Examples:` and the lines, as help shows them. */
export function exampleText(examples: readonly string[]): string {
  return `Examples:\n${examples.map((line) => `  $ ${line}`).join('\n')}\n`;
}

/** Adds commands to one that only groups them; they inherit its ways of failing. */
export function withSubcommands(group: Command, commands: readonly CommandUnknownOpts[]): CommandUnknownOpts {
  for (const command of commands) group.addCommand(command);
  return group;
}

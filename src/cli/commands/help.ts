import { readFile } from 'node:fs/promises';
import type { CommandUnknownOpts } from '@commander-js/extra-typings';
import { Argument } from '@commander-js/extra-typings';
import { FilareError } from '../../contract/errors.js';
import { newCommand } from '../command.js';
import type { CommandEntry } from '../commands.js';
import type { CliContext } from '../context.js';
import { pageLines } from '../help/page-lines.js';
import { findTopic, pageNames, TOPICS, type Topic } from '../help/topics.js';

/** Longer lines are hard to read, however wide the terminal. */
const MAX_COLUMNS = 100;

/** `help [TOPIC]`: a page of the documentation. Help of one of the commands, and the list of all, is what the parser itself prints (program.ts). */
export function helpCommand(context: CliContext, commands: readonly CommandEntry[]): CommandUnknownOpts {
  const topic = new Argument('[topic]', 'a command, or a topic')
    .choices([...TOPICS.map(({ name }) => name), ...commands.map(({ name }) => name)])
    .argParser((name) => name);
  const width = Math.max(...TOPICS.map(({ name }) => name.length));
  return newCommand('help', 'How a command is used, or a page of the documentation', [
    'filare-agents help',
    'filare-agents help send',
    'filare-agents help troubleshooting',
    'filare-agents help manifest-reference | less',
  ])
    .addArgument(topic)
    .addHelpText(
      'after',
      `\nTopics:\n${TOPICS.map(({ name, summary }) => `  ${name.padEnd(width)}  ${summary}`).join('\n')}\n\n--json gives {topic, title, text}, of a page as Markdown and with its file; without a topic {commands, topics}.`,
    )
    .action(async (name) => {
      if (name === undefined) {
        context.out.json({
          commands: commands.map((command) => ({ name: command.name, group: command.group, summary: command.summary })),
          topics: TOPICS.map((known) => ({ name: known.name, summary: known.summary })),
        });
      } else await printTopic(context, findTopic(name) ?? (await unknownTopic(name, commands)));
    });
}

async function printTopic({ out, globals }: CliContext, { name, file }: Topic): Promise<void> {
  const text = await readFile(new URL(`../../../docs/${file}`, import.meta.url), 'utf8');
  if (globals.json === true) out.json({ topic: name, title: titleOf(text), file: `docs/${file}`, text });
  else for (const line of pageLines(text, Math.min(out.size.columns, MAX_COLUMNS))) out.line(...line);
}

/** The heading of a page. */
function titleOf(page: string): string {
  return /^# (.*)$/m.exec(page)?.[1] ?? '';
}

async function unknownTopic(name: string, commands: readonly CommandEntry[]): Promise<never> {
  const { closestWord } = await import('../../manifest/closest-word.js');
  const near = closestWord(name, [...[...TOPICS, ...commands].map((known) => known.name), ...pageNames()]);
  throw new FilareError({
    code: 'usage',
    message: `no command and no topic is called '${name}'`,
    hint: near === undefined ? 'filare-agents help lists them' : `did you mean ${near}?`,
  });
}

import { Option, type CommandUnknownOpts } from '@commander-js/extra-typings';
import type { PauseQuestion } from '../../contract/api-shapes.js';
import { FilareError } from '../../contract/errors.js';
import { newCommand } from '../command.js';
import type { CliContext } from '../context.js';
import { chosenRefs, eachRef, requireChoice } from '../each-ref.js';
import { stateWords } from '../fleet-table.js';
import { readWords } from '../message-input.js';
import { styled } from '../style.js';

const SEVERITIES = ['info', 'warning', 'critical'] as const;

/** `pause ID…`: holds sessions. */
export function pauseCommand(context: CliContext): CommandUnknownOpts {
  return newCommand(
    'pause',
    'Hold sessions: no message goes in, the running turn ends by itself, the containers stay; with --ask until a question is answered',
    [
      'filare-agents pause docs',
      'filare-agents pause feature --ask "Ship it today?" --choice yes --choice "not before Monday"',
      'filare-agents pause --all --interrupt',
    ],
  )
    .argument('[id...]', 'agent ids, session ids, or unique beginnings of them')
    .option('-a, --all', 'every session that has not ended')
    .option(
      '--ask <text>',
      'put a question in the inbox; its answer goes to the agent, which goes on. - reads standard input',
    )
    .option('--choice <text>', 'with --ask: an answer to choose from; may be repeated', collect, [])
    .option('--suggest <text>', 'with --ask: the reply to suggest')
    .addOption(new Option('--severity <severity>', 'with --ask: how much depends on it').choices(SEVERITIES))
    .option('--interrupt', 'end the running turn now')
    .action(async (ids, options) => {
      requireChoice(ids, options.all);
      const ask = await questionOf(context, options);
      await using fleet = await context.openFleet();
      const refs = await chosenRefs(fleet, ids, options.all);
      if (refs.length === 0) context.out.note(`no session is running in ${fleet.project.root}`);
      await eachRef(context, {
        refs,
        verb: 'pause',
        act: (ref) =>
          fleet.pause(ref, {
            by: 'operator',
            ...(ask === undefined ? {} : { ask }),
            ...(options.interrupt === true ? { interrupt: true } : {}),
          }),
        say: (row) => context.out.line(styled('bold', row.id), ` ${stateWords(row)}`),
      });
    });
}

function collect(value: string, before: string[]): string[] {
  return [...before, value];
}

interface AskOptions {
  readonly ask?: string | undefined;
  readonly choice: readonly string[];
  readonly suggest?: string | undefined;
  readonly severity?: (typeof SEVERITIES)[number] | undefined;
}

async function questionOf(context: CliContext, options: AskOptions): Promise<PauseQuestion | undefined> {
  const { ask, choice, suggest, severity } = options;
  if (ask === undefined) {
    if (choice.length === 0 && suggest === undefined && severity === undefined) return undefined;
    throw new FilareError({ code: 'usage', message: '--choice, --suggest and --severity go with --ask' });
  }
  const question = await readWords({ words: [ask], stdin: context.stdin });
  if (question.trim() === '') throw new FilareError({ code: 'usage', message: '--ask: the question is empty' });
  return {
    question,
    ...(choice.length === 0 ? {} : { choices: [...choice] }),
    ...(suggest === undefined ? {} : { suggested_reply: suggest }),
    ...(severity === undefined ? {} : { severity }),
  };
}

import type { CommandUnknownOpts } from '@commander-js/extra-typings';
import { asFilareError, FilareError } from '../../../contract/errors.js';
import type { Prompt, PromptRecord } from '../../../contract/session.js';
import { newCommand } from '../../command.js';
import type { CliContext } from '../../context.js';
import { decidedLine } from '../../decide-prompts.js';
import { decisionFailure } from '../../decision-words.js';
import { parseCount } from '../../duration.js';
import { eachOne } from '../../each-ref.js';
import { findOpenPrompt } from '../../find-prompts.js';
import { readWords } from '../../message-input.js';

/** `feedback answer PROMPT TEXT`. */
export function answerCommand(context: CliContext): CommandUnknownOpts {
  return newCommand('answer', 'Answer a question of an agent: with a text, one of its choices, or what it suggests', [
    'filare-agents feedback answer PROMPT "Use the second one"',
    'filare-agents feedback answer PROMPT --choice 2',
    'filare-agents feedback answer PROMPT --suggested',
    'filare-agents feedback answer PROMPT - < decision.md',
  ])
    .argument('<prompt>', 'prompt id, or a beginning that is unique among open ones')
    .argument('[text...]', 'the answer, any text; - reads standard input')
    .option('-c, --choice <number>', 'the choice of this number, counted from 1')
    .option('--suggested', 'the reply that the agent suggests')
    .action(async (id, words, options) => {
      const ways = [words.length > 0, options.choice !== undefined, options.suggested === true];
      if (ways.filter(Boolean).length !== 1) {
        throw new FilareError({
          code: 'usage',
          message: 'give one answer: a text, --choice NUMBER or --suggested',
          hint: `filare-agents feedback show ${id}`,
        });
      }
      const number = options.choice === undefined ? undefined : parseCount(options.choice, '--choice', 1);
      const text = words.length > 0 ? await readWords({ words, stdin: context.stdin }) : undefined;
      if (text?.trim() === '') throw new FilareError({ code: 'usage', message: 'the answer is empty' });
      await using fleet = await context.openFleet();
      await eachOne<PromptRecord>(context, {
        refs: [id],
        verb: 'answer',
        act: async (ref) => {
          const prompt = await findOpenPrompt(fleet, await fleet.prompts(), ref);
          const choice = answerTo(prompt, text, number);
          return fleet
            .decide(prompt.prompt_id, { choice, by: 'operator', revision: prompt.revision })
            .catch((error: unknown) => {
              throw decisionFailure(asFilareError(error), prompt.prompt_id);
            });
        },
        say: (record) => context.out.line(...decidedLine(record)),
        id: (record) => record.prompt_id,
      });
    });
}

/** The answer: the text, else the choice of that number, else what is suggested. What is not there, and an approval, is `usage`. */
function answerTo(prompt: Prompt, text: string | undefined, number: number | undefined): string {
  const details = { prompt_id: prompt.prompt_id, choices: prompt.choices };
  if (prompt.kind === 'approval') {
    throw new FilareError({
      code: 'usage',
      message: `${prompt.id} asks for an approval, which takes yes or no`,
      hint: `filare-agents feedback approve ${prompt.prompt_id}, or reject`,
      details,
    });
  }
  if (text !== undefined) return text;
  const given = number === undefined ? prompt.suggested_reply : prompt.choices[number - 1];
  if (given !== null && given !== undefined) return given;
  throw new FilareError({
    code: 'usage',
    message:
      number === undefined
        ? `${prompt.id} suggests no reply to ${prompt.prompt_id}`
        : `${prompt.prompt_id} has ${prompt.choices.length} choices, and none of number ${number}`,
    hint: `filare-agents feedback show ${prompt.prompt_id}`,
    details,
  });
}

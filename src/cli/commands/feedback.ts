import type { CommandUnknownOpts } from '@commander-js/extra-typings';
import { FilareError } from '../../contract/errors.js';
import type { Prompt } from '../../contract/session.js';
import type { Fleet } from '../../client/fleet.js';
import { showHidden } from '../../transcript/sanitize.js';
import { newCommand, withSubcommands } from '../command.js';
import type { CliContext } from '../context.js';
import { promptTable } from '../prompt-table.js';
import { safeJson } from '../output.js';
import { styled } from '../style.js';

/** Column of the values of `feedback show`. */
const NAME_CHARS = 12;

/** `feedback …`: the inbox. */
export function feedbackCommand(context: CliContext): CommandUnknownOpts {
  const group = newCommand('feedback', 'The inbox: what agents ask a person to decide', [
    'filare-agents feedback list',
    'filare-agents feedback approve PROMPT',
    'filare-agents feedback answer PROMPT "Use the second one"',
  ]);
  return withSubcommands(group, [
    listPrompts(context),
    showPrompt(context),
    approve(context),
    reject(context),
    answer(context),
  ]);
}

function listPrompts(context: CliContext): CommandUnknownOpts {
  return newCommand('list', 'All open prompts of all sessions', [
    'filare-agents feedback list',
    'filare-agents feedback list --json',
  ]).action(async () => {
    await using fleet = await context.openFleet();
    const prompts = await fleet.prompts();
    if (context.globals.json === true) context.out.json(prompts);
    else if (context.globals.quiet === true) for (const prompt of prompts) context.out.line(prompt.prompt_id);
    else if (prompts.length === 0) context.out.note('no agent waits for anybody');
    else {
      const columns = context.out.is_terminal ? context.out.size.columns : Number.MAX_SAFE_INTEGER;
      for (const line of promptTable(prompts, { now_ms: context.now_ms(), columns })) context.out.line(...line);
    }
  });
}

function showPrompt(context: CliContext): CommandUnknownOpts {
  return newCommand('show', 'One prompt, with everything that it would do', ['filare-agents feedback show PROMPT'])
    .argument('<prompt>', 'prompt id, or a unique beginning of one')
    .action(async (id) => {
      await using fleet = await context.openFleet();
      const prompt = await findPrompt(fleet, id);
      if (context.globals.json === true) context.out.json(prompt);
      else for (const line of promptLines(prompt)) context.out.line(styled('dim', line[0].padEnd(NAME_CHARS)), line[1]);
    });
}

function approve(context: CliContext): CommandUnknownOpts {
  return newCommand('approve', 'Let an agent do what it asks for', ['filare-agents feedback approve PROMPT'])
    .argument('<prompt...>', 'prompt ids, or unique beginnings of them')
    .option('--reason <text>', 'why; it is recorded')
    .action((ids, options) => decideAll(context, ids, ['accept'], options.reason, 'approved'));
}

function reject(context: CliContext): CommandUnknownOpts {
  return newCommand('reject', 'Refuse what an agent asks for', [
    'filare-agents feedback reject PROMPT --reason "not on a Friday"',
  ])
    .argument('<prompt...>', 'prompt ids, or unique beginnings of them')
    .option('--reason <text>', 'why; it is recorded')
    .action((ids, options) => decideAll(context, ids, ['decline', 'cancel'], options.reason, 'rejected'));
}

function answer(context: CliContext): CommandUnknownOpts {
  return newCommand('answer', 'Answer a question of an agent', [
    'filare-agents feedback answer PROMPT "Use the second one"',
  ])
    .argument('<prompt>', 'prompt id, or a unique beginning of one')
    .argument('<text...>', 'the answer, or one of the choices')
    .action((id, words) => decideAll(context, [id], [words.join(' ')], undefined));
}

/**
 * Decides with the first of `wanted` that the prompt offers; with the first one where it offers none of them, and lets the daemon judge. With a
 * `verdict` only approvals: to a question, "accept" would be an answer that nobody gave.
 */
async function decideAll(
  context: CliContext,
  ids: readonly string[],
  wanted: readonly [string, ...string[]],
  reason: string | undefined,
  verdict?: 'approved' | 'rejected',
): Promise<void> {
  await using fleet = await context.openFleet();
  const decided: Prompt[] = [];
  for (const id of ids) {
    const prompt = await findPrompt(fleet, id);
    if (prompt.kind === 'question' && verdict !== undefined) throw isQuestion(prompt, verdict);
    const choice = wanted.find((word) => prompt.choices.includes(word)) ?? wanted[0];
    decided.push(await fleet.decide(prompt.prompt_id, { choice, reason, by: 'operator' }));
    if (context.globals.json !== true)
      context.out.line(styled('bold', prompt.id), `: ${choice}  `, styled('dim', prompt.summary));
  }
  if (context.globals.json === true) context.out.json(decided);
}

function isQuestion(prompt: Prompt, verdict: string): FilareError {
  const example = prompt.suggested_reply ?? prompt.choices[0] ?? 'TEXT';
  return new FilareError({
    code: 'usage',
    message: `${prompt.id} asks a question, which cannot be ${verdict}: ${showHidden(prompt.summary)}`,
    hint: `filare-agents feedback answer ${prompt.prompt_id} ${/^[\w.-]+$/.test(example) ? example : 'TEXT'}`,
    details: { prompt_id: prompt.prompt_id, choices: prompt.choices },
  });
}

async function findPrompt(fleet: Fleet, id: string): Promise<Prompt> {
  const prompts = await fleet.prompts();
  const exact = prompts.find((prompt) => prompt.prompt_id === id);
  const begun = prompts.filter((prompt) => prompt.prompt_id.startsWith(id));
  const found = exact ?? (begun.length === 1 ? begun[0] : undefined);
  if (found !== undefined) return found;
  if (begun.length > 1) {
    throw new FilareError({
      code: 'usage',
      message: `${id} is the beginning of ${begun.length} prompts: ${begun.map((prompt) => prompt.prompt_id).join(', ')}`,
      hint: 'type more of it',
      details: { candidates: begun.map((prompt) => prompt.prompt_id) },
    });
  }
  throw new FilareError({
    code: 'not_found',
    message: `no prompt ${id} is open: it was decided, or its agent took it back, or it never was`,
    hint: 'filare-agents feedback list',
  });
}

function promptLines(prompt: Prompt): (readonly [name: string, value: string])[] {
  const known: (readonly [string, string | null])[] = [
    ['prompt', prompt.prompt_id],
    ['agent', `${prompt.id} (${prompt.role})`],
    ['session', prompt.session_id],
    ['workspace', prompt.workspace],
    ['branch', prompt.branch],
    ['kind', `${prompt.kind}, ${prompt.severity}`],
    ['asks', showHidden(prompt.summary)],
    ['reason', prompt.reason === null ? null : showHidden(prompt.reason)],
    ['would do', safeJson(prompt.requested_action, 2).replaceAll('\n', `\n${' '.repeat(NAME_CHARS)}`)],
    ['choices', prompt.choices.join(', ')],
    ['suggested', prompt.suggested_reply],
    ['since', prompt.created_at],
    ['deadline', prompt.deadline],
  ];
  return known.flatMap(([name, value]) => (value === null || value === '' ? [] : [[name, value] as const]));
}

/**
 * Approvals decided from the command line, one or many. Contract:
 * - a question is never approved or rejected: `accept` would be an answer that nobody gave;
 * - each decision names the revision that was read, so that nothing is approved that was changed meanwhile;
 * - many chosen by a filter, and every rule that would be written, are shown and asked about first;
 * - one that fails keeps no other from being decided.
 */
import type { Fleet } from '../client/fleet.js';
import { asFilareError, FilareError } from '../contract/errors.js';
import type { Prompt, PromptRecord, StandingRule } from '../contract/session.js';
import { choosePrompts, type PromptFilter } from './choose-prompts.js';
import { confirmed } from './confirm.js';
import type { CliContext } from './context.js';
import { decisionFailure, decisionWords } from './decision-words.js';
import { eachOne } from './each-ref.js';
import { plural } from './fleet-table.js';
import { findOpenPrompt } from './find-prompts.js';
import { promptTable } from './prompt-table.js';
import { ruleWords } from './rule-words.js';
import { styled, type Span } from './style.js';
import { choiceOf, type Verdict } from './verdict.js';
import { asksWords } from './asks-words.js';

/** What to decide, and how. */
export interface PromptsToDecide extends PromptFilter {
  readonly verdict: Verdict;
  /** Also write the rule that each prompt offers. */
  readonly scope?: StandingRule['scope'];
  readonly reason?: string | undefined;
  readonly yes?: true | undefined;
}

/** See the top of this file. */
export async function decidePrompts(context: CliContext, work: PromptsToDecide): Promise<void> {
  const { out } = context;
  await using fleet = await context.openFleet();
  const chosen = await choosePrompts(fleet, work);
  const left_out = chosen.questions.map((prompt) => `${prompt.prompt_id} (${prompt.id})`);
  if (left_out.length > 0) {
    out.note(
      `left out, for questions need an answer: ${left_out.join(', ')}: filare-agents feedback answer PROMPT TEXT`,
    );
  }
  const looked = await Promise.all(chosen.ids.map((id) => look(fleet, chosen.open, id, work)));
  const ready = looked.flatMap((one) => (one.prompt === undefined ? [] : [one.prompt]));
  const asks = ready.length > 0 && (work.scope !== undefined || (chosen.by_filter && ready.length > 1));
  if (asks && !(await confirmed(context, work.yes, confirmationOf(context, work, ready)))) {
    out.note('nothing was decided');
    return;
  }
  if (chosen.ids.length === 0) out.note('no open approval is meant by that');
  const found = new Map(looked.map((one) => [one.id, one]));
  await eachOne<PromptRecord>(context, {
    refs: chosen.ids,
    verb: work.verdict,
    act: (id) => decide(fleet, work, found.get(id)),
    say: (record) => out.line(...decidedLine(record)),
    id: (record) => record.prompt_id,
  });
}

/** One line for what was decided. */
export function decidedLine(record: PromptRecord): Span[] {
  const words = record.decision === null ? 'decided' : decisionWords(record.decision);
  return [
    styled('bold', record.id),
    `: ${words}  `,
    styled('dim', `${record.prompt_id} ${oneLine(asksWords(record))}`),
  ];
}

interface Looked {
  readonly id: string;
  readonly prompt?: Prompt;
  readonly error?: FilareError;
}

async function look(fleet: Fleet, open: readonly Prompt[], id: string, work: PromptsToDecide): Promise<Looked> {
  try {
    const prompt = await findOpenPrompt(fleet, open, id, OF_AGENT[work.verdict]);
    choiceOf(prompt, work.verdict);
    if (work.scope !== undefined) ruleOf(prompt, work.scope);
    return { id, prompt };
  } catch (error) {
    return { id, error: asFilareError(error) };
  }
}

async function decide(fleet: Fleet, work: PromptsToDecide, looked: Looked | undefined): Promise<PromptRecord> {
  if (looked?.prompt === undefined) throw looked?.error ?? new Error('a prompt that nobody looked for');
  const { prompt } = looked;
  const { scope, reason } = work;
  try {
    return await fleet.decide(prompt.prompt_id, {
      choice: choiceOf(prompt, work.verdict),
      reason,
      by: 'operator',
      revision: prompt.revision,
      ...(scope === undefined ? {} : { remember: { scope, when: ruleOf(prompt, scope).when } }),
    });
  } catch (error) {
    throw decisionFailure(asFilareError(error), prompt.prompt_id);
  }
}

/** The rule that accepting would write; `usage` where none can be made. */
function ruleOf(prompt: Prompt, scope: StandingRule['scope']): Pick<StandingRule, 'when' | 'do' | 'id' | 'scope'> {
  if (prompt.rule_offer !== null) return { when: prompt.rule_offer, do: 'approve', id: prompt.id, scope };
  throw new FilareError({
    code: 'usage',
    message: `no rule can be made of ${prompt.prompt_id}: it is not one plain command, file change or tool call that a rule could name and no more`,
    hint: `filare-agents feedback approve ${prompt.prompt_id} lets it happen this once`,
    details: { prompt_id: prompt.prompt_id, rule_offer: null },
  });
}

function confirmationOf(
  context: CliContext,
  work: PromptsToDecide,
  prompts: readonly Prompt[],
): Parameters<typeof confirmed>[2] {
  const { scope } = work;
  const columns = context.out.talks_to_terminal ? context.out.size.columns : Number.MAX_SAFE_INTEGER;
  const table = prompts.length > 1 ? promptTable(prompts, { now_ms: context.now_ms(), columns }) : [];
  const many = plural(prompts.length, 'prompt');
  if (scope === undefined) {
    return { about: table, question: `${VERBS[work.verdict]} these ${many}?`, does: `this decides ${many} at once` };
  }
  const rules = prompts.map((prompt): Span[] => [
    styled('yellow', prompt.prompt_id),
    ' writes a rule: ',
    styled('bold', ruleWords(ruleOf(prompt, scope))),
  ]);
  return {
    about: [...table, ...rules],
    question: `Approve and write ${prompts.length === 1 ? 'this rule' : 'these rules'}?`,
    does: 'this writes rules that approve without asking',
  };
}

const VERBS: Readonly<Record<Verdict, string>> = {
  approve: 'Approve',
  reject: 'Reject',
  cancel: 'Cancel the turns of',
};

/** The command for all that an agent asks, before its id. */
const OF_AGENT: Readonly<Record<Verdict, string>> = {
  approve: 'feedback approve --agent',
  reject: 'feedback reject --agent',
  cancel: 'feedback reject --cancel --agent',
};

function oneLine(text: string): string {
  return text.slice(0, 300).replaceAll(/\s+/g, ' ');
}

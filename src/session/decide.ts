import { isDeepStrictEqual } from 'node:util';
import type { RuleCondition } from '../contract/agent-spec.js';
import { FilareError, unreachable } from '../contract/errors.js';
import type { PromptDecision, PromptOutcome, PromptRecord, StandingRule } from '../contract/session.js';
import { fixedChoices } from './next-own-prompt.js';
import { asksPerson } from './next-prompt.js';
import { closedRecord, openPrompts, toPrompt } from './prompts.js';
import type { SessionMemory } from './session-memory.js';
import type { OpenRequest, OwnPrompt, SessionState } from './state.js';

/** What somebody decides of a prompt. */
export interface DecisionRequest {
  readonly choice: string;
  readonly reason: string | null;
  readonly by: string;
  /** What the caller was shown; null: whatever it is now. */
  readonly revision: string | null;
  readonly remember: { readonly scope: 'session' | 'always'; readonly when: RuleCondition } | null;
}

/** What deciding needs of the session. */
export interface DecisionContext {
  readonly memory: SessionMemory;
  /** Prompts whose decision is being written down: the first one counts. */
  readonly deciding: Set<string>;
  readonly now_ms: () => number;
  readonly random: (characters: number) => string;
}

/** Answers that mean "no" to a question. */
const REFUSALS: readonly string[] = ['decline', 'cancel'];

/**
 * Writes a decision down; the loop carries it to exactly that request. The first one stands: a second is `conflict`, one for a prompt that is over is
 * `ended` (or `conflict` where somebody decided it), one for another revision than the prompt has is `conflict`; `details.decision` says what stands.
 */
export async function decide(
  context: DecisionContext,
  prompt_id: string,
  decision: DecisionRequest,
): Promise<{ readonly record: PromptRecord; readonly rule: StandingRule | null }> {
  const { memory } = context;
  const { state } = memory;
  const prompt = find(state, prompt_id);
  if (prompt === undefined) throw overOrUnknown(context, prompt_id);
  if ('request' in prompt && state.stage.phase !== 'running') {
    throw new FilareError({
      code: 'ended',
      message: `the attempt of ${state.agent.id} that asked ${prompt_id} is ending; nobody waits for the answer`,
      details: { decision: null },
    });
  }
  if (prompt.decision !== null) throw decidedAlready(prompt_id, standing(prompt.decision));
  if (context.deciding.has(prompt_id)) throw decidedAlready(prompt_id, null);
  const shown = toPrompt(state, prompt, memory.masker);
  refuseOtherRevision(shown.revision, decision, prompt_id);
  const fixed = 'ask' in prompt ? fixedChoices(prompt.origin) : shown.kind === 'approval' ? shown.choices : null;
  refuseOtherChoice(prompt_id, fixed, decision.choice);
  const rule = decision.remember === null ? null : ruleOf(context, prompt, decision, decision.remember);
  const outcome = outcomeOf(shown.kind, decision.choice);
  context.deciding.add(prompt_id);
  try {
    await memory.commit({
      type: 'decision',
      prompt_id,
      ...('request' in prompt ? { request_id: prompt.request.request_id } : {}),
      choice: decision.choice,
      by: decision.by,
      reason: decision.reason,
      rule: null,
      outcome,
      ...(rule === null ? {} : { remember: rule }),
    });
  } finally {
    context.deciding.delete(prompt_id);
  }
  const at = new Date(context.now_ms()).toISOString();
  const { choice, by, reason } = decision;
  return { record: { ...shown, decision: { outcome, choice, by, reason, rule: null, at } }, rule };
}

/** One prompt of the session, open or over; undefined when it is none of it, or too long ago. */
export function promptRecord(state: SessionState, memory: SessionMemory, prompt_id: string): PromptRecord | undefined {
  const open = find(state, prompt_id);
  if (open !== undefined) {
    const decision = open.decision === null ? null : standing(open.decision);
    return { ...toPrompt(state, open, memory.masker), decision };
  }
  const closed = state.closed_prompts.find(({ prompt }) => prompt.prompt_id === prompt_id);
  return closed === undefined ? undefined : closedRecord(state, closed, memory.masker);
}

/** What a prompt that is over says to whoever still answers it. */
export function overFailure(record: PromptRecord): FilareError {
  const { decision, prompt_id, id } = record;
  if (decision === null || isDecided(decision.outcome)) return decidedAlready(prompt_id, decision);
  return new FilareError({
    code: 'ended',
    message: `prompt ${prompt_id} of ${id} is over: ${OVER_WORDS[decision.outcome]}; nothing was sent`,
    hint: 'filare-agents feedback list shows what is open',
    details: { decision },
  });
}

const OVER_WORDS: Readonly<Record<Exclude<PromptOutcome, 'approved' | 'rejected' | 'cancelled' | 'answered'>, string>> =
  {
    timed_out: 'its deadline passed',
    withdrawn: 'the agent took it back',
    expired: 'the attempt or session that asked has ended',
    superseded: 'something newer took its place',
  };

function isDecided(outcome: PromptOutcome): outcome is 'approved' | 'rejected' | 'cancelled' | 'answered' {
  return outcome === 'approved' || outcome === 'rejected' || outcome === 'cancelled' || outcome === 'answered';
}

function find(state: SessionState, prompt_id: string): OpenRequest | OwnPrompt | undefined {
  return (
    state.requests.find((open) => open.prompt_id === prompt_id && (asksPerson(open) || open.decision !== null)) ??
    state.own_prompts.find((own) => own.prompt_id === prompt_id)
  );
}

function standing(decided: NonNullable<OpenRequest['decision']>): PromptDecision {
  const { at_ms, ...said } = decided;
  return { ...said, at: new Date(at_ms).toISOString() };
}

function overOrUnknown(context: DecisionContext, prompt_id: string): FilareError {
  const record = promptRecord(context.memory.state, context.memory, prompt_id);
  if (record !== undefined) return overFailure(record);
  return new FilareError({
    code: 'not_found',
    message: `no prompt ${prompt_id} is open`,
    hint:
      openPrompts(context.memory.state).length === 0
        ? 'nothing is open: filare-agents feedback list'
        : 'filare-agents feedback list',
  });
}

function decidedAlready(prompt_id: string, decision: PromptDecision | null): FilareError {
  const how = decision === null ? '' : `: ${decision.choice ?? decision.outcome} by ${decision.by}`;
  return new FilareError({
    code: 'conflict',
    message: `prompt ${prompt_id} was decided already${how}`,
    details: { decision },
  });
}

function refuseOtherRevision(now: string, decision: DecisionRequest, prompt_id: string): void {
  if (decision.revision === null || decision.revision === now) return;
  throw new FilareError({
    code: 'conflict',
    message: `prompt ${prompt_id} is not what you were shown any more; nothing was decided`,
    hint: `look again: filare-agents feedback show ${prompt_id}`,
    details: { revision: now, shown: decision.revision, decision: null },
  });
}

function refuseOtherChoice(prompt_id: string, choices: readonly string[] | null, choice: string): void {
  if (choices === null || choices.includes(choice)) return;
  throw new FilareError({
    code: 'usage',
    message: `prompt ${prompt_id} takes ${choices.join(', ')}, not ${choice.slice(0, 100)}`,
  });
}

/** The rule that the answer makes: exactly what was shown, or none. */
function ruleOf(
  context: DecisionContext,
  prompt: OpenRequest | OwnPrompt,
  decision: DecisionRequest,
  remember: NonNullable<DecisionRequest['remember']>,
): StandingRule {
  const offer = 'request' in prompt ? prompt.offer : null;
  if (offer === null || decision.choice !== 'accept') {
    throw new FilareError({
      code: 'usage',
      message:
        offer === null
          ? `no rule can be made of prompt ${prompt.prompt_id}: it is no plain command, or a rule of the manifest comes before`
          : 'only an approval makes a rule',
      hint: 'decide it for this once',
    });
  }
  if (!isDeepStrictEqual(remember.when, offer)) {
    throw new FilareError({
      code: 'conflict',
      message: `the rule for prompt ${prompt.prompt_id} is not the one that is offered; nothing was decided`,
      hint: `it would be ${JSON.stringify(offer)}`,
      details: { rule_offer: offer, decision: null },
    });
  }
  return {
    rule_id: `r-${context.random(8)}`,
    id: context.memory.state.agent.id,
    scope: remember.scope,
    when: offer,
    do: 'approve',
    reason: decision.reason,
    by: decision.by,
    prompt_id: prompt.prompt_id,
    created_at: new Date(context.now_ms()).toISOString(),
  };
}

function outcomeOf(kind: 'approval' | 'question', choice: string): PromptOutcome {
  switch (kind) {
    case 'approval':
      return choice === 'accept' ? 'approved' : choice === 'cancel' ? 'cancelled' : 'rejected';
    case 'question':
      return REFUSALS.includes(choice) ? 'rejected' : 'answered';
    default:
      return unreachable(kind);
  }
}

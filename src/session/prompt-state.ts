import { createHash } from 'node:crypto';
import type { AgentEvent, AgentRequest } from '../contract/agent-event.js';
import type { PromptOutcome } from '../contract/session.js';
import type { Policy } from '../inbox/policy.js';
import { promptId } from '../transcript/prompt-id.js';
import { commandVerdict } from './command-verdict.js';
import { runsCommands } from './project-commands.js';
import type { Limit, SessionFact } from './record.js';
import type { ClosedPrompt, Decided, OpenRequest, OwnPrompt, SessionState } from './state.js';

/** Prompts that are over and still known with what became of them, a session. */
export const MAX_CLOSED_PROMPTS = 200;
/** How much of what a closed prompt asked is kept, in characters of JSON; all of it is in the transcript. */
const MAX_CLOSED_CHARS = 8 * 1024;

type DecisionFact = Extract<SessionFact, { type: 'decision' }>;

/** The state with a request that the agent made, judged in this moment: rules that come later do not change what was asked. */
export function openRequest(
  state: SessionState,
  event: Extract<AgentEvent, { type: 'request' }>,
  time_ms: number,
  policy: Policy,
): SessionState {
  const { request } = event;
  const rules = { escalation: state.agent.escalation, standing: state.rules };
  const isApproval = request.kind === 'approval';
  const isCommand = request.kind === 'tool' && runsCommands(state.agent, request.action['tool']);
  const verdict = isCommand ? commandVerdict(state, request, policy) : policy.judge(request, rules);
  const prompt_id = promptId(state.session_id, state.attempt, request.request_id);
  const open: OpenRequest = {
    prompt_id,
    attempt: state.attempt,
    request,
    opened_ms: event.time_ms ?? time_ms,
    verdict,
    revision: revisionOf(prompt_id, request),
    offer: isApproval && verdict.do === 'ask' ? policy.offer(request, rules) : null,
    reminded: false,
    notified: false,
    decision: null,
  };
  return { ...state, requests: [...state.requests, open] };
}

/** The state without the requests that `leaves` names: closed as they were decided, or with `undecided` where nobody had. */
export function closeRequests(
  state: SessionState,
  leaves: (open: OpenRequest) => boolean,
  undecided: { readonly outcome: PromptOutcome; readonly by: string; readonly at_ms: number },
): SessionState {
  const gone = state.requests.filter(leaves);
  if (gone.length === 0) return state;
  const closed = gone.filter(isPrompt).map((open) => close(open, open.decision ?? undecided));
  return {
    ...state,
    requests: state.requests.filter((open) => !leaves(open)),
    closed_prompts: remember(state, closed),
  };
}

/** The state without questions of its own: all of them, for a session that has ended. */
export function closeOwnPrompts(state: SessionState, outcome: PromptOutcome, by: string, at_ms: number): SessionState {
  if (state.own_prompts.length === 0) return state;
  const closed = state.own_prompts.map((own) => close(own, own.decision ?? { outcome, by, at_ms }));
  return { ...state, own_prompts: [], closed_prompts: remember(state, closed) };
}

/** The state after somebody, or something, decided a prompt. An answer to a question of ours waits until it is in the outbox. */
export function applyDecision(state: SessionState, fact: DecisionFact, at_ms: number): SessionState {
  const { choice, by, reason, rule, outcome } = fact;
  const decision: Decided = { choice, by, reason, rule, outcome, at_ms };
  const ruled = fact.remember === undefined ? state : { ...state, rules: [...state.rules, fact.remember] };
  const own = ruled.own_prompts.find((one) => one.prompt_id === fact.prompt_id);
  if (own === undefined) {
    return {
      ...ruled,
      requests: ruled.requests.map((open) => (open.prompt_id === fact.prompt_id ? { ...open, decision } : open)),
    };
  }
  if (outcome === 'answered') {
    const own_prompts = ruled.own_prompts.map((one) => (one === own ? { ...own, decision } : one));
    return { ...ruled, own_prompts };
  }
  return closeOwn(ruled, own, decision);
}

/** The state after an answer went into the outbox: the question is over, and a pause that waited for it too. */
export function answerInOutbox(state: SessionState, prompt_id: string): SessionState {
  const own = state.own_prompts.find((one) => one.prompt_id === prompt_id);
  if (own?.decision == null) return state;
  const after = closeOwn(state, own, own.decision);
  return after.paused?.prompt_id === prompt_id ? { ...after, paused: null } : after;
}

/** The state after the operator was reminded, or told, of a prompt. */
export function markPrompt(
  state: SessionState,
  prompt_id: string,
  what: { readonly reminded: true } | { readonly notified: true },
): SessionState {
  const mark = <P extends OpenRequest | OwnPrompt>(one: P): P =>
    one.prompt_id === prompt_id ? { ...one, ...what } : one;
  return { ...state, requests: state.requests.map(mark), own_prompts: state.own_prompts.map(mark) };
}

/** The state after a session was paused, with the question whose answer lets it go on. */
export function applyPaused(
  state: SessionState,
  fact: Extract<SessionFact, { type: 'paused' }>,
  at_ms: number,
): SessionState {
  const before = supersede(state, fact.by, at_ms);
  const { stage } = before;
  const turn = stage.phase === 'running' ? stage.turn : null;
  const interrupted =
    fact.interrupt && stage.phase === 'running' && turn !== null
      ? { ...before, stage: { ...stage, turn: { ...turn, interrupting: true } } }
      : before;
  const limit = fact.limit ?? null;
  const paused = { by: fact.by, at_ms, prompt_id: fact.ask?.prompt_id ?? null, limit };
  if (fact.ask === undefined) return { ...interrupted, paused };
  const { prompt_id, ...ask } = fact.ask;
  const own: OwnPrompt = {
    prompt_id,
    origin: limit === null ? 'pause' : 'limit',
    asked_by: fact.by,
    ask,
    opened_ms: at_ms,
    reminded: false,
    notified: false,
    decision: null,
  };
  return { ...interrupted, paused, own_prompts: [...interrupted.own_prompts, own] };
}

/** The state after a paused session was let go on: a question of the pause that nobody answered is superseded, and a limit that was the reason is raised. */
export function applyResumed(state: SessionState, by: string, at_ms: number): SessionState {
  const limit = state.paused?.limit ?? null;
  const after = { ...supersede(state, by, at_ms), paused: null };
  return limit === null ? after : raise(after, limit);
}

/** The state after a limit was raised: what was held because of it goes on. */
export function raise(state: SessionState, limit: Limit): SessionState {
  return {
    ...state,
    raised: { ...state.raised, [limit]: state.raised[limit] + 1 },
    paused: state.paused?.limit === limit ? null : state.paused,
  };
}

/** The state after a prompt of ours is done: it is closed as it was decided, or as `undecided` says. */
export function settle(
  state: SessionState,
  prompt_id: string | undefined,
  undecided: { readonly outcome: PromptOutcome; readonly by: string; readonly at_ms: number },
): SessionState {
  const own = state.own_prompts.find((one) => one.prompt_id === prompt_id);
  if (own === undefined) return state;
  return closeOwn(state, own, own.decision ?? { ...undecided, choice: '', reason: null, rule: null });
}

/** Whether it is something for the inbox: a call of a tool, and what nobody can decide, is not. */
export function isPrompt(open: OpenRequest): boolean {
  return open.request.kind === 'approval' || open.request.kind === 'question';
}

function revisionOf(prompt_id: string, { method, summary, reason, action, choices }: AgentRequest): string {
  const asked = JSON.stringify([prompt_id, method, summary, reason, action, choices]);
  return `v-${createHash('sha256').update(asked).digest('hex').slice(0, 12)}`;
}

/** An answer that is on its way already is let through: it was given. */
function supersede(state: SessionState, by: string, at_ms: number): SessionState {
  const own = state.own_prompts.find((one) => one.prompt_id === state.paused?.prompt_id);
  if (own === undefined || own.decision !== null) return state;
  return closeOwn(state, own, { choice: '', by, reason: null, rule: null, outcome: 'superseded', at_ms });
}

function closeOwn(state: SessionState, own: OwnPrompt, decision: Decided): SessionState {
  return {
    ...state,
    own_prompts: state.own_prompts.filter((one) => one.prompt_id !== own.prompt_id),
    closed_prompts: remember(state, [close(own, decision)]),
  };
}

function close(
  prompt: OpenRequest | OwnPrompt,
  decision: Decided | { readonly outcome: PromptOutcome; readonly by: string; readonly at_ms: number },
): ClosedPrompt {
  const decided = 'choice' in decision ? decision : { ...decision, choice: null, reason: null, rule: null };
  const { outcome, choice, by, reason, rule, at_ms } = decided;
  const at = new Date(at_ms).toISOString();
  return {
    prompt: shortened(prompt),
    decision: { outcome, choice: choice === '' ? null : choice, by, reason, rule, at },
  };
}

function remember(state: SessionState, closed: readonly ClosedPrompt[]): readonly ClosedPrompt[] {
  return [...state.closed_prompts, ...closed].slice(-MAX_CLOSED_PROMPTS);
}

function shortened(prompt: OpenRequest | OwnPrompt): OpenRequest | OwnPrompt {
  if ('ask' in prompt || JSON.stringify(prompt.request.action).length <= MAX_CLOSED_CHARS) return prompt;
  const action = { type: prompt.request.action['type'], shortened: true };
  return { ...prompt, request: { ...prompt.request, action } };
}

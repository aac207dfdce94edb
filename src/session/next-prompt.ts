import { unreachable } from '../contract/errors.js';
import { isToolName } from '../contract/tools.js';
import { ASK_OPERATOR } from '../codex/ask-operator.js';
import type { Asked } from '../transcript/story-fact.js';
import { promptId } from '../transcript/prompt-id.js';
import { heldBack } from './command-verdict.js';
import type { Observed, Step } from './next.js';
import { runsCommands } from './project-commands.js';
import { isPrompt } from './prompt-state.js';
import type { SessionFact } from './record.js';
import type { OpenRequest, OwnPrompt, SessionState } from './state.js';

/** Who decides when a deadline passes, as records say. */
export const BY_DEADLINE = 'deadline';
/** Who decides what needs nobody, as records say. */
const BY_US = 'filare-agents';

type Decision = Extract<SessionFact, { type: 'decision' }>;

/** The next step about what the agent asks, or undefined when all of it waits for a person or for Codex. */
export function nextPrompt(state: SessionState, observed: Observed, now_ms: number): Step | undefined {
  for (const open of state.requests) {
    const step =
      open.decision === null ? nextUndecided(state, open, observed, now_ms) : nextDecided(state, open, observed);
    if (step !== undefined) return step;
  }
  return undefined;
}

/** When something about an open prompt is due by itself, in milliseconds since the epoch: a reminder or a deadline; null when nothing is. */
export function nextDue(state: SessionState): number | null {
  const { remind_after_ms, deadline_ms } = state.agent.escalation;
  const waiting = [
    ...state.requests.filter((open) => open.decision === null && asksPerson(open)),
    ...state.own_prompts,
  ];
  const due = waiting.flatMap((one) => [
    ...(remind_after_ms === undefined || one.reminded ? [] : [one.opened_ms + remind_after_ms]),
    ...(deadline_ms === undefined ? [] : [one.opened_ms + deadline_ms]),
  ]);
  return due.length === 0 ? null : Math.min(...due);
}

/** Whether a person is waited for: an approval that the policy leaves to one, or a question that the agent waits with. */
export function asksPerson(open: OpenRequest): boolean {
  if (!isPrompt(open)) return false;
  return open.request.kind === 'approval' ? open.verdict.do === 'ask' : isBlocking(open);
}

/** Whether the agent waits for the answer; a question of its own that it does not wait for is answered with "asked" at once. */
export function isBlocking({ request }: OpenRequest): boolean {
  return request.action['blocking'] !== false;
}

function nextDecided(state: SessionState, open: OpenRequest, observed: Observed): Step | undefined {
  const { on_deadline } = state.agent.escalation;
  if (open.decision?.outcome === 'timed_out' && on_deadline === 'stop' && state.desired === 'running')
    return commit({ type: 'desired', desired: 'stopped', by: BY_DEADLINE });
  return observed.answered.has(open.prompt_id) ? undefined : { do: 'answer', open };
}

function nextUndecided(state: SessionState, open: OpenRequest, observed: Observed, now_ms: number): Step | undefined {
  const { request, verdict } = open;
  switch (request.kind) {
    case 'approval':
      if (verdict.do === 'ask') return nextWaiting(state, open, now_ms, 'decline');
      return commit({
        ...decisionOf(open, verdict.do === 'approve' ? 'accept' : 'decline', 'policy'),
        outcome: verdict.do === 'approve' ? 'approved' : 'rejected',
        reason: verdict.reason,
        rule: verdict.rule,
      });
    case 'question':
      return isBlocking(open) ? nextWaiting(state, open, now_ms, 'decline') : askLater(state, open);
    case 'tool':
      if (!servesTool(state, open)) return commit(unsupported(open));
      if (isHeldBack(state, open))
        return commit({
          ...decisionOf(open, 'unsupported', 'policy'),
          outcome: 'rejected',
          rule: verdict.rule,
          reason: heldBack(verdict),
        });
      return observed.calling.has(open.prompt_id) ? undefined : { do: 'call', open };
    case 'other':
      return commit(unsupported(open));
    default:
      return unreachable(request.kind);
  }
}

/** A prompt that a person has: its deadline, then its reminder. Nothing is ever approved because time ran out. */
export function nextWaiting(
  state: SessionState,
  prompt: OpenRequest | OwnPrompt,
  now_ms: number,
  late_choice: string,
): Step | undefined {
  const { remind_after_ms, deadline_ms } = state.agent.escalation;
  if (deadline_ms !== undefined && now_ms >= prompt.opened_ms + deadline_ms) {
    return commit({
      ...decisionOf(prompt, late_choice, BY_DEADLINE),
      outcome: 'timed_out',
      rule: 'escalation.deadline',
      reason: 'nobody answered in time',
    });
  }
  if (remind_after_ms !== undefined && !prompt.reminded && now_ms >= prompt.opened_ms + remind_after_ms)
    return commit({ type: 'reminded', prompt_id: prompt.prompt_id });
  return undefined;
}

/** Puts a question that the agent does not wait for into the inbox, then tells the agent so. */
function askLater(state: SessionState, open: OpenRequest): Step {
  const prompt_id = promptId(state.session_id, open.attempt, `later-${String(open.request.request_id)}`);
  const isAsked =
    state.own_prompts.some((own) => own.prompt_id === prompt_id) ||
    state.closed_prompts.some(({ prompt }) => prompt.prompt_id === prompt_id);
  if (isAsked) {
    return commit({
      ...decisionOf(
        open,
        'The operator was asked. Go on with your work; the answer will reach you as a message.',
        BY_US,
      ),
      outcome: 'answered',
    });
  }
  const { question, choices, suggested_reply, severity } = questionOf(open);
  return commit({
    type: 'question',
    prompt_id,
    asked_by: state.agent.id,
    ask: {
      question,
      choices,
      ...(suggested_reply === null ? {} : { suggested_reply }),
      ...(severity === null ? {} : { severity }),
    },
  });
}

function questionOf({ request }: OpenRequest): {
  question: string;
  choices: string[];
  suggested_reply: string | null;
  severity: 'info' | 'warning' | 'critical' | null;
} {
  const { action } = request;
  const [first] = Array.isArray(action['questions']) ? (action['questions'] as readonly unknown[]) : [];
  const asked = typeof first === 'object' && first !== null && 'question' in first ? String(first.question) : '';
  const suggested = action['suggested_reply'];
  const severity = action['severity'];
  return {
    question: (asked === '' ? request.summary : asked).slice(0, 100_000),
    choices: request.choices.slice(0, 50).map((choice) => choice.slice(0, 1000)),
    suggested_reply: typeof suggested === 'string' ? suggested.slice(0, 10_000) : null,
    severity: severity === 'info' || severity === 'warning' || severity === 'critical' ? severity : null,
  };
}

/** Whether this agent was given that tool. */
function servesTool(state: SessionState, { request }: OpenRequest): boolean {
  const { tool, namespace } = request.action;
  if (namespace !== null || typeof tool !== 'string' || tool === ASK_OPERATOR) return false;
  return runsCommands(state.agent, tool) || (state.agent.orchestrates !== undefined && isToolName(tool));
}

/** Whether a rule keeps a command of the project for the operator. */
function isHeldBack(state: SessionState, { request, verdict }: OpenRequest): boolean {
  return runsCommands(state.agent, request.action['tool']) && verdict.do !== 'approve';
}

function unsupported(open: OpenRequest): Decision {
  return {
    ...decisionOf(open, 'unsupported', BY_US),
    outcome: 'rejected',
    rule: 'not supported by this version',
    reason: `filare-agents cannot serve ${open.request.method}`,
  };
}

function decisionOf(prompt: OpenRequest | OwnPrompt, choice: string, by: string): Omit<Decision, 'outcome'> {
  const { prompt_id } = prompt;
  const request = 'request' in prompt ? { request_id: prompt.request.request_id } : {};
  return { type: 'decision', prompt_id, ...request, choice, by, reason: null, rule: null };
}

function commit(fact: SessionFact): Step {
  return { do: 'commit', fact };
}

/** What became of the request that was opened last. */
export function askedOf({ requests }: SessionState): Asked | undefined {
  const open = requests.at(-1);
  return open === undefined ? undefined : { asks: asksPerson(open), categories: open.verdict.categories };
}

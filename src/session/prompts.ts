import type { Prompt, PromptRecord } from '../contract/session.js';
import { cleanData, cleanText } from '../transcript/clean-data.js';
import type { Masker } from '../transcript/mask.js';
import { asksPerson } from './next-prompt.js';
import type { ClosedPrompt, OpenRequest, OwnPrompt, SessionState } from './state.js';

const CATEGORY_WORDS = {
  network: 'reaches the network',
  destructive: 'destroys',
  git_push: 'pushes with git',
  package_install: 'installs packages',
  outside_workspace: 'leaves the workspace',
} as const;

/** Requests that wait for a person; what the policy decides by itself is not among them, even in the moment before it has. */
export function openForPerson(state: SessionState): readonly OpenRequest[] {
  return state.requests.filter((open) => open.decision === null && asksPerson(open));
}

/** Everything of the session that lies in the inbox, oldest first. */
export function openPrompts(state: SessionState): readonly (OpenRequest | OwnPrompt)[] {
  const own = state.own_prompts.filter((one) => one.decision === null);
  return [...openForPerson(state), ...own].sort((a, b) => a.opened_ms - b.opened_ms);
}

/** Prompts in whose way no message may come: the agent waits for them, or the session is held until they are answered. */
export function promptsInTheWay(state: SessionState): readonly (OpenRequest | OwnPrompt)[] {
  const holds = state.own_prompts.filter((own) => own.decision === null && own.prompt_id === state.paused?.prompt_id);
  return [...openForPerson(state), ...holds];
}

/** A prompt as people see it: secrets masked, long texts cut (all of it is in the journal). */
export function toPrompt(state: SessionState, prompt: OpenRequest | OwnPrompt, masker: Masker): Prompt {
  const { agent } = state;
  const said = 'ask' in prompt ? ofOwn(prompt) : ofRequest(state, prompt);
  const { deadline_ms } = agent.escalation;
  const action =
    agent.operator_contact === undefined ? said.action : { ...said.action, operator_contact: agent.operator_contact };
  return {
    prompt_id: prompt.prompt_id,
    session_id: state.session_id,
    id: agent.id,
    role: agent.role,
    workspace: agent.workspace.path,
    branch: state.branch,
    kind: said.kind,
    origin: said.origin,
    blocking: said.blocking,
    asked_by: said.asked_by,
    reason: said.reason === null ? null : cleanText(said.reason, masker),
    summary: cleanText(said.summary, masker),
    requested_action: cleanData(action, masker),
    choices: said.choices.map((choice) => cleanText(choice, masker)),
    suggested_reply: said.suggested_reply === null ? null : cleanText(said.suggested_reply, masker),
    severity: said.severity,
    categories: [...said.categories],
    rule_offer: said.rule_offer,
    revision: said.revision,
    created_at: new Date(prompt.opened_ms).toISOString(),
    deadline: deadline_ms === undefined ? null : new Date(prompt.opened_ms + deadline_ms).toISOString(),
  };
}

/** A prompt that is over, with what became of it. */
export function closedRecord(state: SessionState, closed: ClosedPrompt, masker: Masker): PromptRecord {
  const { reason, choice, ...decision } = closed.decision;
  return {
    ...toPrompt(state, closed.prompt, masker),
    decision: {
      ...decision,
      choice: choice === null ? null : cleanText(choice, masker),
      reason: reason === null ? null : cleanText(reason, masker),
    },
  };
}

/** What a prompt says of itself, before secrets are masked in it. */
interface Said extends Pick<
  Prompt,
  | 'kind'
  | 'origin'
  | 'blocking'
  | 'asked_by'
  | 'reason'
  | 'summary'
  | 'choices'
  | 'suggested_reply'
  | 'severity'
  | 'rule_offer'
  | 'revision'
> {
  readonly action: Readonly<Record<string, unknown>>;
  readonly categories: Prompt['categories'];
}

const OWN_REASONS: Readonly<Record<OwnPrompt['origin'], string | null>> = {
  ask_operator: null,
  pause: 'the agent is held until this is answered',
  limit: 'the agent is held until this is answered',
  stall: 'quiet is not dead: it goes on meanwhile',
  crash_loop: 'it is not started again until this is answered',
};

function ofOwn(own: OwnPrompt): Said {
  const { question, choices = [], suggested_reply = null, severity = 'info' } = own.ask;
  return {
    kind: 'question',
    origin: own.origin,
    blocking: own.origin === 'pause' || own.origin === 'limit',
    asked_by: own.asked_by,
    reason: OWN_REASONS[own.origin],
    summary: `${own.asked_by} asks: ${question}`,
    action: { type: 'question', questions: [{ id: own.origin, question, header: '', secret: false, choices }] },
    choices,
    suggested_reply,
    severity,
    categories: [],
    rule_offer: null,
    // Nothing of it ever changes.
    revision: `v-${own.prompt_id.slice(2)}`,
  };
}

function ofRequest(state: SessionState, open: OpenRequest): Said {
  const { request, verdict } = open;
  const suggested = request.action['suggested_reply'];
  const severity = request.action['severity'];
  const isOperatorTool = request.method === 'item/tool/call';
  return {
    kind: request.kind === 'approval' ? 'approval' : 'question',
    origin: isOperatorTool ? 'ask_operator' : 'codex',
    blocking: true,
    asked_by: state.agent.id,
    reason: request.reason,
    summary: summaryOf(state, open),
    action: request.action,
    choices: [...request.choices],
    suggested_reply: typeof suggested === 'string' ? suggested : null,
    severity:
      severity === 'warning' || severity === 'critical'
        ? severity
        : verdict.categories.includes('destructive')
          ? 'warning'
          : 'info',
    categories: [...verdict.categories],
    rule_offer: open.offer,
    revision: open.revision,
  };
}

/** Who asks, what for, what it touches, and why. */
function summaryOf(state: SessionState, { request, verdict }: OpenRequest): string {
  const who = `${state.agent.id} (${state.agent.role})`;
  if (request.kind !== 'approval') return `${who} asks: ${request.summary}`;
  const touches = verdict.categories.map((category) => CATEGORY_WORDS[category]);
  const what =
    /^[A-Z][a-z]/.test(request.summary) && !request.summary.startsWith('The MCP server')
      ? `wants to ${request.summary.charAt(0).toLowerCase()}${request.summary.slice(1)}`
      : `asks: ${request.summary}`;
  const mark = /[.!?…]$/.test(what) ? '' : '.';
  return [
    `${who} ${what}${touches.length === 0 ? mark : `; it ${joined(touches)}.`}`,
    ...(request.reason === null ? [] : [`Its reason: ${request.reason}`]),
  ].join(' ');
}

function joined(words: readonly string[]): string {
  if (words.length < 2) return words.join('');
  return `${words.slice(0, -1).join(', ')} and ${words.at(-1) ?? ''}`;
}

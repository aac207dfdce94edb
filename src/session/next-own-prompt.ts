import { unreachable } from '../contract/errors.js';
import { promptId } from '../transcript/prompt-id.js';
import { LIMIT_CHOICES } from './next-limit.js';
import { nextWaiting } from './next-prompt.js';
import type { Step } from './next.js';
import type { SessionFact } from './record.js';
import type { OwnPrompt, SessionState, Stage } from './state.js';

/** Answers to a prompt about a turn that shows no sign. */
export const STALL_CHOICES = ['wait', 'interrupt', 'restart'] as const;
/** Answers to a prompt about attempts that fail one after the other. */
export const CRASH_LOOP_CHOICES = ['try again', 'give up'] as const;

/** The answers that a prompt of ours takes, and no others; null where any text is one. */
export function fixedChoices(origin: OwnPrompt['origin']): readonly string[] | null {
  switch (origin) {
    case 'limit':
      return LIMIT_CHOICES;
    case 'stall':
      return STALL_CHOICES;
    case 'crash_loop':
      return CRASH_LOOP_CHOICES;
    case 'pause':
    case 'ask_operator':
      return null;
    default:
      return unreachable(origin);
  }
}

/** The next step of a running session about questions that no request of Codex waits for. */
export function nextOwnPrompt(
  state: SessionState,
  stage: Extract<Stage, { phase: 'running' }>,
  now_ms: number,
): Step | undefined {
  for (const own of state.own_prompts) {
    // It runs: what was asked about its attempts is past.
    if (own.origin === 'crash_loop') return commit({ type: 'settled', prompt_id: own.prompt_id, outcome: 'withdrawn' });
    const step =
      own.decision === null
        ? nextWaiting(state, own, now_ms, '')
        : commit(consequence(state, stage, own, own.decision));
    if (step !== undefined) return step;
  }
  return undefined;
}

/** The next step of a session whose attempts have failed as often as its manifest lets them: a person decides, or time is up. */
export function nextCrashLoop(
  state: SessionState,
  stage: Extract<Stage, { phase: 'backing_off' }>,
  now_ms: number,
): Step {
  const own = state.own_prompts.find((one) => one.origin === 'crash_loop');
  const times = String(state.failures);
  if (own === undefined) {
    return commit({
      type: 'question',
      prompt_id: promptId(state.session_id, state.attempt, 'crash-loop'),
      asked_by: 'filare-agents',
      origin: 'crash_loop',
      ask: {
        question: `${state.agent.id} failed ${times} times in a row, the last time because: ${stage.reason}. Try again?`,
        choices: [...CRASH_LOOP_CHOICES],
        severity: 'critical',
      },
    });
  }
  const { deadline_ms } = state.agent.escalation;
  const late_ms = deadline_ms === undefined ? null : own.opened_ms + deadline_ms;
  const gives_up = own.decision !== null && own.decision.choice !== CRASH_LOOP_CHOICES[0];
  if (gives_up || (own.decision === null && late_ms !== null && now_ms >= late_ms)) {
    const failure = stage.failure === null ? {} : { code: stage.failure.code };
    const hint = stage.failure?.hint == null ? {} : { hint: stage.failure.hint };
    const reason = `${stage.reason}; given up after ${times} failures in a row`;
    return commit({ type: 'ended', phase: 'failed', reason, ...failure, ...hint });
  }
  if (own.decision !== null) return commit({ type: 'retried', by: own.decision.by, settles: own.prompt_id });
  return late_ms === null ? { do: 'nothing' } : { do: 'wait', until_ms: late_ms };
}

function consequence(
  state: SessionState,
  stage: Extract<Stage, { phase: 'running' }>,
  own: OwnPrompt,
  decision: NonNullable<OwnPrompt['decision']>,
): SessionFact {
  const { choice, by } = decision;
  const settles = own.prompt_id;
  switch (own.origin) {
    case 'pause':
    case 'ask_operator':
      return answerMessage(state, own, decision);
    case 'limit':
      if (choice === 'stop') return { type: 'desired', desired: 'stopped', by, settles };
      return { type: 'limit_raised', limit: state.paused?.limit ?? 'turns', by, settles };
    case 'stall':
      if (choice === 'restart') return { type: 'desired', desired: 'restarted', by, settles };
      if (choice === 'interrupt' && stage.turn !== null)
        return { type: 'interrupt', turn_id: stage.turn.turn_id, by, settles };
      return { type: 'settled', prompt_id: settles, outcome: 'answered' };
    case 'crash_loop':
      return { type: 'settled', prompt_id: settles, outcome: 'answered' };
    default:
      return unreachable(own.origin);
  }
}

/** The answer to a question, as the message that the agent gets: what was asked, and who answers. */
function answerMessage(state: SessionState, own: OwnPrompt, decision: NonNullable<OwnPrompt['decision']>): SessionFact {
  const { choice, by, reason } = decision;
  const who = by === 'operator' ? 'The operator' : by;
  const asked = own.asked_by === state.agent.id ? 'was asked by you' : 'was asked about you';
  const why = reason === null ? '' : `\n\n${reason}`;
  return {
    type: 'message',
    message_id: `m-${own.prompt_id.slice(2)}`,
    from: by,
    text: `${who} ${asked}: ${own.ask.question}\n\nThe answer: ${choice}${why}`,
    images: [],
    mode: 'queue',
    answers: own.prompt_id,
  };
}

function commit(fact: SessionFact): Step {
  return { do: 'commit', fact };
}

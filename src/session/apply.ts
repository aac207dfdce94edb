import { unreachable } from '../contract/errors.js';
import type { Policy } from '../inbox/policy.js';
import { applyEvent } from './apply-event.js';
import {
  answerInOutbox,
  applyDecision,
  applyPaused,
  applyResumed,
  closeOwnPrompts,
  closeRequests,
  markPrompt,
  raise,
  settle,
} from './prompt-state.js';
import { withIdle } from './progress.js';
import type { EndCause, SessionFact } from './record.js';
import { NO_TOKENS, type Applied, type OutboxMessage, type SessionState, type Stage } from './state.js';

/** What ends an attempt and is no failure of the agent. */
const NOT_OF_THE_AGENT: ReadonlySet<EndCause> = new Set([
  'launch_interrupted',
  'machine_restarted',
  'engine_restarted',
]);
/** Messages whose repeated sending is noticed, a session. */
const MAX_KEYED = 500;

/** The state of a session at its first record. */
export function firstState(
  session_id: string,
  fact: Extract<SessionFact, { type: 'created' }>,
  time_ms: number,
): SessionState {
  return {
    session_id,
    agent: fact.agent,
    rehearsal: fact.rehearsal,
    max_parallel: fact.max_parallel ?? null,
    fork: fact.fork ?? null,
    desired: 'running',
    restart_asked: false,
    stop_grace_ms: null,
    stage: { phase: 'queued', reason: null },
    attempt: 0,
    attempts: [],
    progress: 'none',
    failures: 0,
    branch: null,
    synced: null,
    thread_id: null,
    tokens: NO_TOKENS,
    outbox: [],
    keyed: [],
    requests: [],
    own_prompts: [],
    closed_prompts: [],
    rules: fact.rules ?? [],
    paused: null,
    turns: 0,
    journal_lost_in: null,
    raised: { turns: 0, tokens: 0, wall_time: 0 },
    boot_id: null,
    image_id: null,
    started_ms: time_ms,
    last_seen_ms: time_ms,
  };
}

/** The state after one more thing happened; requests are judged by the policy. Pure: live view and recovery after a crash are the same fold. */
export function apply(state: SessionState, applied: Applied, policy: Policy): SessionState {
  switch (applied.from) {
    case 'ledger':
      return withIdle(applyFact(state, applied.fact, applied.time_ms));
    case 'agent':
      return withIdle(applyEvent(state, applied.event, applied.time_ms, policy));
    default:
      return unreachable(applied);
  }
}

function applyFact(state: SessionState, fact: SessionFact, time_ms: number): SessionState {
  switch (fact.type) {
    case 'created':
      // The same whether it was made just now or is read again.
      return { ...state, started_ms: time_ms, last_seen_ms: time_ms };
    case 'said':
      return state;
    case 'journal_given_back':
      return { ...state, journal_lost_in: null };
    case 'desired':
      return applyDesired(settled(state, fact, time_ms), fact);
    case 'waiting':
      return { ...state, stage: { phase: 'queued', reason: fact.reason } };
    case 'attempt_begun':
      return {
        ...state,
        attempt: state.attempt + 1,
        restart_asked: false,
        stage: { phase: 'preparing' },
        boot_id: fact.boot_id ?? null,
        attempts: [
          ...state.attempts,
          { attempt: state.attempt + 1, started_ms: time_ms, ended_ms: null, end_reason: null },
        ],
        last_seen_ms: time_ms,
      };
    case 'workspace_ready':
      return { ...state, branch: fact.branch };
    case 'container_created':
      return {
        ...state,
        image_id: fact.image_id,
        stage: { phase: 'starting', container: { id: fact.container_id, name: fact.container_name }, started: false },
      };
    case 'container_started':
      return state.stage.phase === 'starting' ? { ...state, stage: { ...state.stage, started: true } } : state;
    case 'running':
      if (state.stage.phase !== 'starting') return state;
      return {
        ...state,
        thread_id: fact.thread_id,
        progress: state.progress === 'none' ? 'started' : state.progress,
        stage: { phase: 'running', container: state.stage.container, turn: null },
      };
    case 'message':
      return applyMessage(state, fact, time_ms);
    case 'sent':
      return {
        ...state,
        outbox: state.outbox.map((m) =>
          m.message_id === fact.message_id ? { ...m, sent: true, accepted_by: null } : m,
        ),
      };
    case 'not_taken':
      return {
        ...state,
        outbox: fact.again
          ? state.outbox.map((m) =>
              m.message_id === fact.message_id ? { ...m, sent: false, accepted_by: null, mode: 'queue' } : m,
            )
          : state.outbox.filter((m) => m.message_id !== fact.message_id),
      };
    case 'interrupt':
      return mapTurn(settled(state, fact, time_ms), fact.turn_id, (turn) => ({ ...turn, interrupting: true }));
    case 'decision':
      return applyDecision(state, fact, time_ms);
    case 'question': {
      const { prompt_id, asked_by, ask, origin = 'ask_operator' } = fact;
      const own = { prompt_id, origin, asked_by, ask, opened_ms: time_ms, reminded: false, notified: false } as const;
      return { ...state, own_prompts: [...state.own_prompts, { ...own, decision: null }] };
    }
    case 'settled':
      return settle(state, fact.prompt_id, { outcome: fact.outcome, by: 'filare-agents', at_ms: time_ms });
    case 'limit_raised':
      return raise(settled(state, fact, time_ms), fact.limit);
    case 'retried':
      return { ...settled(state, fact, time_ms), failures: 0 };
    case 'reminded':
      return markPrompt(state, fact.prompt_id, { reminded: true });
    case 'notified':
      return markPrompt(state, fact.prompt_id, { notified: true });
    case 'rule_forgotten':
      return { ...state, rules: state.rules.filter((rule) => rule.rule_id !== fact.rule_id) };
    case 'paused':
      return applyPaused(state, fact, time_ms);
    case 'resumed':
      return applyResumed(state, fact.by, time_ms);
    case 'nothing_to_sync':
      return { ...state, nothing_to_sync: true };
    case 'synced':
      return {
        ...state,
        synced: { commit: fact.commit, into: fact.into, at_ms: time_ms },
        not_brought_home: null,
      };
    case 'not_brought_home':
      return { ...state, not_brought_home: fact.why };
    case 'attempt_ending':
      return {
        ...state,
        journal_lost_in: fact.cause === 'journal_damaged' ? state.attempt : state.journal_lost_in,
        stage: {
          phase: 'stopping',
          container: containerOf(state.stage),
          cause: fact.cause,
          reason: fact.reason,
          grace_ms: fact.grace_ms,
          failure: fact.code === undefined ? null : { code: fact.code, hint: fact.hint ?? null },
        },
      };
    case 'attempt_ended':
      return applyAttemptEnded(state, time_ms);
    case 'backing_off':
      return state.stage.phase === 'backing_off'
        ? { ...state, stage: { ...state.stage, until_ms: fact.until_ms } }
        : state;
    case 'ended':
      return { ...expire(state, time_ms), stage: endedStage(fact, time_ms) };
    default:
      return unreachable(fact);
  }
}

function applyDesired(state: SessionState, fact: Extract<SessionFact, { type: 'desired' }>): SessionState {
  switch (fact.desired) {
    case 'running':
      return state.desired === 'stopped' ? state : { ...state, stop_grace_ms: null };
    case 'stopped':
      return { ...state, desired: 'stopped', stop_grace_ms: fact.grace_ms ?? null };
    case 'restarted':
      // A stop is final: what is asked of a session after it is asked of nobody.
      if (state.desired === 'stopped') return state;
      return { ...state, desired: 'running', restart_asked: true, stop_grace_ms: fact.grace_ms ?? null };
    default:
      return unreachable(fact.desired);
  }
}

function applyMessage(
  state: SessionState,
  fact: Extract<SessionFact, { type: 'message' }>,
  time_ms: number,
): SessionState {
  const { answers, keyed, ...said } = fact;
  const outbox = insertMessage(state.outbox, { ...said, queued_ms: time_ms, sent: false, accepted_by: null });
  const after = {
    ...state,
    outbox,
    keyed: keyed === true ? [...state.keyed, fact.message_id].slice(-MAX_KEYED) : state.keyed,
  };
  return answers === undefined ? after : answerInOutbox(after, answers);
}

function settled(state: SessionState, fact: { readonly settles?: string | undefined }, at_ms: number): SessionState {
  return settle(state, fact.settles, { outcome: 'answered', by: 'filare-agents', at_ms });
}

/** Nobody waits for an answer any more: what was not decided has expired. */
function expire(state: SessionState, at_ms: number): SessionState {
  const undecided = { outcome: 'expired', by: 'filare-agents', at_ms } as const;
  return closeOwnPrompts(
    closeRequests(state, () => true, undecided),
    'expired',
    'filare-agents',
    at_ms,
  );
}

/** Interrupting and steering messages go before those that wait, in the order they came among themselves. */
function insertMessage(outbox: readonly OutboxMessage[], message: OutboxMessage): readonly OutboxMessage[] {
  if (message.mode === 'queue') return [...outbox, message];
  const firstWaiting = outbox.findIndex((m) => !m.sent && m.mode === 'queue');
  return firstWaiting === -1 ? [...outbox, message] : outbox.toSpliced(firstWaiting, 0, message);
}

function endedStage(fact: Extract<SessionFact, { type: 'ended' }>, at_ms: number): Stage {
  if (fact.phase === 'stopped') return { phase: 'stopped', reason: fact.reason, at_ms };
  const failure = fact.code === undefined ? null : { code: fact.code, hint: fact.hint ?? null };
  return { phase: 'failed', reason: fact.reason, at_ms, failure };
}

function applyAttemptEnded(state: SessionState, time_ms: number): SessionState {
  const stage = state.stage;
  const cause = stage.phase === 'stopping' ? stage.cause : 'exited';
  const reason = stage.phase === 'stopping' ? stage.reason : 'it ended';
  const last = state.attempts.at(-1);
  const quiet = last !== undefined && time_ms - last.started_ms >= state.agent.restart.reset_after_ms;
  const asked = cause === 'stopped' || cause === 'restarted';
  const nothing_of_it = NOT_OF_THE_AGENT.has(cause);
  return {
    ...closeRequests(state, () => true, { outcome: 'expired', by: 'filare-agents', at_ms: time_ms }),
    stage: {
      phase: 'backing_off',
      until_ms: null,
      cause,
      reason,
      failure: stage.phase === 'stopping' ? stage.failure : null,
    },
    attempts: state.attempts.map((a) =>
      a.attempt === state.attempt ? { ...a, ended_ms: time_ms, end_reason: reason } : a,
    ),
    failures: asked ? 0 : nothing_of_it ? state.failures : quiet ? 1 : state.failures + 1,
    // What Codex never showed was never taken: it goes again with the next attempt.
    outbox: state.outbox.map((m) => (m.sent ? { ...m, sent: false, accepted_by: null, mode: 'queue' as const } : m)),
  };
}

function mapTurn(
  state: SessionState,
  turn_id: string,
  change: (turn: { turn_id: string; interrupting: boolean }) => { turn_id: string; interrupting: boolean },
): SessionState {
  if (state.stage.phase !== 'running' || state.stage.turn?.turn_id !== turn_id) return state;
  return { ...state, stage: { ...state.stage, turn: change(state.stage.turn) } };
}

/** The container of a stage, where it has one. */
export function containerOf(stage: Stage): { readonly id: string; readonly name: string } | null {
  switch (stage.phase) {
    case 'starting':
    case 'running':
    case 'stopping':
      return stage.container;
    case 'queued':
    case 'preparing':
    case 'backing_off':
    case 'stopped':
    case 'failed':
      return null;
    default:
      return unreachable(stage);
  }
}

import { unreachable, type ErrorCode } from '../contract/errors.js';
import { limitDue, nextLimit } from './next-limit.js';
import { nextCrashLoop, nextOwnPrompt } from './next-own-prompt.js';
import { nextDue, nextPrompt } from './next-prompt.js';
import type { EndCause, SessionFact } from './record.js';
import type { OpenRequest, OutboxMessage, SessionState, Stage } from './state.js';

/** What the engine and the channel say of a session right now; never remembered, always looked up. */
export interface Observed {
  readonly container:
    /** `paused`: by somebody else, with the engine's own means. */
    | { readonly state: 'unknown' | 'absent' | 'alive' | 'paused' }
    | {
        readonly state: 'exited';
        readonly exit_code: number | null;
        readonly out_of_memory: boolean;
        /** It ended while the engine was away, and containers of this engine end with it. */
        readonly with_engine: boolean;
      };
  /** Null when the fleet has room; else the sentence that says why not. */
  readonly no_room: string | null;
  /** This daemon holds the channel of the attempt. */
  readonly attached: boolean;
  /** Messages sent before this daemon took over have been looked up in the journal. */
  readonly probed: boolean;
  /** Prompts whose answer this daemon has written into the pipe. */
  readonly answered: ReadonlySet<string>;
  /** Calls of tools that this daemon carries out now. */
  readonly calling: ReadonlySet<string>;
  /** Which start of the machine this is; null where that cannot be known. */
  readonly boot_id: string | null;
  /** An interrupt was written for this turn. */
  readonly interrupted_turn: string | null;
}

/** One thing to do. */
export type Step =
  | { readonly do: 'nothing' }
  | { readonly do: 'wait'; readonly until_ms: number }
  | { readonly do: 'commit'; readonly fact: SessionFact }
  | { readonly do: 'prepare' }
  | { readonly do: 'launch' }
  | { readonly do: 'attach' }
  | { readonly do: 'probe' }
  | { readonly do: 'halt' }
  | { readonly do: 'answer'; readonly open: OpenRequest }
  /** Carry out a tool for the agent; its answer is a decision when it is there. */
  | { readonly do: 'call'; readonly open: OpenRequest }
  | { readonly do: 'interrupt'; readonly turn_id: string }
  | { readonly do: 'deliver'; readonly message: OutboxMessage };

/** What ended the attempt was nothing about the agent. */
const BEGINS_AT_ONCE: readonly EndCause[] = [
  'restarted',
  'launch_interrupted',
  'machine_restarted',
  'engine_restarted',
];
const DEFAULT_GRACE_MS = 10_000;
/** Of docker/entry.sh: the names of its pipe and journal are gone, as they are from its first start on. */
const NO_CHANNEL = 70;
const NOTHING: Step = { do: 'nothing' };

/** The next step that brings what is to what should be. Pure; `nothing` means that all is as desired. */
export function next(state: SessionState, observed: Observed, now_ms: number): Step {
  const { stage } = state;
  switch (stage.phase) {
    case 'stopped':
    case 'failed':
      return NOTHING;
    case 'queued':
      return nextQueued(state, stage, observed);
    case 'preparing':
      return endingAsked(state) ?? { do: 'prepare' };
    case 'starting':
      return endingAsked(state) ?? endingSeen(state, observed) ?? { do: 'launch' };
    case 'running':
      return endingAsked(state) ?? endingSeen(state, observed) ?? nextRunning(state, stage, observed, now_ms);
    case 'stopping':
      return { do: 'halt' };
    case 'backing_off':
      return nextBackingOff(state, stage, observed, now_ms);
    default:
      return unreachable(stage);
  }
}

function nextQueued(state: SessionState, stage: Extract<Stage, { phase: 'queued' }>, observed: Observed): Step {
  if (state.desired === 'stopped')
    return commit({ type: 'ended', phase: 'stopped', reason: 'stopped before it started' });
  if (observed.no_room === null) return begin(state, observed);
  return stage.reason === observed.no_room ? NOTHING : commit({ type: 'waiting', reason: observed.no_room });
}

/** Stop or restart was asked for. */
function endingAsked(state: SessionState): Step | undefined {
  const grace_ms = state.stop_grace_ms ?? DEFAULT_GRACE_MS;
  if (state.desired === 'stopped')
    return commit({ type: 'attempt_ending', cause: 'stopped', reason: 'stopped by the operator', grace_ms });
  if (state.restart_asked)
    return commit({ type: 'attempt_ending', cause: 'restarted', reason: 'restarted by the operator', grace_ms });
  return undefined;
}

/** The container is not there any more, or does not run. */
function endingSeen(state: SessionState, observed: Observed): Step | undefined {
  const { container } = observed;
  const rebooted = state.boot_id !== null && observed.boot_id !== null && state.boot_id !== observed.boot_id;
  if (rebooted && (container.state === 'absent' || container.state === 'exited')) {
    const reason = 'the machine was restarted meanwhile';
    return commit({ type: 'attempt_ending', cause: 'machine_restarted', reason, grace_ms: 0 });
  }
  switch (container.state) {
    case 'unknown':
    case 'alive':
    case 'paused':
      return undefined;
    case 'absent':
      return commit({
        type: 'attempt_ending',
        cause: 'removed',
        reason: 'its container was removed by someone else',
        grace_ms: 0,
      });
    case 'exited':
      if (container.with_engine && !container.out_of_memory)
        return commit({
          type: 'attempt_ending',
          cause: 'engine_restarted',
          reason: 'the engine was restarted and its container ended with it',
          grace_ms: 0,
        });
      return commit({
        type: 'attempt_ending',
        cause: container.out_of_memory ? 'out_of_memory' : 'exited',
        reason: endReason(state, container),
        grace_ms: 0,
      });
    default:
      return unreachable(container);
  }
}

function endReason({ stage }: SessionState, exited: Extract<Observed['container'], { state: 'exited' }>): string {
  if (exited.out_of_memory) return 'it ran out of memory (resources.memory in the manifest gives it more)';
  if (stage.phase === 'running' && exited.exit_code === NO_CHANNEL)
    return 'its container was restarted by someone else, and Codex cannot be spoken to in it any more';
  return `Codex ended by itself with exit status ${exited.exit_code ?? 'unknown'}`;
}

function nextRunning(
  state: SessionState,
  stage: Extract<Stage, { phase: 'running' }>,
  observed: Observed,
  now_ms: number,
): Step {
  if (!observed.attached) return { do: 'attach' };
  const about_prompts =
    nextPrompt(state, observed, now_ms) ?? nextOwnPrompt(state, stage, now_ms) ?? nextLimit(state, stage, now_ms);
  if (about_prompts !== undefined) return about_prompts;
  // While a turn runs, what was sent may still be on its way into it: its end says.
  if (!observed.probed && stage.turn === null && state.outbox.some((m) => m.sent)) return { do: 'probe' };
  if (stage.turn?.interrupting === true && observed.interrupted_turn !== stage.turn.turn_id) {
    return { do: 'interrupt', turn_id: stage.turn.turn_id };
  }
  const step = nextMessage(state, stage);
  const due = [nextDue(state), limitDue(state)].filter((one) => one !== null);
  return step.do === 'nothing' && due.length > 0 ? { do: 'wait', until_ms: Math.min(...due) } : step;
}

function nextMessage(state: SessionState, stage: Extract<Stage, { phase: 'running' }>): Step {
  const message = state.outbox.find((m) => !m.sent);
  if (message === undefined || state.paused !== null) return NOTHING;
  if (state.outbox.some((m) => m.sent)) return NOTHING;
  if (stage.turn === null) return { do: 'deliver', message };
  if (state.requests.some((open) => open.decision === null)) {
    // Never talk over a person: a turn that waits for a decision is neither steered nor interrupted by a message.
    return NOTHING;
  }
  switch (message.mode) {
    case 'queue':
      return NOTHING;
    case 'steer':
      return stage.turn.interrupting ? NOTHING : { do: 'deliver', message };
    case 'interrupt':
      return stage.turn.interrupting
        ? NOTHING
        : commit({ type: 'interrupt', turn_id: stage.turn.turn_id, by: message.from });
    default:
      return unreachable(message.mode);
  }
}

function nextBackingOff(
  state: SessionState,
  stage: Extract<Stage, { phase: 'backing_off' }>,
  observed: Observed,
  now_ms: number,
): Step {
  if (state.desired === 'stopped') return commit({ type: 'ended', phase: 'stopped', reason: stage.reason });
  if (state.restart_asked || BEGINS_AT_ONCE.includes(stage.cause)) {
    return begin(state, observed);
  }
  const { policy, max_attempts, backoff_ms, backoff_max_ms } = state.agent.restart;
  if (stage.cause === 'launch_failed' && state.thread_id === null)
    return commit({ type: 'ended', phase: 'failed', reason: stage.reason, ...failureOf(stage) });
  if (policy === 'never')
    return commit({
      type: 'ended',
      phase: 'failed',
      reason: `${stage.reason}; restart.policy is never`,
      ...failureOf(stage),
    });
  // The next attempt would fill the disk as this one did: a person says whether it may.
  const asks = stage.cause === 'journal_full' && state.failures > 0;
  if (asks || state.failures >= max_attempts) return nextCrashLoop(state, stage, now_ms);
  // Somebody let it try again after that.
  if (state.failures === 0) return begin(state, observed);
  if (stage.until_ms === null) {
    const delay_ms = Math.min(backoff_ms * 2 ** Math.max(0, state.failures - 1), backoff_max_ms);
    return commit({ type: 'backing_off', until_ms: now_ms + delay_ms, reason: stage.reason });
  }
  if (now_ms >= stage.until_ms) return begin(state, observed);
  return { do: 'wait', until_ms: stage.until_ms };
}

function failureOf(stage: Extract<Stage, { phase: 'backing_off' }>): { code?: ErrorCode; hint?: string } {
  if (stage.failure === null) return {};
  return { code: stage.failure.code, ...(stage.failure.hint === null ? {} : { hint: stage.failure.hint }) };
}

function begin({ thread_id }: SessionState, { boot_id }: Observed): Step {
  return commit({ type: 'attempt_begun', thread_id, ...(boot_id === null ? {} : { boot_id }) });
}

function commit(fact: SessionFact): Step {
  return { do: 'commit', fact };
}

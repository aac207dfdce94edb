import type { AgentEvent, AgentRequest } from '../contract/agent-event.js';
import type { AgentSpec, RuleCondition } from '../contract/agent-spec.js';
import type { PauseQuestion } from '../contract/api-shapes.js';
import type { ErrorCode } from '../contract/errors.js';
import type { PromptDecision, PromptOrigin, PromptOutcome, StandingRule, Tokens } from '../contract/session.js';
import type { Verdict } from '../inbox/policy.js';
import type { EndCause, ForkPoint, Limit } from './record.js';

/** A container of an attempt, as the ledger knows it. */
export interface ContainerRef {
  readonly id: string;
  readonly name: string;
}

/** Where a session stands: only what exists in that phase. Forward only within an attempt. */
export type Stage =
  | { readonly phase: 'queued'; readonly reason: string | null }
  | { readonly phase: 'preparing' }
  | { readonly phase: 'starting'; readonly container: ContainerRef; readonly started: boolean }
  | { readonly phase: 'running'; readonly container: ContainerRef; readonly turn: Turn | null }
  | {
      readonly phase: 'stopping';
      readonly container: ContainerRef | null;
      readonly cause: EndCause;
      readonly reason: string;
      readonly grace_ms: number;
      readonly failure: Failure | null;
    }
  /** Between two attempts: nothing runs, nothing is decided yet. */
  | {
      readonly phase: 'backing_off';
      readonly until_ms: number | null;
      readonly cause: EndCause;
      readonly reason: string;
      readonly failure: Failure | null;
    }
  | { readonly phase: 'stopped'; readonly reason: string; readonly at_ms: number }
  | { readonly phase: 'failed'; readonly reason: string; readonly at_ms: number; readonly failure: Failure | null };

/** The failure that ended something: its code, and what to do. */
export interface Failure {
  readonly code: ErrorCode;
  readonly hint: string | null;
}

/** A turn of the agent that runs. */
export interface Turn {
  readonly turn_id: string;
  readonly interrupting: boolean;
}

/** A message on its way to the agent; it leaves the outbox when Codex has shown it. */
export interface OutboxMessage {
  readonly message_id: string;
  readonly from: string;
  readonly text: string;
  readonly images: readonly string[];
  readonly mode: 'queue' | 'steer' | 'interrupt';
  readonly queued_ms: number;
  /** Sent within this attempt and not shown yet. */
  readonly sent: boolean;
  /** The turn that has taken it, which is not over and will show it; null while none has said so. */
  readonly accepted_by: string | null;
}

/** What was decided of a prompt, in the moment it was. */
export interface Decided {
  readonly choice: string;
  readonly by: string;
  readonly reason: string | null;
  readonly rule: string | null;
  readonly outcome: PromptOutcome;
  readonly at_ms: number;
}

/** A request of the agent that is not closed. */
export interface OpenRequest {
  readonly prompt_id: string;
  readonly attempt: number;
  readonly request: AgentRequest;
  readonly opened_ms: number;
  /** What the policy said of it when it was made. */
  readonly verdict: Verdict;
  /** Hash of what is asked: an answer names what it is for. */
  readonly revision: string;
  /** What "for this session" would write. */
  readonly offer: RuleCondition | null;
  readonly reminded: boolean;
  /** The operator was told of it, in the ways of the manifest. */
  readonly notified: boolean;
  /** The decision, once made; it is written again after a crash until Codex says that the request is resolved. */
  readonly decision: Decided | null;
}

/** A question that is no request of Codex: its answer goes in as a message. */
export interface OwnPrompt {
  readonly prompt_id: string;
  readonly origin: Exclude<PromptOrigin, 'codex'>;
  readonly asked_by: string;
  readonly ask: PauseQuestion;
  readonly opened_ms: number;
  readonly reminded: boolean;
  /** The operator was told of it, in the ways of the manifest. */
  readonly notified: boolean;
  /** The answer, until it is in the outbox. */
  readonly decision: Decided | null;
}

/** A prompt that is over, and how. */
export interface ClosedPrompt {
  readonly prompt: OpenRequest | OwnPrompt;
  readonly decision: PromptDecision;
}

/** Who holds the session, since when, and the prompt whose answer lets it go on. */
export interface Pause {
  readonly by: string;
  readonly at_ms: number;
  readonly prompt_id: string | null;
  /** The limit that was reached, where one is the reason. */
  readonly limit: Limit | null;
}

/** How far a session has come, for those that wait for it; only forward. `turn_over`: a turn has ended, and it was not idle since. */
export type Progress = 'none' | 'started' | 'turn_over' | 'idle';

/** One attempt, for the record. */
export interface AttemptNote {
  readonly attempt: number;
  readonly started_ms: number;
  readonly ended_ms: number | null;
  readonly end_reason: string | null;
}

/** Everything a session is: a fold over its ledger and its journals. */
export interface SessionState {
  readonly session_id: string;
  readonly agent: AgentSpec;
  readonly rehearsal: string | null;
  /** It begins while fewer agents of the project than this run; null: whatever runs. */
  readonly max_parallel: number | null;
  /** Where it was forked from; null for one that began anew. */
  readonly fork: ForkPoint | null;
  readonly desired: 'running' | 'stopped';
  /** A restart was asked for and its new attempt has not begun. */
  readonly restart_asked: boolean;
  readonly stop_grace_ms: number | null;
  readonly stage: Stage;
  readonly attempt: number;
  readonly attempts: readonly AttemptNote[];
  readonly progress: Progress;
  /** Failures in a row, for back-off; begins again after a quiet time. */
  readonly failures: number;
  readonly branch: string | null;
  /** The last time its work was brought into the operator's repository: up to which commit, into which branch. */
  readonly synced: { readonly commit: string; readonly into: string; readonly at_ms: number } | null;
  /** It rested once with nothing to bring home; absent in checkpoints of before this was asked. */
  readonly nothing_to_sync?: boolean;
  /** What its end should have brought home, and did not, until a sync brings it; absent as above. */
  readonly not_brought_home?: string | null;
  readonly thread_id: string | null;
  readonly tokens: Tokens;
  readonly outbox: readonly OutboxMessage[];
  /** Ids of the last messages that were made of what asked for them. */
  readonly keyed: readonly string[];
  readonly requests: readonly OpenRequest[];
  readonly own_prompts: readonly OwnPrompt[];
  /** The last prompts that are over, oldest first. */
  readonly closed_prompts: readonly ClosedPrompt[];
  /** Rules that answers made, oldest first. */
  readonly rules: readonly StandingRule[];
  readonly paused: Pause | null;
  /** Turns that have begun. */
  readonly turns: number;
  /** The attempt whose journal somebody cut, replaced or removed, until what was told of it is put by; null where none is. */
  readonly journal_lost_in: number | null;
  /** How often each limit was raised by as much as the manifest gives. */
  readonly raised: Readonly<Record<Limit, number>>;
  /** Which start of the machine this attempt began on; null where it is not known. */
  readonly boot_id: string | null;
  /** The engine's id of the image that the last container was made of. */
  readonly image_id: string | null;
  readonly started_ms: number;
  /** The last time the agent showed any sign. */
  readonly last_seen_ms: number;
}

/** What `apply` takes: a fact of ours, or something the agent did. */
export type Applied =
  | { readonly from: 'ledger'; readonly fact: import('./record.js').SessionFact; readonly time_ms: number }
  | { readonly from: 'agent'; readonly event: AgentEvent; readonly time_ms: number };

/** No tokens used. */
export const NO_TOKENS: Tokens = { total: 0, input: 0, cached_input: 0, output: 0, reasoning: 0 };

import { z } from 'zod';
import { ACTION_CATEGORIES, approvalActionSchema, DEPENDENCY_CONDITIONS, ruleConditionSchema } from './agent-spec.js';
import { PHASES } from './phase.js';

/** What a running agent is doing. */
export const ACTIVITIES = ['idle', 'working', 'waiting', 'paused'] as const;
/** Activity of a session; null unless it runs. */
export type Activity = (typeof ACTIVITIES)[number];

/** How well a running agent is. */
export const HEALTHS = ['ok', 'unresponsive', 'stalled', 'degraded', 'unknown'] as const;
/** Health of a session. */
export type Health = (typeof HEALTHS)[number];

/** Tokens used by a thread so far (absolute totals). */
export const tokensSchema = z.object({
  total: z.number().int(),
  input: z.number().int(),
  cached_input: z.number().int(),
  output: z.number().int(),
  reasoning: z.number().int(),
});
/** Tokens used by a thread so far. */
export type Tokens = z.infer<typeof tokensSchema>;

/** One row of `list --json`. Paths are absolute, times RFC 3339 UTC. */
export const sessionRowSchema = z.object({
  session_id: z.string(),
  id: z.string(),
  role: z.string(),
  branch: z.string().nullable(),
  phase: z.enum(PHASES),
  activity: z.enum(ACTIVITIES).nullable(),
  health: z.enum(HEALTHS),
  attempt: z.number().int(),
  container_id: z.string().nullable(),
  container_name: z.string().nullable(),
  workspace: z.string(),
  codex_home: z.string(),
  thread_id: z.string().nullable(),
  turn_id: z.string().nullable(),
  pending_prompts: z.number().int(),
  tokens: tokensSchema,
  started_at: z.string(),
  ended_at: z.string().nullable(),
  /** Why it ended, why it waits in the queue, or why it failed; a sentence. */
  end_reason: z.string().nullable(),
  /** Path of the transcript file being written. */
  transcript: z.string(),
  /** A sentence on what holds it up now (queue, back-off), or null. */
  waiting_for: z.string().nullable(),
  /** The manifest's file changed since this session was started. */
  manifest_changed: z.boolean(),
  tags: z.array(z.string()),
  /** The last time its work was brought into the operator's repository: up to which commit, into which branch; null: never. */
  synced: z.object({ commit: z.string(), into: z.string(), at: z.string() }).nullable().default(null),
  /** Which of its work its end should have brought home, and did not, and why; null once a sync has brought it. */
  not_brought_home: z.string().nullable().default(null),
  /** Which conditions of `depends_on` it has met for those that wait for it. */
  reached: z.array(z.enum(DEPENDENCY_CONDITIONS)).default([]),
  /** Where the script of a rehearsed session was read from; null when it calls the model provider. */
  rehearsal: z.string().nullable().default(null),
});
/** One row of `list --json`. */
export type SessionRow = z.infer<typeof sessionRowSchema>;

/** Something that the end of a session should have done for its work, as its manifest says, and did not. */
const stopWarningSchema = z.object({
  message: z.string(),
  /** What to type; null where nothing is to be done. */
  hint: z.string().nullable(),
});
/** See stopWarningSchema. */
export type StopWarning = z.infer<typeof stopWarningSchema>;

/** A session that was stopped, and what of its work was not brought home or put away. */
export const stoppedSessionSchema = sessionRowSchema.extend({ warnings: z.array(stopWarningSchema).default([]) });
/** A session that was stopped. */
export type StoppedSession = z.infer<typeof stoppedSessionSchema>;

/** How a prompt ended. Only the first four are somebody's decision. */
export const PROMPT_OUTCOMES = [
  'approved',
  'rejected',
  'cancelled',
  'answered',
  /** Its deadline passed; nothing is ever approved because time ran out. */
  'timed_out',
  /** The agent took it back: Codex closed it, or its turn ended. */
  'withdrawn',
  /** Its attempt or session ended. */
  'expired',
  /** Something newer took its place: the session was resumed, or paused with another question. */
  'superseded',
] as const;
/** How a prompt ended. */
export type PromptOutcome = (typeof PROMPT_OUTCOMES)[number];

/** Where a prompt comes from. The last three are filare-agents' own, and take one of their choices alone. */
export const PROMPT_ORIGINS = [
  /** A request of Codex itself. */
  'codex',
  /** The agent's question. */
  'ask_operator',
  /** A question that whoever paused the agent put. */
  'pause',
  /** The session reached a limit of its manifest, and is held. */
  'limit',
  /** A turn has shown no sign for a long time. */
  'stall',
  /** Its attempts failed one after the other, as often as the manifest lets them. */
  'crash_loop',
] as const;
/** Where a prompt comes from. */
export type PromptOrigin = (typeof PROMPT_ORIGINS)[number];

/** A rule that a person made by answering a prompt "for this session" or "always". Always: for this agent id, in later sessions too. */
export const standingRuleSchema = z.object({
  rule_id: z.string(),
  /** Agent it holds for. */
  id: z.string(),
  scope: z.enum(['session', 'always']),
  when: ruleConditionSchema,
  do: approvalActionSchema,
  reason: z.string().nullable(),
  by: z.string(),
  /** The prompt whose answer made it. */
  prompt_id: z.string().nullable(),
  created_at: z.string(),
});
/** A rule that a person made. */
export type StandingRule = z.infer<typeof standingRuleSchema>;

/** A prompt that waits for a person. */
export const promptSchema = z.object({
  prompt_id: z.string(),
  session_id: z.string(),
  id: z.string(),
  role: z.string(),
  workspace: z.string(),
  branch: z.string().nullable(),
  kind: z.enum(['approval', 'question']),
  /** See PROMPT_ORIGINS. */
  origin: z.enum(PROMPT_ORIGINS),
  /** The agent waits for the answer; false: it goes on, and the answer reaches it as a message. */
  blocking: z.boolean(),
  /** Who asks: the agent's id, or who paused it. */
  asked_by: z.string(),
  reason: z.string().nullable(),
  summary: z.string(),
  requested_action: z.record(z.string(), z.unknown()),
  /** For an approval of accept, decline, cancel what it takes; for a question the answers to choose from (any text is an answer). */
  choices: z.array(z.string()),
  suggested_reply: z.string().nullable(),
  severity: z.enum(['info', 'warning', 'critical']),
  categories: z.array(z.enum(ACTION_CATEGORIES)),
  /** What accepting "for this session" or "always" would write, shown before it holds; null where no rule can be made of it. */
  rule_offer: ruleConditionSchema.nullable(),
  /** Changes whenever what the prompt asks changes: an answer that names another revision is refused. */
  revision: z.string(),
  created_at: z.string(),
  deadline: z.string().nullable(),
});
/** A prompt that waits for a person. */
export type Prompt = z.infer<typeof promptSchema>;

/** How a prompt was decided or closed, and by whom. */
export const promptDecisionSchema = z.object({
  outcome: z.enum(PROMPT_OUTCOMES),
  /** The choice or the answer's text; null where nobody chose. */
  choice: z.string().nullable(),
  /** Who: `operator`, an orchestrator's id, `mcp:<client>`, `policy`, `deadline`, `codex`, `filare-agents`. */
  by: z.string(),
  reason: z.string().nullable(),
  /** The rule that made it, in words; null for a person's. */
  rule: z.string().nullable(),
  at: z.string(),
});
/** How a prompt was decided or closed. */
export type PromptDecision = z.infer<typeof promptDecisionSchema>;

/** A prompt with what became of it: null while it is open. */
export const promptRecordSchema = promptSchema.extend({ decision: promptDecisionSchema.nullable() });
/** A prompt with what became of it. */
export type PromptRecord = z.infer<typeof promptRecordSchema>;

/** The answer to `send`. */
export const sendResultSchema = z.object({
  message_id: z.string(),
  session_id: z.string(),
  /** `accepted`: Codex has shown the message. `queued`: kept until the turn (or prompt) is over. `blocked`: an open prompt is in the way, nothing kept. */
  delivery: z.enum(['accepted', 'queued', 'blocked']),
  turn_id: z.string().optional(),
  /** With `wait`: the last reply of the turn. */
  reply: z.string().optional(),
});
/** The answer to `send`. */
export type SendResult = z.infer<typeof sendResultSchema>;

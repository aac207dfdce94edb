import { z } from 'zod';
import { ERROR_CODES } from '../contract/errors.js';
import { agentSpecSchema } from '../contract/agent-spec.js';
import { pauseQuestionSchema } from '../contract/api-shapes.js';
import { PROMPT_OUTCOMES, standingRuleSchema, tokensSchema } from '../contract/session.js';

const requestId = z.union([z.string(), z.number()]);

/** Why an attempt ended, as one word. */
export const END_CAUSES = [
  'stopped',
  'restarted',
  'exited',
  'out_of_memory',
  'removed',
  'launch_failed',
  'launch_interrupted',
  'unresponsive',
  'journal_full',
  'journal_damaged',
  'machine_restarted',
  'engine_restarted',
] as const;

/** What a session may use up. */
export const LIMITS = ['turns', 'tokens', 'wall_time'] as const;
/** One of them. */
export type Limit = (typeof LIMITS)[number];

/** Where a session was forked from: the other session as it was then. */
const forkPointSchema = z.object({
  session_id: z.string(),
  id: z.string(),
  /** Null when that session had no turn yet: there is nothing to remember. */
  thread_id: z.string().nullable(),
  /** How many turns of that session had begun. */
  turns: z.number().int().nonnegative(),
  /** Its last turn waited for a person; the fork knows it as interrupted. */
  interrupted: z.boolean(),
  /** The commit that was checked out; null where there is none. */
  head: z.string().nullable(),
  /** Codex's own totals of that thread then: its count goes on from them, ours begins anew. */
  tokens: tokensSchema.optional(),
});
/** Where a session was forked from. */
export type ForkPoint = z.infer<typeof forkPointSchema>;

/** A prompt of ours that is done with this record. */
const settles = z.string().optional();

const facts = z.discriminatedUnion('type', [
  z.object({
    type: z.literal('created'),
    agent: agentSpecSchema,
    rehearsal: z.string().nullable(),
    by: z.string(),
    /** Rules that hold always for this agent, as they were then. */
    rules: z.array(standingRuleSchema).optional(),
    /** It begins while fewer agents of the project than this run. */
    max_parallel: z.number().int().positive().optional(),
    fork: forkPointSchema.optional(),
  }),
  z.object({
    type: z.literal('desired'),
    desired: z.enum(['running', 'stopped', 'restarted']),
    by: z.string(),
    grace_ms: z.number().optional(),
    settles,
  }),
  z.object({ type: z.literal('waiting'), reason: z.string() }),
  z.object({
    type: z.literal('attempt_begun'),
    thread_id: z.string().nullable(),
    /** Which start of the machine it began on. */
    boot_id: z.string().optional(),
  }),
  z.object({
    type: z.literal('workspace_ready'),
    branch: z.string().nullable(),
    how: z.string(),
    head: z.string().nullable(),
  }),
  z.object({
    type: z.literal('container_created'),
    container_id: z.string(),
    container_name: z.string(),
    image_id: z.string(),
  }),
  z.object({ type: z.literal('container_started') }),
  z.object({ type: z.literal('running'), thread_id: z.string(), resumed: z.boolean() }),
  z.object({
    type: z.literal('message'),
    message_id: z.string(),
    from: z.string(),
    text: z.string(),
    images: z.array(z.string()),
    mode: z.enum(['queue', 'steer', 'interrupt']),
    /** It is the answer to this prompt, which was no request of Codex. */
    answers: z.string().optional(),
    /** Its id was made of what asked for it, which may ask again after a crash. */
    keyed: z.boolean().optional(),
  }),
  z.object({ type: z.literal('sent'), message_id: z.string(), turn_id: z.string().nullable() }),
  z.object({
    type: z.literal('not_taken'),
    message_id: z.string(),
    reason: z.string(),
    again: z.boolean(),
    /** It may have been: nobody can know any more. */
    perhaps: z.boolean().optional(),
  }),
  z.object({ type: z.literal('interrupt'), turn_id: z.string(), by: z.string(), settles }),
  z.object({
    type: z.literal('decision'),
    prompt_id: z.string(),
    /** Absent for a prompt that is no request of Codex. */
    request_id: requestId.optional(),
    choice: z.string(),
    by: z.string(),
    reason: z.string().nullable(),
    rule: z.string().nullable(),
    outcome: z.enum(PROMPT_OUTCOMES),
    /** The rule that the answer made. */
    remember: standingRuleSchema.optional(),
  }),
  /** A question that the agent does not wait for: its answer goes in as a message. */
  z.object({
    type: z.literal('question'),
    prompt_id: z.string(),
    asked_by: z.string(),
    /** `ask_operator` where it says nothing. */
    origin: z.enum(['ask_operator', 'stall', 'crash_loop']).optional(),
    ask: pauseQuestionSchema,
  }),
  /** What was decided of a prompt of ours is done, or its reason is gone. */
  z.object({ type: z.literal('settled'), prompt_id: z.string(), outcome: z.enum(['answered', 'withdrawn']) }),
  /** As much again as the manifest gives is allowed. */
  z.object({ type: z.literal('limit_raised'), limit: z.enum(LIMITS), by: z.string(), settles }),
  /** After a crash loop: the count of failures begins anew. */
  z.object({ type: z.literal('retried'), by: z.string(), settles }),
  z.object({ type: z.literal('reminded'), prompt_id: z.string() }),
  /** The operator is being told of it, in the ways of the manifest. */
  z.object({ type: z.literal('notified'), prompt_id: z.string() }),
  z.object({ type: z.literal('rule_forgotten'), rule_id: z.string(), by: z.string() }),
  z.object({
    type: z.literal('paused'),
    by: z.string(),
    /** End the running turn now. */
    interrupt: z.boolean(),
    ask: z.object({ prompt_id: z.string(), ...pauseQuestionSchema.shape }).optional(),
    /** The limit that was reached, where one is the reason. */
    limit: z.enum(LIMITS).optional(),
  }),
  z.object({ type: z.literal('resumed'), by: z.string() }),
  /** The agent's work up to this commit is in a branch of the operator's repository. */
  z.object({ type: z.literal('synced'), commit: z.string(), into: z.string(), by: z.string() }),
  /** It rested with nothing to bring home: who waits for its work waits no longer. */
  z.object({ type: z.literal('nothing_to_sync'), by: z.string() }),
  /** Its end should have brought its work home, and did not, or not all of it. */
  z.object({ type: z.literal('not_brought_home'), text: z.string(), why: z.string() }),
  z.object({
    type: z.literal('attempt_ending'),
    cause: z.enum(END_CAUSES),
    reason: z.string(),
    grace_ms: z.number(),
    /** Of the failure, where one is the reason: what a caller of `start` exits with, and what to do. */
    code: z.enum(ERROR_CODES).optional(),
    hint: z.string().optional(),
  }),
  z.object({ type: z.literal('attempt_ended') }),
  z.object({ type: z.literal('backing_off'), until_ms: z.number(), reason: z.string() }),
  z.object({
    type: z.literal('ended'),
    phase: z.enum(['stopped', 'failed']),
    reason: z.string(),
    code: z.enum(ERROR_CODES).optional(),
    hint: z.string().optional(),
  }),
  /** The first bytes of these journals may read as zeros from now on: what they said is in segments of the transcript. */
  z.object({
    type: z.literal('journal_given_back'),
    journals: z.array(z.object({ attempt: z.number().int().positive(), bytes: z.number().int().positive() })),
  }),
  z.object({
    type: z.literal('said'),
    level: z.enum(['note', 'warning', 'error']),
    text: z.string(),
    data: z.record(z.string(), z.unknown()).optional(),
  }),
]);

/** What a session decided, did or was told: the part of a ledger record that says so. */
export type SessionFact = z.infer<typeof facts>;

/**
 * One record of a session's ledger. `attempt` and `offset` say how far the journal had been read when it was written, so that deriving
 * the story again puts it in the same place. Times in milliseconds since the epoch.
 */
export const sessionRecordSchema = z.object({
  n: z.number().int().positive(),
  time_ms: z.number(),
  attempt: z.number().int().nonnegative(),
  offset: z.number().int().nonnegative(),
  fact: facts,
});

/** One record of a session's ledger. */
export type SessionRecord = z.infer<typeof sessionRecordSchema>;

/** Why an attempt ended, as one word. */
export type EndCause = (typeof END_CAUSES)[number];

/**
 * Whether the fact must survive a power failure, or only the end of this process. That a message was put into an attempt's pipe matters while the
 * attempt lives, and no attempt outlives its machine: what was sent and not shown goes again with the next one, known as sent or not.
 */
export function outlivesMachine(fact: SessionFact): boolean {
  return fact.type !== 'sent' && fact.type !== 'notified';
}

import { z } from 'zod';

/** Life of an attempt, in order; only forward within one attempt. */
export const PHASES = [
  'queued',
  'preparing',
  'starting',
  'running',
  'stopping',
  'backing_off',
  'stopped',
  'failed',
] as const;
/** Phase of a session. */
export type Phase = (typeof PHASES)[number];

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
});
/** One row of `list --json`. */
export type SessionRow = z.infer<typeof sessionRowSchema>;

/** A prompt that waits for a person. */
export const promptSchema = z.object({
  prompt_id: z.string(),
  session_id: z.string(),
  id: z.string(),
  role: z.string(),
  workspace: z.string(),
  branch: z.string().nullable(),
  kind: z.enum(['approval', 'question']),
  reason: z.string().nullable(),
  summary: z.string(),
  requested_action: z.record(z.string(), z.unknown()),
  choices: z.array(z.string()),
  suggested_reply: z.string().nullable(),
  severity: z.enum(['info', 'warning', 'critical']),
  created_at: z.string(),
  deadline: z.string().nullable(),
});
/** A prompt that waits for a person. */
export type Prompt = z.infer<typeof promptSchema>;

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

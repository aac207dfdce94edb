/** What goes over the control API beside the shapes of sessions, transcripts and work brought home. */
import { z } from 'zod';
import { agentSpecSchema } from './agent-spec.js';
import { promptSchema, sessionRowSchema, tokensSchema } from './session.js';
import { transcriptEntrySchema } from './transcript.js';

const rehearsalSchema = z.strictObject({
  /** The compiled rehearsal script, as JSON; see docs/rehearsal.md. */
  script: z.unknown(),
  /** Where it was read from, for people. */
  origin: z.string(),
});

/** What `start` is given, and what is asked of it before. */
export const startRequestSchema = z.strictObject({
  agents: z.array(agentSpecSchema).max(1000),
  rehearsal: rehearsalSchema.optional(),
  /** Each of them begins while fewer agents of the project than this run; absent: as the project's settings say. */
  max_parallel: z.number().int().positive().optional(),
});

/** Outcome of `start` for one agent. */
export const startOutcomeSchema = z.object({
  id: z.string(),
  outcome: z.enum(['started', 'already_running', 'refused']),
  session: sessionRowSchema.nullable(),
  error: z.object({ code: z.string(), message: z.string(), hint: z.string().optional() }).nullable(),
  /** What to know of a session that was started: it calls the model provider after a rehearsal, or without a key. */
  warnings: z.array(z.string()).default([]),
});
/** Outcome of `start` for one agent. */
export type StartOutcome = z.infer<typeof startOutcomeSchema>;

/** What `start --dry-run` says of one agent: the steps in order and the exact engine request, secrets masked. */
export const startPlanSchema = z.object({
  id: z.string(),
  steps: z.array(z.string()),
  engine_request: z.unknown(),
  codex_config: z.string(),
  warnings: z.array(z.string()),
});
/** What `start --dry-run` says of one agent. */
export type StartPlan = z.infer<typeof startPlanSchema>;

/** Everything of one session. */
export const sessionDetailSchema = z.object({
  row: sessionRowSchema,
  agent: agentSpecSchema,
  folder: z.string(),
  prompts: z.array(promptSchema),
  queued_messages: z.array(
    z.object({ message_id: z.string(), text: z.string(), from: z.string(), queued_at: z.string() }),
  ),
  attempts: z.array(
    z.object({
      attempt: z.number().int(),
      started_at: z.string(),
      ended_at: z.string().nullable(),
      end_reason: z.string().nullable(),
    }),
  ),
  last_entries: z.array(transcriptEntrySchema),
});
/** Everything of one session. */
export type SessionDetail = z.infer<typeof sessionDetailSchema>;

/** One thing that `cleanup` found: what, where, and what became (or, on a dry run, would become) of it. */
export const cleanupItemSchema = z.object({
  kind: z.enum([
    'container',
    'network',
    'volume',
    'folder',
    'fifo',
    'secret',
    'socket',
    'process',
    'mount',
    'image',
    'workspace',
  ]),
  name: z.string(),
  session_id: z.string().nullable(),
  action: z.enum(['removed', 'would_remove', 'kept']),
  reason: z.string(),
  /** Of a workspace: what is in it and was not brought home, as far as it was listed. */
  lost: z.object({ commits: z.array(z.string()), files: z.array(z.string()) }).optional(),
});
/** One thing that `cleanup` found. */
export type CleanupItem = z.infer<typeof cleanupItemSchema>;

/** State of the daemon. */
export const daemonStatusSchema = z.object({
  running: z.boolean(),
  pid: z.number().int().nullable(),
  version: z.string().nullable(),
  api_version: z.number().int().nullable(),
  socket: z.string(),
  project: z.string(),
  sessions: z.number().int(),
  started_at: z.string().nullable(),
  /** What the daemon process holds, for benchmarks and doctor. */
  memory_bytes: z.number().int().nullable(),
});
/** State of the daemon. */
export type DaemonStatus = z.infer<typeof daemonStatusSchema>;

/** State of the image. */
export const imageStatusSchema = z.object({
  image: z.string(),
  present: z.boolean(),
  current: z.boolean(),
  id: z.string().nullable(),
  codex_version: z.string().nullable(),
  reasons: z.array(z.string()),
});
/** State of the image. */
export type ImageStatus = z.infer<typeof imageStatusSchema>;

/** One line of progress of long work, streamed as NDJSON; the last line has `done` or `error`. */
export const progressSchema = z.object({
  step: z.string().optional(),
  text: z.string().optional(),
  done: z.unknown().optional(),
  error: z
    .object({ code: z.string(), message: z.string(), hint: z.string().optional(), details: z.unknown().optional() })
    .optional(),
});
/** One line of progress of long work. */
export type Progress = z.infer<typeof progressSchema>;

/** Tokens that an agent used on one day. */
export const usageRowSchema = z.object({
  /** UTC, YYYY-MM-DD. */
  day: z.string(),
  id: z.string(),
  role: z.string(),
  sessions: z.number().int(),
  turns: z.number().int(),
  ...tokensSchema.shape,
});
/** Tokens that an agent used on one day. */
export type UsageRow = z.infer<typeof usageRowSchema>;

/** The question of a pause. */
export const pauseQuestionSchema = z.strictObject({
  question: z.string().min(1).max(100_000),
  choices: z.array(z.string().max(1000)).max(50).optional(),
  suggested_reply: z.string().max(10_000).optional(),
  severity: z.enum(['info', 'warning', 'critical']).optional(),
});
/** The question of a pause. */
export type PauseQuestion = z.infer<typeof pauseQuestionSchema>;

/**
 * The control API, declared once: the daemon takes its validation from here, the client its types, the docs their reference.
 * HTTP + JSON on a unix socket. A failure is `{error: FailureBody}` with the status of HTTP_STATUS. `:ref` is what a user may type for a session:
 * an exact agent id (its latest session), an exact session id, or a unique prefix of one.
 */
import { z } from 'zod';
import { agentSpecSchema, ruleConditionSchema } from './agent-spec.js';
import {
  cleanupItemSchema,
  daemonStatusSchema,
  imageStatusSchema,
  pauseQuestionSchema,
  sessionDetailSchema,
  startOutcomeSchema,
  startRequestSchema,
  startPlanSchema,
  usageRowSchema,
} from './api-shapes.js';
import { DIFF_SCOPES, sessionDiffSchema, syncCheckSchema, syncOptionsSchema, syncResultSchema } from './homecoming.js';
import {
  promptRecordSchema,
  promptSchema,
  sendResultSchema,
  sessionRowSchema,
  standingRuleSchema,
  stoppedSessionSchema,
} from './session.js';
import { transcriptEntrySchema } from './transcript.js';

/** Version of the control API; a client of another one is told so. */
export const API_VERSION = 1;

const flag = z
  .enum(['0', '1', 'true', 'false'])
  .transform((value) => value === '1' || value === 'true')
  .optional();
const count = z.coerce.number().int().nonnegative();

const promptParams = z.object({ prompt: z.string().min(1).max(200) });

const refParams = z.object({ ref: z.string().min(1).max(200) });

/** Every JSON route: method, path, what goes in, what comes out. */
export const ROUTES = {
  version: { method: 'GET', path: '/v1/version', response: daemonStatusSchema },
  dashboard: {
    method: 'GET',
    path: '/v1/dashboard',
    response: z.object({
      daemon: daemonStatusSchema,
      sessions: z.array(sessionRowSchema),
      prompts: z.array(promptSchema),
    }),
  },
  listSessions: {
    method: 'GET',
    path: '/v1/sessions',
    query: z.object({ all: flag }),
    response: z.array(sessionRowSchema),
  },
  startSessions: {
    method: 'POST',
    path: '/v1/sessions',
    body: startRequestSchema,
    response: z.array(startOutcomeSchema),
  },
  planSessions: {
    method: 'POST',
    path: '/v1/plan',
    body: startRequestSchema,
    response: z.array(startPlanSchema),
  },
  describeSession: { method: 'GET', path: '/v1/sessions/:ref', params: refParams, response: sessionDetailSchema },
  /** Stops; answers once the container is gone and its work was looked after, as its manifest says. */
  stopSession: {
    method: 'POST',
    path: '/v1/sessions/:ref/stop',
    params: refParams,
    body: z.strictObject({ grace_ms: z.number().int().nonnegative().optional() }),
    response: stoppedSessionSchema,
  },
  /** A second session from the same point, as the agent `as`: workspace copied, thread forked. `bad_state` while a turn runs; `conflict` when the id or its workspace is taken. */
  forkSession: {
    method: 'POST',
    path: '/v1/sessions/:ref/fork',
    params: refParams,
    body: z.strictObject({ as: agentSpecSchema.shape.id, message: z.string().min(1).max(1_000_000).optional() }),
    response: sessionRowSchema,
  },
  restartSession: {
    method: 'POST',
    path: '/v1/sessions/:ref/restart',
    params: refParams,
    body: z.strictObject({}),
    response: sessionRowSchema,
  },
  /** Ends the running turn; `bad_state` when none runs. */
  interruptSession: {
    method: 'POST',
    path: '/v1/sessions/:ref/interrupt',
    params: refParams,
    body: z.strictObject({}),
    response: sessionRowSchema,
  },
  /** Sends a message; answers once it is accepted, queued or blocked, or with `wait_ms` once its turn is over. */
  sendMessage: {
    method: 'POST',
    path: '/v1/sessions/:ref/messages',
    params: refParams,
    body: z.strictObject({
      text: z.string().max(1_000_000),
      /** Absolute host paths of images; copied into the session. */
      images: z.array(z.string()).max(20).optional(),
      mode: z.enum(['default', 'queue', 'steer', 'interrupt']),
      from: z.string().max(100).optional(),
      /** Milliseconds to wait for the end of the turn that takes it. */
      wait_ms: z.number().int().positive().optional(),
    }),
    response: sendResultSchema,
  },
  /** What the agent changed, computed in a container. */
  diffSession: {
    method: 'GET',
    path: '/v1/sessions/:ref/diff',
    params: refParams,
    /** `base`: a commit to compare with, in place of the one where the session began. `patch`: with the patch itself. */
    query: z.object({
      scope: z.enum(DIFF_SCOPES).optional(),
      base: z
        .string()
        .regex(/^[A-Za-z0-9][A-Za-z0-9._/~^-]{0,199}$/)
        .optional(),
      patch: flag,
    }),
    response: sessionDiffSchema,
  },
  /** Brings the agent's branch into the operator's repository. `conflict` when that branch holds what the agent's does not, or is checked out. */
  syncSession: {
    method: 'POST',
    path: '/v1/sessions/:ref/sync',
    params: refParams,
    body: syncOptionsSchema,
    response: syncResultSchema,
  },
  /** Merges branches of agents with each other and with the operator's, in a place of ours; changes no ref. */
  checkSync: {
    method: 'POST',
    path: '/v1/sync-check',
    /** Without `refs`: the latest session of every agent. `onto`: in place of what the operator's repository has checked out. */
    body: z.strictObject({
      refs: z.array(z.string().min(1).max(200)).max(1000).optional(),
      repo: z.string().optional(),
      onto: z.string().max(250).optional(),
      max_bytes: z.number().int().positive().optional(),
    }),
    response: syncCheckSchema,
  },
  readTranscript: {
    method: 'GET',
    path: '/v1/sessions/:ref/transcript',
    params: refParams,
    /** `after`: entries with a greater seq. `last`: only the last so many. `since`: RFC 3339. */
    query: z.object({
      after: count.optional(),
      last: count.optional(),
      since: z.string().optional(),
      limit: count.max(10_000).optional(),
    }),
    response: z.object({ entries: z.array(transcriptEntrySchema), next_after: z.number().int(), more: z.boolean() }),
  },
  /** Holds a session: no message is sent to it, the running turn ends by itself or is interrupted, its container stays. With `ask` a prompt whose answer goes in as a message and lets it go on. */
  pauseSession: {
    method: 'POST',
    path: '/v1/sessions/:ref/pause',
    params: refParams,
    body: z.strictObject({
      ask: pauseQuestionSchema.optional(),
      /** End the running turn now instead of letting it end. */
      interrupt: z.boolean().optional(),
      by: z.string().max(100).optional(),
    }),
    response: sessionRowSchema,
  },
  /** Lets a paused session go on; an open question of the pause is closed as superseded. Harmless on one that is not paused. */
  resumeSession: {
    method: 'POST',
    path: '/v1/sessions/:ref/resume',
    params: refParams,
    body: z.strictObject({ by: z.string().max(100).optional() }),
    response: sessionRowSchema,
  },
  /** After a crash or a reboot: sessions that wait for their next attempt begin it now. Answers with every live session, and those that began. */
  resumeAll: {
    method: 'POST',
    path: '/v1/resume-all',
    body: z.strictObject({}),
    response: z.object({ sessions: z.array(sessionRowSchema), begun: z.array(z.string()) }),
  },
  /** Tokens used, one row for each agent and day (UTC), oldest first; kept when sessions end. */
  usage: {
    method: 'GET',
    path: '/v1/usage',
    query: z.object({ since: z.string().optional() }),
    response: z.array(usageRowSchema),
  },
  /** Open prompts, oldest first. `ref`: of one session. */
  listPrompts: {
    method: 'GET',
    path: '/v1/prompts',
    query: z.object({ ref: z.string().max(200).optional() }),
    response: z.array(promptSchema),
  },
  /** One prompt, open or not, as long as its session is known. */
  showPrompt: {
    method: 'GET',
    path: '/v1/prompts/:prompt',
    params: promptParams,
    response: promptRecordSchema,
  },
  /**
   * Decides a prompt. The first decision stands: a later one is `conflict`, one for a prompt of an ended attempt or session is `ended`, both with
   * `details.decision` (PromptDecision). `revision`: what the caller was shown; another one is `conflict`.
   */
  decidePrompt: {
    method: 'POST',
    path: '/v1/prompts/:prompt/decision',
    params: promptParams,
    body: z.strictObject({
      choice: z.string().max(1_000_000),
      reason: z.string().max(100_000).optional(),
      by: z.string().max(100).optional(),
      revision: z.string().max(100).optional(),
      /** With `accept`: also write this rule, which must be the prompt's `rule_offer`: shown before it holds. */
      remember: z.strictObject({ scope: z.enum(['session', 'always']), when: ruleConditionSchema }).optional(),
    }),
    response: promptRecordSchema,
  },
  /** Rules that answers have made: those of live sessions, and those that hold always. */
  listRules: { method: 'GET', path: '/v1/rules', response: z.array(standingRuleSchema) },
  /** Takes such a rule back, from now on. */
  forgetRule: {
    method: 'POST',
    path: '/v1/rules/:rule/forget',
    params: z.object({ rule: z.string().min(1).max(200) }),
    body: z.strictObject({ by: z.string().max(100).optional() }),
    response: standingRuleSchema,
  },
  /** Calls a tool of contract/tools.ts for an outside program; the call is written down with the caller's name. A refusal is `success: false` with the reason as text. */
  callTool: {
    method: 'POST',
    path: '/v1/tools/:tool',
    params: z.object({ tool: z.string().min(1).max(100) }),
    body: z.strictObject({ caller: z.string().min(1).max(100), arguments: z.record(z.string(), z.unknown()) }),
    response: z.object({ success: z.boolean(), text: z.string(), data: z.unknown().optional() }),
  },
  imageStatus: {
    method: 'GET',
    path: '/v1/image',
    query: z.object({ image: z.string().optional() }),
    response: imageStatusSchema,
  },
  cleanup: {
    method: 'POST',
    path: '/v1/cleanup',
    /**
     * `force`: also take more than half of all that carries the project's label; without it that is `limit_exceeded`. `workspaces`: also workspaces under
     * `.filare/workspaces` whose sessions have ended; one with work that was not brought home goes with `force` alone.
     */
    body: z.strictObject({
      dry_run: z.boolean(),
      force: z.boolean().optional(),
      workspaces: z.boolean().optional(),
    }),
    response: z.array(cleanupItemSchema),
  },
  resizeTerminal: {
    method: 'POST',
    path: '/v1/terminals/:terminal/resize',
    params: z.object({ terminal: z.string().min(1).max(100) }),
    body: z.strictObject({ columns: z.number().int().positive(), rows: z.number().int().positive() }),
    response: z.object({}),
  },
  stopDaemon: {
    method: 'POST',
    path: '/v1/daemon/stop',
    body: z.strictObject({}),
    response: z.object({ pid: z.number().int() }),
  },
} as const;

/** Routes that answer with a stream. */
export const STREAMS = {
  /**
   * Server-sent events of one session: `entry` (TranscriptEntry, id = seq), `piece` (Piece, no id), `row` (SessionRow), `resync`
   * ({after, missed}: a slow reader lost so many, read on from the transcript; missed 0: the cursor was ahead, the stream goes on after `after`), `end` (SessionRow, then the stream closes).
   * Starts after `Last-Event-ID` / `?after=`, or with the last `?last=` entries; an open item is sent again from its start.
   */
  sessionEvents: { method: 'GET', path: '/v1/sessions/:ref/events' },
  /** Server-sent events of all sessions: `row` on every change (every row once at the start), `prompt` (every open one at the start; again when it asks something else), `prompt_closed`. */
  fleetEvents: { method: 'GET', path: '/v1/events' },
  /** The bytes Codex wrote, of the latest attempt: `?follow=1&last=N` (lines). */
  journal: { method: 'GET', path: '/v1/sessions/:ref/journal' },
  /** NDJSON of Progress: `step` says in which step a diff or sync of the session is, from now on and of the next ones, until the reader leaves. */
  homecomingSteps: { method: 'GET', path: '/v1/sessions/:ref/homecoming' },
  /** NDJSON of Progress; body `{image?: string, force?: boolean}`. */
  buildImage: { method: 'POST', path: '/v1/image/build' },
  /** Upgrade to a raw byte stream (`Upgrade: filare-terminal`): `?kind=shell|login|attach&columns=&rows=`; `&command=` (shell): a program and its arguments as a JSON list, run instead of a login shell; with `?tty=no` (shell, login) there is no terminal: what is sent is standard input until the writing half ends, what comes is standard output and error, framed as Docker does. Response header `filare-terminal` names it for resize; the exit code comes as trailer of GET /v1/terminals/:id. */
  terminal: { method: 'POST', path: '/v1/sessions/:ref/terminal' },
  /** `{exit_code}` of a terminal that has ended. */
  terminalStatus: { method: 'GET', path: '/v1/terminals/:terminal' },
  openapi: { method: 'GET', path: '/v1/openapi.json' },
  health: { method: 'GET', path: '/healthz' },
} as const;

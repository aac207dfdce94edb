import { constants } from 'node:fs';
import { chmod, copyFile, mkdir, stat } from 'node:fs/promises';
import { extname, join } from 'node:path';
import { FilareError } from '../contract/errors.js';
import type { SendResult } from '../contract/session.js';
import { isOver } from '../contract/phase.js';
import { promptsInTheWay } from './prompts.js';
import type { SessionMemory } from './session-memory.js';
import type { SessionState } from './state.js';
import type { TurnWatch } from './turn-watch.js';

/** How long `send` waits to see the message taken before it answers `queued`. */
export const ACCEPT_MS = 10_000;
const MAX_IMAGE_BYTES = 20 * 1024 * 1024;
/** A timer that is set for longer fires at once. */
const LONGEST_TIMER_MS = 2 ** 31 - 1;
/** Messages that may wait for one agent. */
export const MAX_QUEUED_MESSAGES = 1000;

/** What a caller wants sent. */
export interface MessageRequest {
  readonly text: string;
  readonly images: readonly string[];
  readonly mode: 'default' | 'queue' | 'steer' | 'interrupt';
  readonly from: string;
  readonly wait_ms: number | undefined;
  /** The same key is the same message: it goes once, also when it is asked for again after a crash. Letters and digits. */
  readonly key?: string;
  readonly signal: AbortSignal;
}

/** What delivering needs of the session. */
export interface MessageContext {
  readonly state: () => SessionState;
  readonly memory: SessionMemory;
  readonly folder: string;
  readonly turns: TurnWatch;
  readonly nudge: () => void;
  readonly until: (test: (state: SessionState) => boolean, signal: AbortSignal) => Promise<void>;
  readonly random: (characters: number) => string;
}

/**
 * Takes a message: `accepted` once Codex has shown it, `queued` when it has to wait for the end of a turn, `blocked` with nothing kept when a person
 * is being waited for and the caller did not ask for the queue. With `wait_ms`: answers when the turn that took it is over, with its last reply;
 * rejects with `turn_failed` when that turn failed, `timeout` when time is up, `ended` when the session ended meanwhile.
 */
export async function deliver(context: MessageContext, request: MessageRequest): Promise<SendResult> {
  const state = context.state();
  const session_id = state.session_id;
  const { trouble } = context.memory;
  if (trouble !== null) {
    throw new FilareError({
      code: trouble.code,
      message: `${state.agent.id} takes no messages now, and this one was not taken: ${trouble.message}`,
      hint: trouble.hint ?? 'send it again when there is room',
      cause: trouble,
    });
  }
  const waiting = promptsInTheWay(state);
  if (waiting.length > 0 && request.mode !== 'queue') {
    throw new FilareError({
      code: 'blocked_by_prompt',
      message: `${state.agent.id} waits for a decision (${waiting.map((open) => open.prompt_id).join(', ')}); the message was not sent and not kept`,
      hint: `decide it: filare-agents feedback list; or send with --queue to have it wait`,
      details: { session_id, delivery: 'blocked', prompts: waiting.map((open) => open.prompt_id) },
    });
  }
  if (state.outbox.length >= MAX_QUEUED_MESSAGES) {
    throw new FilareError({
      code: 'limit_exceeded',
      message: `${String(MAX_QUEUED_MESSAGES)} messages wait for ${state.agent.id} already`,
      hint: 'wait for its turn to end',
    });
  }
  const message_id = `m-${request.key ?? context.random(12)}`;
  // Asked for again after a crash: the turn that runs is the one that took it, if any does.
  if (request.key !== undefined && state.keyed.includes(message_id)) {
    const running = state.stage.phase === 'running' ? (state.stage.turn?.turn_id ?? null) : null;
    return awaitDelivery(context, request, { message_id, known_turn: running });
  }
  await context.memory.commit({
    type: 'message',
    message_id,
    from: request.from,
    text: request.text,
    images: await keepImages(context.folder, message_id, request.images),
    mode: request.mode === 'default' ? 'queue' : request.mode,
    ...(request.key === undefined ? {} : { keyed: true }),
  });
  context.nudge();
  const must_wait =
    request.wait_ms === undefined && (waitsForTurn(state, request.mode) || state.stage.phase !== 'running');
  if (must_wait) return { message_id, session_id, delivery: 'queued' };
  return awaitDelivery(context, request, { message_id });
}

/** Copies images into the session, where its container sees them; answers with their names there. */
async function keepImages(folder: string, message_id: string, paths: readonly string[]): Promise<string[]> {
  const names: string[] = [];
  for (const path of paths) {
    const found = await stat(path).catch(() => null);
    if (found?.isFile() !== true)
      throw new FilareError({ code: 'usage', message: `no image ${path}`, hint: 'name a file that exists' });
    if (found.size > MAX_IMAGE_BYTES)
      throw new FilareError({
        code: 'limit_exceeded',
        message: `the image ${path} is larger than ${String(MAX_IMAGE_BYTES)} bytes`,
      });
    const name = `${message_id}-${String(names.length + 1)}${extname(path).toLowerCase()}`;
    await mkdir(join(folder, 'images'), { recursive: true });
    await copyFile(path, join(folder, 'images', name), constants.COPYFILE_EXCL);
    await chmod(join(folder, 'images', name), 0o644);
    names.push(name);
  }
  return names;
}

function waitsForTurn(state: SessionState, mode: MessageRequest['mode']): boolean {
  const { stage, outbox } = state;
  if (state.paused !== null) return true;
  if (mode === 'steer' || mode === 'interrupt') return state.requests.some((open) => open.decision === null);
  return (stage.phase === 'running' && stage.turn !== null) || outbox.length > 0;
}

/** A message that is in the outbox, or was. `known_turn`: it was sent before this daemon came; the turn that runs, null when none does. */
interface KnownMessage {
  readonly message_id: string;
  readonly known_turn?: string | null;
}

async function awaitDelivery(
  context: MessageContext,
  request: MessageRequest,
  message: KnownMessage,
): Promise<SendResult> {
  const late = new AbortController();
  const timer = setTimeout(
    () => {
      const { agent } = context.state();
      const message = `${agent.id} has not finished within the time given; the message stays sent`;
      const asks = promptsInTheWay(context.state()).length > 0;
      const hint = asks ? `${agent.id} waits for a person: filare-agents feedback list ${agent.id}` : undefined;
      late.abort(new FilareError({ code: 'timeout', message, hint }));
    },
    Math.min(request.wait_ms ?? ACCEPT_MS, LONGEST_TIMER_MS),
  );
  timer.unref();
  try {
    return await awaitTaken(context, request, message, AbortSignal.any([request.signal, late.signal]));
  } finally {
    clearTimeout(timer);
  }
}

async function awaitTaken(
  context: MessageContext,
  request: MessageRequest,
  message: KnownMessage,
  wait: AbortSignal,
): Promise<SendResult> {
  const { message_id, known_turn } = message;
  const { session_id } = context.state();
  const inOutbox = (state: SessionState): boolean => state.outbox.some((m) => m.message_id === message_id);
  try {
    await context.until((state) => !inOutbox(state) || isOver(state.stage), wait);
  } catch (failure) {
    if (request.wait_ms !== undefined || request.signal.aborted) throw failure;
    return { message_id, session_id, delivery: 'queued' };
  }
  const turn_id = context.turns.turnOf(message_id) ?? known_turn ?? undefined;
  if (turn_id === undefined) {
    // It was taken before this daemon came, and its turn is over: its reply is in the transcript.
    if (known_turn === null) return { message_id, session_id, delivery: 'accepted' };
    if (isOver(context.state().stage))
      throw new FilareError({ code: 'ended', message: `session ${session_id} ended before it took the message` });
    throw new FilareError({
      code: 'turn_failed',
      message: `Codex did not take message ${message_id}`,
      hint: `filare-agents tail ${session_id} --lines 20`,
    });
  }
  const accepted: SendResult = { message_id, session_id, delivery: 'accepted', turn_id };
  if (request.wait_ms === undefined) return accepted;
  await context.until((state) => context.turns.outcome(turn_id) !== undefined || isOver(state.stage), wait);
  const outcome = context.turns.outcome(turn_id);
  if (outcome === undefined)
    throw new FilareError({
      code: 'ended',
      message: `session ${session_id} ended while its turn was waited for`,
      details: accepted,
    });
  if (outcome.status !== 'completed') {
    throw new FilareError({
      code: 'turn_failed',
      message: `the turn ${outcome.status === 'failed' ? `failed: ${outcome.error ?? 'no reason given'}` : 'was interrupted'}`,
      details: { ...accepted, ...(outcome.reply === null ? {} : { reply: outcome.reply }) },
    });
  }
  return { ...accepted, ...(outcome.reply === null ? {} : { reply: outcome.reply }) };
}

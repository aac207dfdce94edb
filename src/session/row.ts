import { unreachable } from '../contract/errors.js';
import type { Activity, Health, SessionRow } from '../contract/session.js';
import { containerOf } from './apply.js';
import { reachedOf } from './progress.js';
import { openForPerson, openPrompts } from './prompts.js';
import type { SessionState, Stage } from './state.js';

/** What a row needs beside the state. Absolute paths. */
export interface RowSurroundings {
  readonly codex_home: string;
  readonly transcript: string;
  readonly health: Health;
  readonly manifest_changed: boolean;
  /** Why its record cannot be written now; null when it can. */
  readonly trouble: string | null;
}

/** What a session is doing; null unless it runs. One whose next message is about to be handed over works already: it is not at rest. */
export function activityOf(state: SessionState): Activity | null {
  if (state.stage.phase !== 'running') return null;
  if (openForPerson(state).length > 0) return 'waiting';
  if (state.stage.turn !== null || state.outbox.some((m) => m.sent)) return 'working';
  if (state.paused !== null) return 'paused';
  return state.outbox.length > 0 ? 'working' : 'idle';
}

/** The session as users list it. */
export function toRow(state: SessionState, around: RowSurroundings): SessionRow {
  const { stage } = state;
  const container = containerOf(stage);
  const ended = stage.phase === 'stopped' || stage.phase === 'failed' ? stage : null;
  return {
    session_id: state.session_id,
    id: state.agent.id,
    role: state.agent.role,
    branch: state.branch,
    phase: stage.phase,
    activity: activityOf(state),
    health: stage.phase !== 'running' ? 'unknown' : around.trouble === null ? around.health : 'degraded',
    attempt: state.attempt,
    container_id: container?.id ?? null,
    container_name: container?.name ?? null,
    workspace: state.agent.workspace.path,
    codex_home: around.codex_home,
    thread_id: state.thread_id,
    turn_id: stage.phase === 'running' ? (stage.turn?.turn_id ?? null) : null,
    pending_prompts: openPrompts(state).length,
    tokens: state.tokens,
    started_at: new Date(state.started_ms).toISOString(),
    ended_at: ended === null ? null : new Date(ended.at_ms).toISOString(),
    end_reason: ended === null ? null : withHint(ended),
    transcript: around.transcript,
    waiting_for: ended === null && around.trouble !== null ? around.trouble : waitingFor(state),
    manifest_changed: around.manifest_changed,
    tags: state.agent.tags,
    synced:
      state.synced === null
        ? null
        : { commit: state.synced.commit, into: state.synced.into, at: new Date(state.synced.at_ms).toISOString() },
    not_brought_home: state.not_brought_home ?? null,
    reached: reachedOf(state),
    rehearsal: state.rehearsal,
  };
}

function withHint(ended: Extract<Stage, { phase: 'stopped' | 'failed' }>): string {
  const hint = ended.phase === 'failed' ? (ended.failure?.hint ?? null) : null;
  return hint === null ? ended.reason : `${ended.reason} (${hint})`;
}

function waitingFor(state: SessionState): string | null {
  const { stage } = state;
  switch (stage.phase) {
    case 'queued':
      return stage.reason;
    case 'backing_off':
      return stage.until_ms === null
        ? withCrashLoop(state, stage.reason)
        : `${stage.reason}; next attempt at ${new Date(stage.until_ms).toISOString()}`;
    case 'stopping':
      return stage.reason;
    case 'running':
      return pausedBy(state);
    case 'preparing':
    case 'starting':
    case 'stopped':
    case 'failed':
      return null;
    default:
      return unreachable(stage);
  }
}

function pausedBy({ paused, agent }: SessionState): string | null {
  if (paused === null) return null;
  const until =
    paused.prompt_id === null ? `filare-agents resume ${agent.id}` : `prompt ${paused.prompt_id} is answered`;
  return `paused by ${paused.by} until ${until}`;
}

function withCrashLoop(state: SessionState, reason: string): string {
  const asked = state.own_prompts.find((own) => own.origin === 'crash_loop');
  return asked === undefined ? reason : `${reason}; prompt ${asked.prompt_id} decides whether it tries again`;
}

import { unreachable } from '../contract/errors.js';
import type { Activity, Health, Prompt, SessionRow } from '../contract/session.js';
import type { OpenRequest, SessionState, Stage } from './state.js';
import { containerOf } from './apply.js';
import { policyOf } from './policy.js';

/** What a row needs beside the state. Absolute paths. */
export interface RowSurroundings {
  readonly codex_home: string;
  readonly transcript: string;
  readonly health: Health;
  readonly manifest_changed: boolean;
}

/** Requests that wait for a person; what the policy decides by itself is not among them, even in the moment before it has. */
export function openForPerson(state: SessionState): readonly OpenRequest[] {
  return state.requests.filter((open) => open.decision === null && policyOf(open, state) === null);
}

/** What a session is doing; null unless it runs. */
export function activityOf(state: SessionState): Activity | null {
  if (state.stage.phase !== 'running') return null;
  if (openForPerson(state).length > 0) return 'waiting';
  if (state.stage.turn !== null || state.outbox.some((m) => m.sent)) return 'working';
  return 'idle';
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
    health: stage.phase === 'running' ? around.health : 'unknown',
    attempt: state.attempt,
    container_id: container?.id ?? null,
    container_name: container?.name ?? null,
    workspace: state.agent.workspace.path,
    codex_home: around.codex_home,
    thread_id: state.thread_id,
    turn_id: stage.phase === 'running' ? (stage.turn?.turn_id ?? null) : null,
    pending_prompts: openForPerson(state).length,
    tokens: state.tokens,
    started_at: new Date(state.started_ms).toISOString(),
    ended_at: ended === null ? null : new Date(ended.at_ms).toISOString(),
    end_reason: ended === null ? null : withHint(ended),
    transcript: around.transcript,
    waiting_for: waitingFor(state),
    manifest_changed: around.manifest_changed,
    tags: state.agent.tags,
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
        ? stage.reason
        : `${stage.reason}; next attempt at ${new Date(stage.until_ms).toISOString()}`;
    case 'stopping':
      return stage.reason;
    case 'preparing':
    case 'starting':
    case 'running':
    case 'stopped':
    case 'failed':
      return null;
    default:
      return unreachable(stage);
  }
}

/** An open request as a prompt in the inbox. */
export function toPrompt(state: SessionState, open: OpenRequest): Prompt {
  const { request } = open;
  const suggested = request.action['suggested_reply'];
  const severity = request.action['severity'];
  return {
    prompt_id: open.prompt_id,
    session_id: state.session_id,
    id: state.agent.id,
    role: state.agent.role,
    workspace: state.agent.workspace.path,
    branch: state.branch,
    kind: request.kind === 'approval' ? 'approval' : 'question',
    origin: 'codex',
    blocking: true,
    asked_by: state.agent.id,
    categories: [],
    rule_offer: null,
    revision: '',
    reason: request.reason,
    summary: request.summary,
    requested_action: {
      ...request.action,
      ...(state.agent.operator_contact === undefined ? {} : { operator_contact: state.agent.operator_contact }),
    },
    choices: [...request.choices],
    suggested_reply: typeof suggested === 'string' ? suggested : null,
    severity: severity === 'warning' || severity === 'critical' ? severity : 'info',
    created_at: new Date(open.opened_ms).toISOString(),
    deadline: null,
  };
}

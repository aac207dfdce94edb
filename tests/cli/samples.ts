import type { AgentSpec } from '../../src/contract/agent-spec.js';
import type { Prompt, SessionRow } from '../../src/contract/session.js';
import type { TranscriptEntry } from '../../src/contract/transcript.js';

let serial = 0;

/** A running, idle session of agent `id`. */
export function rowOf(id: string, patch: Partial<SessionRow> = {}): SessionRow {
  serial += 1;
  const session_id = patch.session_id ?? `${id}-20300101T000000Z-${serial.toString(36).padStart(4, 'a')}`;
  return {
    session_id,
    id,
    role: 'DOCUMENTATION',
    branch: `agents/${id}`,
    phase: 'running',
    activity: 'idle',
    health: 'ok',
    attempt: 1,
    container_id: 'c0ffee',
    container_name: `filare-${id}`,
    workspace: `/project/.filare/workspaces/${id}`,
    codex_home: `/project/.filare/agents/${id}/codex`,
    thread_id: 'thread-1',
    turn_id: null,
    pending_prompts: 0,
    tokens: { total: 1234, input: 1000, cached_input: 500, output: 234, reasoning: 0 },
    started_at: new Date(Date.now() - 60_000).toISOString(),
    ended_at: null,
    end_reason: null,
    transcript: `/project/outputs/agents/DOCUMENTATION/${session_id}/transcript.jsonl`,
    waiting_for: null,
    manifest_changed: false,
    tags: [],
    synced: null,
    not_brought_home: null,
    reached: ['started'],
    rehearsal: null,
    ...patch,
  };
}

/** An entry of a transcript: a reply, unless the patch says otherwise. */
export function entryOf(patch: Partial<TranscriptEntry>): TranscriptEntry {
  return {
    seq: 1,
    timestamp: new Date().toISOString(),
    session_id: 's',
    role: 'DOCUMENTATION',
    branch: null,
    attempt: 1,
    direction: 'out',
    from: 'docs',
    kind: 'reply',
    text: '',
    requires_operator: false,
    tags: [],
    ...patch,
  };
}

/** An approval that agent `id` waits for. */
export function promptOf(patch: Partial<Prompt> = {}): Prompt {
  return {
    prompt_id: 'p-1',
    session_id: 's',
    id: 'docs',
    role: 'DOCUMENTATION',
    workspace: '/w',
    branch: null,
    kind: 'approval',
    origin: 'codex',
    blocking: true,
    asked_by: 'docs',
    reason: null,
    summary: 'run rm -rf build',
    requested_action: { type: 'command', command: 'rm -rf build' },
    choices: ['accept', 'decline', 'cancel'],
    suggested_reply: null,
    severity: 'warning',
    categories: ['destructive'],
    rule_offer: { command: 'rm -rf build' },
    revision: 'v-1',
    created_at: new Date().toISOString(),
    deadline: null,
    ...patch,
  };
}

/** A resolved agent with every default. */
export function agentSpec(id: string): AgentSpec {
  return {
    id,
    role: 'DOCUMENTATION',
    workspace: { path: `/project/.filare/workspaces/${id}`, reuse_existing: true, is_default: true },
    git: { name: `${id} agent`, email: `${id}@agents.local` },
    mounts: [],
    image: 'filare-codex',
    resources: { cpus: 2, memory_bytes: 4 * 2 ** 30, pids: 512 },
    network: 'open',
    codex: { sandbox: 'danger-full-access', config: {} },
    escalation: { approvals: 'ask', rules: [], on_deadline: 'reject', notify: [] },
    restart: {
      policy: 'on-failure',
      max_attempts: 5,
      backoff_ms: 10_000,
      backoff_max_ms: 300_000,
      reset_after_ms: 600_000,
    },
    health: { interval_ms: 15_000, timeout_ms: 20_000, failures: 3, stall_after_ms: 900_000 },
    limits: {},
    tags: [],
    depends_on: [],
    source: { file: '/project/configs/agents/docs.yml', line: 1, sha256: '0' },
  };
}

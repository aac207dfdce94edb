import type { AgentSpec } from '../../src/contract/agent-spec.js';

/** A resolved agent with the manifest's defaults; `codex` and the rest as given. */
export function agentSpec(changes: Partial<AgentSpec> = {}): AgentSpec {
  return {
    id: 'alpha',
    role: 'FEATURE',
    workspace: { path: '/w/alpha', reuse_existing: true, is_default: true },
    git: { name: 'alpha agent', email: 'alpha@agents.local' },
    mounts: [],
    image: 'filare-codex',
    resources: { cpus: 2, memory_bytes: 4 * 1024 ** 3, pids: 512 },
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
    source: { file: '/m.yml', line: 1, sha256: '0'.repeat(64) },
    ...changes,
  };
}

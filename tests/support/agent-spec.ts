import { agentSpecSchema, type AgentSpec } from '../../src/contract/agent-spec.js';

/** A resolved agent with the defaults of the manifest, for tests that need no manifest. */
export function agentSpec(given: Partial<AgentSpec> & { readonly id: string }): AgentSpec {
  return agentSpecSchema.parse({
    role: 'FEATURE',
    workspace: { path: `/nowhere/.filare/workspaces/${given.id}`, reuse_existing: true, is_default: true },
    git: { name: `${given.id} agent`, email: `${given.id}@agents.local` },
    mounts: [],
    image: 'filare-codex',
    resources: { cpus: 1, memory_bytes: 256 * 2 ** 20, pids: 256 },
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
    source: { file: 'test.yml', line: 1, sha256: '' },
    ...given,
  });
}

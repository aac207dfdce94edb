import { createHash } from 'node:crypto';
import { join } from 'node:path';
import type { AgentSpec } from '../src/contract/agent-spec.js';
import type { ProjectPaths } from '../src/contract/project.js';

/** What benchmarked agents have in common, and what one may have of its own. */
export interface AgentWishes {
  readonly cpus?: number;
  readonly role?: string;
}

/** The manifest that benchmarked agents are said to be read from; it is there and says the same, so that nothing about it is special. */
export const MANIFEST = { name: 'bench.yml', text: 'defaults: { role: FEATURE }\n' };

/** A small agent whose workspace is a folder that exists; what a manifest of a few lines resolves to. */
export function agentSpec(paths: ProjectPaths, id: string, wishes: AgentWishes = {}): AgentSpec {
  return {
    id,
    role: wishes.role ?? 'FEATURE',
    workspace: { path: join(paths.workspaces, id), reuse_existing: true, is_default: true },
    git: { name: id, email: `${id}@agents.local` },
    mounts: [],
    image: 'filare-codex',
    resources: { cpus: wishes.cpus ?? 1, memory_bytes: 256 * 2 ** 20, pids: 256 },
    network: 'open',
    codex: { sandbox: 'danger-full-access', config: {} },
    escalation: { approvals: 'approve', rules: [], on_deadline: 'reject', notify: [] },
    restart: { policy: 'never', max_attempts: 1, backoff_ms: 1000, backoff_max_ms: 1000, reset_after_ms: 60_000 },
    health: { interval_ms: 15_000, timeout_ms: 20_000, failures: 3, stall_after_ms: 900_000 },
    limits: {},
    tags: [],
    depends_on: [],
    source: {
      file: join(paths.root, MANIFEST.name),
      line: 1,
      sha256: createHash('sha256').update(MANIFEST.text).digest('hex'),
    },
  };
}

import type { AgentSpec } from '../contract/agent-spec.js';

/** The branch an agent is pinned to when its workspace is git: the manifest's, else `agents/<id>`. */
export function pinnedBranch(agent: Pick<AgentSpec, 'id' | 'branch'>): string {
  return agent.branch ?? `agents/${agent.id}`;
}

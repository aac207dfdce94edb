import type { AgentSpec } from '../contract/agent-spec.js';
import type { Caller } from './tool-desk.js';

/** What an agent may do with others, as its manifest says: ids, `tag:NAME`, `*` for all; never itself. */
export function orchestratorCaller(agent: AgentSpec, rehearsed: boolean): Caller {
  const { agents, answer } = agent.orchestrates ?? { agents: [], answer: 'none' as const };
  const own = agent.id.toLowerCase();
  return {
    name: agent.id,
    answer,
    rehearsed,
    reaches: ({ id, tags }) =>
      id.toLowerCase() !== own &&
      agents.some((word) => word === '*' || word === id || tags.some((tag) => word === `tag:${tag}`)),
  };
}

/** An outside program: it acts with the rights of the person who runs it, under its own name. */
export function outsideCaller(name: string, rehearsed: boolean): Caller {
  return { name, answer: 'all', rehearsed, reaches: () => true };
}

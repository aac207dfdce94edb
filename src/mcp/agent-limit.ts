import { AGENT_NAME } from '../contract/agent-name.js';
import { FilareError } from '../contract/errors.js';

/** Agents that a server is limited to. */
export interface AgentLimit {
  readonly ids: ReadonlySet<string>;
  readonly tags: ReadonlySet<string>;
}

/** What a limit looks at. */
interface LimitedAgent {
  readonly id: string;
  readonly tags: readonly string[];
}

/** The limit that `ID|tag:NAME,…` means; anything else is `usage`. */
export function parseAgentLimit(text: string): AgentLimit {
  const words = text.split(',').map((word) => word.trim());
  const tags = words.filter((word) => word.startsWith('tag:')).map((word) => word.slice('tag:'.length));
  const ids = words.filter((word) => !word.startsWith('tag:'));
  const wrong = ids.find((id) => !AGENT_NAME.test(id)) ?? tags.find((tag) => tag === '');
  if (wrong !== undefined) {
    throw new FilareError({
      code: 'usage',
      message: `--agents: ${JSON.stringify(wrong)} is neither an agent id nor a tag`,
      hint: 'for example --agents docs,tag:web',
    });
  }
  return { ids: new Set(ids), tags: new Set(tags) };
}

/** Whether the agent is within the limit. */
export function allowsAgent(limit: AgentLimit, agent: LimitedAgent): boolean {
  return limit.ids.has(agent.id) || agent.tags.some((tag) => limit.tags.has(tag));
}

/** The refusal of what lies outside the limit. It says the same whether or not there is such an agent. */
export function outsideLimit(what: string, limit: AgentLimit): FilareError {
  const words = [...limit.ids, ...[...limit.tags].map((tag) => `tag:${tag}`)];
  return new FilareError({
    code: 'not_found',
    message: `${what} is not among the agents of this server (${words.join(', ')})`,
    hint: 'list_agents shows them',
  });
}

import type { Fleet } from '../client/fleet.js';
import { FilareError } from '../contract/errors.js';
import type { SessionRow } from '../contract/session.js';
import type { ToolName } from '../contract/tools.js';
import { allowsAgent, type AgentLimit } from './agent-limit.js';
import type { ToolAnswer } from './reach-daemon.js';

/** Tools that answer about several agents. */
const LISTS: ReadonlySet<ToolName> = new Set(['list_agents', 'list_prompts']);

/** The answer without what lies outside the limit. An answer in which agents cannot be told apart is refused rather than shown. */
export async function limitAnswer(
  fleet: Fleet,
  limit: AgentLimit,
  given: { readonly tool: ToolName; readonly answer: ToolAnswer },
): Promise<ToolAnswer> {
  const { tool, answer } = given;
  if (!LISTS.has(tool) || !answer.success) return answer;
  const latest = latestRows(await fleet.sessions({ all: true }));
  const may_see = (entry: unknown): boolean => isAllowed(limit, latest, entry);
  const value = limitValue(answer.data === undefined ? parsed(answer.text) : answer.data, may_see);
  if (value === undefined) {
    throw new FilareError({
      code: 'unsupported',
      message: `the daemon's answer to ${tool} cannot be limited to the agents of this server`,
      hint: 'filare-agents of the server and the daemon may differ: filare-agents daemon stop, then try again',
    });
  }
  return { success: true, text: JSON.stringify(value), ...(answer.data === undefined ? {} : { data: value }) };
}

/** The newest session of each agent: its tags are those that count. */
function latestRows(rows: readonly SessionRow[]): ReadonlyMap<string, SessionRow> {
  const sorted = rows.toSorted((a, b) => a.started_at.localeCompare(b.started_at));
  return new Map(sorted.map((row) => [row.id, row]));
}

/** A list, or a record that holds lists, of which each entry names its agent; undefined for anything else. */
function limitValue(value: unknown, may_see: (entry: unknown) => boolean): unknown {
  if (Array.isArray(value)) return value.filter(may_see);
  if (!isRecord(value)) return undefined;
  const lists = Object.entries(value).flatMap(([name, list]): [string, unknown[]][] =>
    Array.isArray(list) ? [[name, list.filter(may_see)]] : [],
  );
  return lists.length === 0 ? undefined : Object.fromEntries(lists);
}

function isAllowed(limit: AgentLimit, latest: ReadonlyMap<string, SessionRow>, entry: unknown): boolean {
  if (!isRecord(entry) || typeof entry['id'] !== 'string') return false;
  const { id, tags } = entry;
  const declared = Array.isArray(tags) ? tags.filter((tag) => typeof tag === 'string') : [];
  return allowsAgent(limit, { id, tags: latest.get(id)?.tags ?? declared });
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

import type { Fleet } from '../client/fleet.js';
import { asFilareError } from '../contract/errors.js';
import type { SessionRow } from '../contract/session.js';
import type { ToolName } from '../contract/tools.js';
import { allowsAgent, outsideLimit, type AgentLimit } from './agent-limit.js';

/** A call whose arguments have been checked. */
interface CheckedCall {
  readonly tool: ToolName;
  readonly arguments: Record<string, unknown>;
}

/**
 * The arguments with what they name resolved, and found within the limit: what is beginning of an id for us may be another's for the daemon a moment
 * later, so the daemon is given the exact session (for `start_agent` the exact agent). Everything else is refused in the same words.
 */
export async function limitArguments(
  fleet: Fleet,
  limit: AgentLimit,
  call: CheckedCall,
): Promise<Record<string, unknown>> {
  const { agent, prompt_id } = call.arguments;
  if (typeof prompt_id === 'string') {
    const session = await orUndefined(async () => (await fleet.prompt(prompt_id)).session_id);
    if (session === undefined || (await allowedRow(fleet, limit, session)) === undefined) {
      throw outsideLimit(`prompt ${prompt_id}`, limit);
    }
  }
  if (typeof agent !== 'string') return call.arguments;
  // Never started, it has no session yet. An exact agent id comes before every other meaning.
  if (call.tool === 'start_agent' && limit.ids.has(agent)) return call.arguments;
  const row = await allowedRow(fleet, limit, agent);
  if (row === undefined) throw outsideLimit(agent, limit);
  return { ...call.arguments, agent: call.tool === 'start_agent' ? row.id : row.session_id };
}

/** The session that `ref` means, if it is within the limit. */
export async function allowedRow(fleet: Fleet, limit: AgentLimit, ref: string): Promise<SessionRow | undefined> {
  const detail = await orUndefined(() => fleet.describe(ref));
  return detail !== undefined && allowsAgent(limit, detail.row) ? detail.row : undefined;
}

/** What is not there, or names several, is undefined: the daemon's own words would tell of agents outside the limit. */
async function orUndefined<T>(look: () => Promise<T>): Promise<T | undefined> {
  try {
    return await look();
  } catch (error) {
    if (['not_found', 'usage', 'ended'].includes(asFilareError(error).code)) return undefined;
    throw error;
  }
}

import type { Fleet } from '../client/fleet.js';
import { DaemonUnreachable } from '../client/http-request.js';
import { FilareError } from '../contract/errors.js';
import { TOOLS, type ToolName } from '../contract/tools.js';
import type { Offer } from './mcp-server.js';

/** A call for the daemon. */
export interface DaemonCall {
  readonly tool: ToolName;
  readonly arguments: Record<string, unknown>;
  readonly caller: string;
  readonly signal: AbortSignal;
}

/** What `fleet.callTool` takes. */
export interface AskedCall {
  readonly caller: string;
  readonly arguments: Record<string, unknown>;
  readonly wait_ms: number;
}

/** What the daemon answers to a call. */
export interface ToolAnswer {
  readonly success: boolean;
  readonly text: string;
  readonly data?: unknown;
}

/** What the system says when a request never reached anybody. */
const NEVER_REACHED: ReadonlySet<string> = new Set(['ENOENT', 'ECONNREFUSED']);

/**
 * Asks the daemon, found or started for this one call, which ends with its signal. A daemon that goes away meanwhile is looked for once more where that
 * is safe: when the call never reached it, or only looks (what it has waited is taken off its wait). Else it is said that nobody knows what became of it.
 */
export async function reachDaemon(
  openFleet: Offer['openFleet'],
  call: DaemonCall,
  ask: (fleet: Fleet, asked: AskedCall) => Promise<ToolAnswer>,
): Promise<ToolAnswer> {
  const begun = performance.now();
  const attempt = async (given: Record<string, unknown>): Promise<ToolAnswer> => {
    await using fleet = await openFleet({ signal: call.signal });
    return await ask(fleet, { caller: call.caller, arguments: given, wait_ms: waitOf(given) });
  };
  try {
    return await attempt(call.arguments);
  } catch (error) {
    if (!(error instanceof DaemonUnreachable)) throw error;
    if (TOOLS[call.tool].changes && !NEVER_REACHED.has(error.reason)) throw wentAway(call.tool, error);
  }
  return attempt(withoutWaited(call.arguments, (performance.now() - begun) / 1000));
}

/** How long a call may wait by its own arguments, in milliseconds. */
export function waitOf(given: Readonly<Record<string, unknown>>): number {
  const seconds = given['wait_seconds'] ?? given['timeout_seconds'];
  return typeof seconds === 'number' ? seconds * 1000 : 0;
}

function withoutWaited(given: Record<string, unknown>, waited_s: number): Record<string, unknown> {
  const { timeout_seconds } = given;
  if (typeof timeout_seconds !== 'number') return given;
  return { ...given, timeout_seconds: Math.max(1, Math.round(timeout_seconds - waited_s)) };
}

function wentAway(tool: ToolName, cause: DaemonUnreachable): FilareError {
  return new FilareError({
    code: 'unexpected',
    message: `the daemon went away during ${tool}: whether it was carried out is not known`,
    hint: 'look with list_agents and read_transcript before calling it again',
    cause,
  });
}

import { ProtocolError, ProtocolErrorCode, type CallToolResult } from '@modelcontextprotocol/server';
import { asFilareError, FilareError } from '../contract/errors.js';
import { isToolName, TOOLS, type ToolName } from '../contract/tools.js';
import { checkArguments } from './check-arguments.js';
import { limitAnswer } from './limit-answer.js';
import { limitArguments } from './limit-arguments.js';
import type { Offer } from './mcp-server.js';
import { reachDaemon, type ToolAnswer } from './reach-daemon.js';
import { offeredTools } from './tool-list.js';

/** One call as a client sent it. */
export interface ToolCall {
  readonly tool: string;
  readonly arguments: Readonly<Record<string, unknown>>;
  /** Who it is written down as. */
  readonly caller: string;
  /** Aborted when the client takes the call back. */
  readonly signal: AbortSignal;
}

/** Longest part of an unknown tool's name that is said back. */
const MAX_NAME_SHOWN = 80;

/**
 * Carries out one call and answers with what the client is given: every refusal and failure is an answer with `isError`, never thrown. Only a tool that
 * does not exist is an error of the protocol, as the protocol wants it.
 */
export async function callTool(offer: Offer, call: ToolCall, say: (text: string) => void): Promise<CallToolResult> {
  const { tool } = call;
  if (!isToolName(tool)) {
    throw new ProtocolError(
      ProtocolErrorCode.InvalidParams,
      `there is no tool ${JSON.stringify(tool.slice(0, MAX_NAME_SHOWN))}; there are ${offeredTools(offer.read_only).join(', ')}`,
    );
  }
  try {
    return answerResult(await carryOut(offer, { ...call, tool }));
  } catch (error) {
    const failure = asFilareError(error);
    // Nobody is left to hear of a call that was taken back.
    if (failure.code === 'unexpected' && !call.signal.aborted) say(`mcp: ${tool}: ${failure.message}`);
    return failureResult(failure);
  }
}

async function carryOut(offer: Offer, call: ToolCall & { readonly tool: ToolName }): Promise<ToolAnswer> {
  const { tool } = call;
  if (offer.read_only && TOOLS[tool].changes) throw refusedAsReadOnly(tool);
  const checked = checkArguments(tool, call.arguments);
  const { limit } = offer;
  return reachDaemon(offer.openFleet, { ...call, tool, arguments: checked }, async (fleet, asked) => {
    if (limit === undefined) return fleet.callTool(tool, asked);
    const narrowed = await limitArguments(fleet, limit, { tool, arguments: asked.arguments });
    return limitAnswer(fleet, limit, { tool, answer: await fleet.callTool(tool, { ...asked, arguments: narrowed }) });
  });
}

function refusedAsReadOnly(tool: ToolName): FilareError {
  return new FilareError({
    code: 'unsupported',
    message: `${tool} changes something, and this server was started with --read-only: it only looks (${offeredTools(true).join(', ')})`,
    hint: 'the person who set it up can take --read-only out of its arguments',
  });
}

/** The daemon's answer: its text, its data where it gives some, a refusal as an error. */
function answerResult(answer: ToolAnswer): CallToolResult {
  return {
    content: [{ type: 'text', text: answer.text }],
    ...(answer.data === undefined ? {} : { structuredContent: answer.data }),
    ...(answer.success ? {} : { isError: true }),
  };
}

function failureResult(failure: FilareError): CallToolResult {
  const { code, message, hint } = failure;
  const text = hint === undefined ? message : `${message}\ntry: ${hint}`;
  return {
    content: [{ type: 'text', text }],
    structuredContent: { error: { code, message, ...(hint === undefined ? {} : { hint }) } },
    isError: true,
  };
}

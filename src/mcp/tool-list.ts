import type { Tool } from '@modelcontextprotocol/server';
import { z } from 'zod';
import { isToolName, TOOLS, type ToolName } from '../contract/tools.js';

/** What a tool may undo or let loose that cannot be had back: clients ask their user before such a call. A new tool must be decided here. */
const DESTRUCTIVE: Readonly<Record<ToolName, boolean>> = {
  list_agents: false,
  start_agent: false,
  stop_agent: true,
  send_message: false,
  wait_for_agent: false,
  read_transcript: false,
  list_prompts: false,
  answer_prompt: true,
};

/** Tools whose second call with the same arguments changes nothing more. */
const IDEMPOTENT: ReadonlySet<ToolName> = new Set(['start_agent', 'stop_agent']);

/** Names of the tools that are offered. */
export function offeredTools(read_only: boolean): ToolName[] {
  return Object.keys(TOOLS)
    .filter(isToolName)
    .filter((name) => !read_only || !TOOLS[name].changes);
}

/** What MCP wants of a tool's schema. */
const mcpSchema = z.looseObject({
  type: z.literal('object'),
  properties: z.record(z.string(), z.json()).optional(),
  required: z.array(z.string()).optional(),
});

/** The offered tools as MCP lists them. */
export function listedTools(read_only: boolean): Tool[] {
  return offeredTools(read_only).map((name) => ({
    name,
    description: TOOLS[name].description,
    inputSchema: mcpSchema.parse(z.toJSONSchema(TOOLS[name].input, { io: 'input' })),
    annotations: {
      readOnlyHint: !TOOLS[name].changes,
      ...(TOOLS[name].changes
        ? { destructiveHint: DESTRUCTIVE[name], idempotentHint: IDEMPOTENT.has(name) }
        : { destructiveHint: false }),
    },
  }));
}

import { z } from 'zod';
import type { AgentSpec } from '../contract/agent-spec.js';
import { TOOLS, type ToolName } from '../contract/tools.js';
import { ASK_OPERATOR_TOOL } from './ask-operator.js';
import { projectCommandTool } from './project-commands.js';
import type { DynamicToolSpec, JsonValue } from './generated/protocol.js';

/** The tools that an agent gets at `thread/start`: every one asks the operator; one with commands runs them; one that orchestrates drives others besides. */
export function dynamicTools(agent: AgentSpec): readonly DynamicToolSpec[] {
  const { commands = [], orchestrates } = agent;
  return [
    ASK_OPERATOR_TOOL,
    ...(commands.length === 0 ? [] : [projectCommandTool(commands)]),
    ...(orchestrates === undefined ? [] : (Object.keys(TOOLS) as ToolName[]).map(toolSpec)),
  ];
}

function toolSpec(name: ToolName): DynamicToolSpec {
  const { description, input } = TOOLS[name];
  const { $schema: _, ...inputSchema } = z.toJSONSchema(input);
  // A JSON Schema is JSON; its type says more than that.
  return { type: 'function', name, description, inputSchema: inputSchema as JsonValue };
}

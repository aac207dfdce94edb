/**
 * The tools with which agents are driven: by an agent with `orchestrates`, through its own Codex connection, and by outside programs, through
 * `filare-agents mcp`. Declared once: what each takes, what it answers, whether it changes anything. fleet/ carries them out.
 */
import { z } from 'zod';

const agent = z
  .string()
  .min(1)
  .max(200)
  .describe('Agent id (its latest session), session id, or a unique beginning of one.');

/** One tool. Its answer is text for a model to read: JSON, except where `description` says otherwise. */
export interface ToolDefinition {
  readonly description: string;
  /** False: it only looks. */
  readonly changes: boolean;
  readonly input: z.ZodObject;
}

/** Longest wait that a tool takes, in seconds. */
export const MAX_TOOL_WAIT_S = 3600;
/** Most entries that one reading of a transcript gives. */
export const MAX_TOOL_ENTRIES = 200;

/** Every tool, by name. */
export const TOOLS = {
  list_agents: {
    description:
      'List the agents you may drive: what they are, what each is doing, how many prompts it has open. Agents that are declared and do not run are listed too.',
    changes: false,
    input: z.strictObject({}),
  },
  start_agent: {
    description:
      'Start an agent that has ended or was never started, as its manifest declares it. Harmless when it runs.',
    changes: true,
    input: z.strictObject({ agent }),
  },
  stop_agent: {
    description: 'Stop an agent: its container goes, its work and record stay. Harmless when it has ended.',
    changes: true,
    input: z.strictObject({ agent }),
  },
  send_message: {
    description:
      'Send a message to an agent. With wait_seconds, wait for the turn that takes it and answer with its last reply; without, answer once it was taken or queued.',
    changes: true,
    input: z.strictObject({
      agent,
      text: z.string().min(1).max(1_000_000).describe('The message, complete in itself.'),
      wait_seconds: z.number().int().min(1).max(MAX_TOOL_WAIT_S).optional().describe('How long to wait for the reply.'),
    }),
  },
  wait_for_agent: {
    description: 'Wait until an agent is idle, waits for a person, or has stopped.',
    changes: false,
    input: z.strictObject({
      agent,
      until: z.enum(['idle', 'waiting', 'stopped']),
      timeout_seconds: z.number().int().min(1).max(MAX_TOOL_WAIT_S),
    }),
  },
  read_transcript: {
    description:
      'Read what an agent was told, said and did, from a position on: entries with a greater seq than `after` (default 0), or the last so many.',
    changes: false,
    input: z.strictObject({
      agent,
      after: z.number().int().min(0).optional().describe('seq of the last entry you have seen.'),
      last: z.number().int().min(1).max(MAX_TOOL_ENTRIES).optional(),
      limit: z.number().int().min(1).max(MAX_TOOL_ENTRIES).optional().describe('At most so many entries; default 50.'),
    }),
  },
  list_prompts: {
    description: 'List what the agents you may drive are waiting for somebody to decide.',
    changes: false,
    input: z.strictObject({}),
  },
  answer_prompt: {
    description:
      'Answer a prompt of another agent, where you were given that right. For an approval `accept`, `decline` or `cancel`; for a question the answer.',
    changes: true,
    input: z.strictObject({
      prompt_id: z.string().min(1).max(200),
      revision: z.string().max(100).describe('As list_prompts gave it: the answer is for what was shown there.'),
      choice: z.string().min(1).max(1_000_000),
      reason: z.string().max(100_000).optional(),
    }),
  },
} as const satisfies Readonly<Record<string, ToolDefinition>>;

/** Name of a tool. */
export type ToolName = keyof typeof TOOLS;

/** Whether there is a tool of that name. */
export function isToolName(name: string): name is ToolName {
  return Object.hasOwn(TOOLS, name);
}

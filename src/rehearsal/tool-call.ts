import { itemId, type Conversation } from './conversation.js';
import type { Step } from './plan.js';
import { fill, fillCommand, fillDeep, type Values } from './template.js';

/** How long Codex waits for a command before it reports that it still runs, in milliseconds; we then ask again. */
const COMMAND_YIELD_MS = 10_000;
/** The same for a command that is to go on in the background. */
const BACKGROUND_YIELD_MS = 1_000;
/** The same for each time a running command is asked again. */
const COMMAND_POLL_MS = 30_000;

/** A tool call as the Responses API sends it. */
export type CallItem =
  | {
      readonly type: 'function_call';
      readonly id: string;
      readonly call_id: string;
      readonly name: string;
      readonly namespace?: string;
      readonly arguments: string;
    }
  | {
      readonly type: 'custom_tool_call';
      readonly id: string;
      readonly call_id: string;
      readonly name: string;
      readonly input: string;
    };

/** A step that Codex carries out through one of its tools. */
export type ToolStep = Extract<Step, { readonly kind: 'run' | 'write' | 'patch' | 'call' }>;

/** The call that makes Codex carry out a step: `exec_command` for commands, and for edits `apply_patch` where Codex offers it as a tool,
 * else as a command, which Codex recognises. */
export function toolCall(step: ToolStep, values: Values, conversation: Conversation, index: number): CallItem {
  const ids = { id: itemId('fc', conversation, index), call_id: itemId('call', conversation, index) };
  switch (step.kind) {
    case 'run':
      return command(ids, {
        line: fillCommand(step.command, values),
        workdir: step.workdir === undefined ? undefined : fill(step.workdir, values),
        reason: step.reason === undefined ? undefined : fill(step.reason, values),
        yieldMs: step.background ? BACKGROUND_YIELD_MS : COMMAND_YIELD_MS,
      });
    case 'write':
      return edit(ids, conversation.tools, writePatch(fill(step.path, values), fill(step.content, values)));
    case 'patch':
      return edit(ids, conversation.tools, updatePatch(fill(step.path, values), fill(step.patch, values)));
    case 'call': {
      const filled = fillDeep(step.arguments, values);
      if (typeof filled === 'string') return { type: 'custom_tool_call', ...ids, name: step.tool, input: filled };
      const namespace = step.namespace === undefined ? {} : { namespace: step.namespace };
      return { type: 'function_call', ...ids, name: step.tool, ...namespace, arguments: JSON.stringify(filled) };
    }
  }
}

/** The call that waits for a command which was still running when Codex last reported. */
export function pollCall(conversation: Conversation, running: NonNullable<Conversation['running']>): CallItem {
  const step = conversation.step - 1;
  return {
    type: 'function_call',
    id: itemId('fc', conversation, step, running.polls),
    call_id: itemId('call', conversation, step, running.polls),
    name: 'write_stdin',
    arguments: JSON.stringify({ session_id: running.session, chars: '', yield_time_ms: COMMAND_POLL_MS }),
  };
}

interface Ids {
  readonly id: string;
  readonly call_id: string;
}

interface CommandLine {
  readonly line: string;
  readonly workdir?: string | undefined;
  readonly reason?: string | undefined;
  readonly yieldMs: number;
}

function command(ids: Ids, { line, workdir, reason, yieldMs }: CommandLine): CallItem {
  const escalation = reason === undefined ? {} : { sandbox_permissions: 'require_escalated', justification: reason };
  const options = { ...(workdir === undefined ? {} : { workdir }), ...escalation };
  const args = JSON.stringify({ cmd: line, yield_time_ms: yieldMs, ...options });
  return { type: 'function_call', ...ids, name: 'exec_command', arguments: args };
}

function edit(ids: Ids, tools: ReadonlySet<string>, patch: string): CallItem {
  if (tools.has('apply_patch')) return { type: 'custom_tool_call', ...ids, name: 'apply_patch', input: patch };
  let end = 'END_OF_PATCH';
  while (patch.includes(end)) end += '_';
  return command(ids, { line: `apply_patch <<'${end}'\n${patch}\n${end}\n`, yieldMs: COMMAND_YIELD_MS });
}

function writePatch(path: string, content: string): string {
  const lines = content.replace(/\n$/, '').split('\n');
  const added = content === '' ? [] : lines.map((line) => `+${line}`);
  return ['*** Begin Patch', `*** Add File: ${path}`, ...added, '*** End Patch'].join('\n');
}

function updatePatch(path: string, patch: string): string {
  const body = patch.replace(/\n+$/, '');
  if (body.startsWith('*** Begin Patch')) return body;
  return ['*** Begin Patch', `*** Update File: ${path}`, body, '*** End Patch'].join('\n');
}

import type { AgentItem } from '../contract/agent-event.js';
import { scriptOf } from './command-text.js';
import { isRecord, numberOrNull, recordOf, recordsOf, textOf, textOrNull, textsOf } from './fields.js';
import type { ThreadItem } from './generated/protocol.js';

type Fields = Readonly<Record<string, unknown>>;
type Reading = Omit<AgentItem, 'item_id'>;

/** Reads a thread item of Codex; a kind that this version does not know becomes a note that carries it whole. */
export function readItem(item: Fields): AgentItem {
  const read = READERS.get(textOf(item, 'type'));
  const item_id = textOf(item, 'id');
  if (read === undefined) {
    return { item_id, kind: 'note', text: `item of an unknown kind: ${textOf(item, 'type')}`, data: { item } };
  }
  return { item_id, ...read(item) };
}

/** The text of a user's message: its text parts, images and files named in brackets. */
export function messageText(item: Fields): string {
  return recordsOf(item, 'content')
    .map((part) => {
      const type = textOf(part, 'type');
      if (type === 'text') return textOf(part, 'text');
      return `[${type}: ${textOf(part, 'path') || textOf(part, 'name') || textOf(part, 'fileId') || textOf(part, 'url').slice(0, 200)}]`;
    })
    .join('\n');
}

const READ_ITEM: Record<ThreadItem['type'], (item: Fields) => Reading> = {
  userMessage: (item) => ({
    kind: 'message',
    text: messageText(item),
    data: { message_id: textOrNull(item, 'clientId') },
  }),
  agentMessage: (item) => ({
    kind: 'reply',
    text: textOf(item, 'text'),
    data: item['phase'] === 'commentary' ? { phase: 'commentary' } : {},
  }),
  reasoning: (item) => {
    const summary = textsOf(item, 'summary');
    return {
      kind: 'reasoning',
      text: (summary.length > 0 ? summary : textsOf(item, 'content')).join('\n\n'),
      data: {},
    };
  },
  plan: (item) => ({ kind: 'plan', text: textOf(item, 'text'), data: {} }),
  commandExecution: (item) => ({
    kind: 'command',
    text: scriptOf(textOf(item, 'command')),
    data: {
      command: textOf(item, 'command'),
      cwd: textOf(item, 'cwd'),
      exit_code: numberOrNull(item, 'exitCode'),
      output: textOrNull(item, 'aggregatedOutput'),
      duration_ms: numberOrNull(item, 'durationMs'),
      status: statusOf(item),
    },
  }),
  fileChange: (item) => {
    const changes = recordsOf(item, 'changes').map((change) => ({
      path: textOf(change, 'path'),
      kind: textOf(recordOf(change, 'kind'), 'type'),
      diff: textOf(change, 'diff'),
      ...(textOrNull(recordOf(change, 'kind'), 'move_path') === null
        ? {}
        : { move_path: textOf(recordOf(change, 'kind'), 'move_path') }),
    }));
    return {
      kind: 'file_change',
      text: changes.map((change) => `${change.kind} ${change.path}`).join('\n'),
      data: { changes, status: statusOf(item) },
    };
  },
  mcpToolCall: (item) => tool(item, textOf(item, 'tool'), textOf(item, 'server'), item['result'] ?? null),
  dynamicToolCall: (item) => tool(item, textOf(item, 'tool'), textOrNull(item, 'namespace'), contentText(item)),
  functionCallOutput: (item) => tool(item, textOf(item, 'name'), textOrNull(item, 'namespace'), item['output'] ?? null),
  collabAgentToolCall: (item) =>
    tool({ ...item, arguments: { prompt: item['prompt'] ?? null } }, textOf(item, 'tool'), 'agents', null),
  webSearch: (item) => tool({ ...item, arguments: { query: textOf(item, 'query') } }, 'web_search', null, null),
  imageView: (item) => tool({ ...item, arguments: { path: textOf(item, 'path') } }, 'view_image', null, null),
  imageGeneration: (item) => tool({ ...item, arguments: {} }, 'generate_image', null, textOrNull(item, 'savedPath')),
  sleep: (item) => tool({ ...item, arguments: { duration_ms: numberOrNull(item, 'durationMs') } }, 'sleep', null, null),
  subAgentActivity: (item) => note(`sub-agent ${textOf(item, 'agentPath')}: ${textOf(item, 'kind')}`),
  hookPrompt: (item) =>
    note(
      `a hook added to the prompt: ${recordsOf(item, 'fragments')
        .map((fragment) => textOf(fragment, 'text'))
        .join('\n')}`,
    ),
  enteredReviewMode: (item) => note(`review begins: ${textOf(item, 'review')}`),
  exitedReviewMode: (item) => note(`review ended: ${textOf(item, 'review')}`),
  contextCompaction: () => note('Codex summed up the conversation so far to make room'),
};

/** A Map, so that no hostile kind (`constructor`) is found. */
const READERS: ReadonlyMap<string, (item: Fields) => Reading> = new Map(Object.entries(READ_ITEM));

function note(text: string): Reading {
  return { kind: 'note', text, data: {} };
}

function tool(item: Fields, name: string, server: string | null, result: unknown): Reading {
  const args = item['arguments'] ?? null;
  return {
    kind: 'tool',
    text: `${server === null ? '' : `${server}.`}${name} ${JSON.stringify(args)}`,
    data: {
      server,
      tool: name,
      arguments: args,
      result,
      error: textOrNull(recordOf(item, 'error'), 'message'),
      status: statusOf(item),
    },
  };
}

function contentText(item: Fields): string | null {
  const parts = item['contentItems'];
  if (!Array.isArray(parts)) return null;
  return parts
    .filter(isRecord)
    .map((part) => textOf(part, 'text') || `[${textOf(part, 'type')}]`)
    .join('\n');
}

/** Codex's status in our words: running, completed, failed, declined, interrupted. */
function statusOf(item: Fields): string {
  const status = textOf(item, 'status');
  return status === 'inProgress' ? 'running' : status;
}

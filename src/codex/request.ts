import type { AgentItem, AgentRequest } from '../contract/agent-event.js';
import { ASK_OPERATOR } from './ask-operator.js';
import { changeSize } from './change-size.js';
import { oneLine, quoted, scriptOf } from './command-text.js';
import { isRecord, recordOf, recordsOf, textOf, textOrNull, textsOf } from './fields.js';
import type { ServerRequest } from './generated/protocol.js';

type Fields = Readonly<Record<string, unknown>>;
type Reading = Pick<AgentRequest, 'kind' | 'summary' | 'action' | 'choices'>;

/** How much of a command or question a summary shows, in characters; all of it is in `action`. */
export const SUMMARY_CHARS = 300;

/** A request of Codex as one that a person, or the policy, can decide. A method that this version does not know is of kind `other`. */
export function readRequest(id: string | number, method: string, params: Fields): AgentRequest {
  const read =
    READERS.get(method) ??
    ((): Reading => other(`Codex asks for ${method}, which filare-agents does not know`, params));
  return {
    request_id: id,
    method,
    reason: textOrNull(params, 'reason'),
    turn_id: textOrNull(params, 'turnId'),
    item_id: textOrNull(params, 'itemId') ?? textOrNull(params, 'callId'),
    ...read(params),
  };
}

/** The request of a file change says only which item it is about: this adds what that item would change, and a summary that says so. */
export function withItem(request: AgentRequest, item: AgentItem): AgentRequest {
  if (request.action['type'] !== 'file_change' || item.kind !== 'file_change') return request;
  const changes = item.data['changes'];
  return {
    ...request,
    summary: `${changeSize(changes)}: ${oneLine(item.text.replaceAll('\n', ', '), SUMMARY_CHARS)}`,
    action: { ...request.action, changes },
  };
}

const READ_REQUEST: Record<ServerRequest['method'], (params: Fields) => Reading> = {
  'item/commandExecution/requestApproval': readCommand,
  'item/fileChange/requestApproval': (params) => {
    const root = textOrNull(params, 'grantRoot');
    return {
      kind: 'approval',
      summary: root === null ? `Change files (item ${textOf(params, 'itemId')})` : `Write below ${root} from now on`,
      action: { type: 'file_change', item_id: textOf(params, 'itemId'), grant_root: root },
      choices: ['accept', 'decline', 'cancel'],
    };
  },
  'item/permissions/requestApproval': (params) => ({
    kind: 'approval',
    summary: `Have more permissions for this turn: ${permissionsText(recordOf(params, 'permissions'))}`,
    action: { type: 'permissions', permissions: recordOf(params, 'permissions'), cwd: textOf(params, 'cwd') },
    choices: ['accept', 'decline'],
  }),
  'item/tool/requestUserInput': (params) => {
    const questions = recordsOf(params, 'questions').map((question) => ({
      id: textOf(question, 'id'),
      question: textOf(question, 'question'),
      header: textOf(question, 'header'),
      secret: question['isSecret'] === true,
      choices: recordsOf(question, 'options').map((option) => textOf(option, 'label')),
    }));
    return {
      kind: 'question',
      summary: oneLine(questions.map((question) => question.question).join(' · '), SUMMARY_CHARS),
      action: { type: 'question', questions },
      choices: questions.length === 1 ? (questions[0]?.choices ?? []) : [],
    };
  },
  'mcpServer/elicitation/request': readElicitation,
  'item/tool/call': readToolCall,
  execCommandApproval: (params) => {
    const command = quoted(textsOf(params, 'command'));
    return command_(command, command, params, ['accept', 'decline', 'cancel']);
  },
  applyPatchApproval: (params) => {
    const changes = Object.entries(recordOf(params, 'fileChanges')).map(([path, change]) => ({
      path,
      kind: isRecord(change) ? textOf(change, 'type') : '',
    }));
    return {
      kind: 'approval',
      summary: `Change files: ${oneLine(changes.map((change) => `${change.kind} ${change.path}`).join(', '), SUMMARY_CHARS)}`,
      action: {
        type: 'file_change',
        item_id: textOf(params, 'callId'),
        grant_root: textOrNull(params, 'grantRoot'),
        changes,
      },
      choices: ['accept', 'decline', 'cancel'],
    };
  },
  'account/chatgptAuthTokens/refresh': (params) =>
    other('Codex asks for fresh ChatGPT tokens, which filare-agents does not keep', params),
  'attestation/generate': (params) =>
    other('Codex asks for an attestation of the client, which filare-agents cannot give', params),
  'currentTime/read': (params) => other('Codex asks what time it is', params),
};

const READERS: ReadonlyMap<string, (params: Fields) => Reading> = new Map(Object.entries(READ_REQUEST));

function readCommand(params: Fields): Reading {
  const command = textOf(params, 'command');
  const network = recordOf(params, 'networkApprovalContext');
  const host = textOrNull(network, 'host');
  const offered = params['availableDecisions'];
  // `decline` is always taken by Codex, offered or not; the others only where they are offered.
  const choices = ['accept', 'decline', 'cancel'].filter(
    (choice) => choice === 'decline' || !Array.isArray(offered) || offered.includes(choice),
  );
  if (host !== null) {
    return {
      kind: 'approval',
      summary: `Reach ${host} over ${textOf(network, 'protocol')}`,
      action: { type: 'network', host, protocol: textOf(network, 'protocol'), command },
      choices,
    };
  }
  if (params['kind'] === 'writeStdin') {
    return {
      kind: 'approval',
      summary: `Type into the running command: ${oneLine(command, SUMMARY_CHARS)}`,
      action: { type: 'command', command, script: command, cwd: textOf(params, 'cwd'), stdin: true },
      choices,
    };
  }
  return command_(command, scriptOf(command), params, choices);
}

function command_(command: string, script: string, params: Fields, choices: readonly string[]): Reading {
  const cwd = textOf(params, 'cwd');
  const more = params['additionalPermissions'] ?? null;
  return {
    kind: 'approval',
    summary: `Run in ${cwd}${more === null ? '' : ', with more permissions'}: ${oneLine(script, SUMMARY_CHARS)}`,
    action: {
      type: 'command',
      command,
      script,
      cwd,
      // What it asks for besides running: no rule approves that unseen.
      ...(more === null ? {} : { additional_permissions: more }),
    },
    choices,
  };
}

function readToolCall(params: Fields): Reading {
  const name = textOf(params, 'tool');
  const args = recordOf(params, 'arguments');
  const question = textOf(args, 'question');
  if (name !== ASK_OPERATOR || textOrNull(params, 'namespace') !== null || question === '') {
    return {
      kind: 'tool',
      summary: `Call the tool ${name}`,
      action: {
        type: 'tool',
        tool: name,
        namespace: textOrNull(params, 'namespace'),
        arguments: params['arguments'] ?? null,
      },
      choices: [],
    };
  }
  const choices = textsOf(args, 'choices');
  return {
    kind: 'question',
    summary: oneLine(question, SUMMARY_CHARS),
    action: {
      type: 'question',
      questions: [{ id: ASK_OPERATOR, question, header: '', secret: false, choices }],
      blocking: args['blocking'] !== false,
      suggested_reply: textOrNull(args, 'suggested_reply'),
      severity: textOrNull(args, 'severity'),
    },
    choices,
  };
}

function readElicitation(params: Fields): Reading {
  const server = textOf(params, 'serverName');
  const mode = textOf(params, 'mode');
  const message = textOf(params, 'message');
  if (mode === 'url') {
    return {
      kind: 'approval',
      summary: `The MCP server ${server} asks you to open ${oneLine(textOf(params, 'url'), SUMMARY_CHARS)}: ${oneLine(message, SUMMARY_CHARS)}`,
      action: { type: 'elicitation', server, message, url: textOf(params, 'url') },
      choices: ['accept', 'decline', 'cancel'],
    };
  }
  if (mode !== 'form')
    return other(`The MCP server ${server} asks in a way that filare-agents cannot show (${mode})`, params);
  const schema = recordOf(params, 'requestedSchema');
  const fields = Object.keys(recordOf(schema, 'properties'));
  const action = { type: 'elicitation', server, message, schema };
  if (fields.length === 0) {
    return {
      kind: 'approval',
      summary: `${server}: ${oneLine(message, SUMMARY_CHARS)}`,
      action,
      choices: ['accept', 'decline', 'cancel'],
    };
  }
  const only = fields.length === 1 ? recordOf(recordOf(schema, 'properties'), fields[0] ?? '') : {};
  return {
    kind: 'question',
    summary: `${server}: ${oneLine(message, SUMMARY_CHARS)}`,
    action,
    choices: textsOf(only, 'enum'),
  };
}

function other(summary: string, params: Fields): Reading {
  return { kind: 'other', summary, action: { type: 'other', params }, choices: [] };
}

function permissionsText(permissions: Fields): string {
  const network = recordOf(permissions, 'network')['enabled'] === true ? ['the network'] : [];
  const files = recordOf(permissions, 'fileSystem');
  const read = textsOf(files, 'read').map((path) => `read ${path}`);
  const write = textsOf(files, 'write').map((path) => `write ${path}`);
  const named = [...network, ...read, ...write];
  return oneLine(named.length === 0 ? JSON.stringify(permissions) : named.join(', '), SUMMARY_CHARS);
}

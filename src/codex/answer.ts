import type { AgentRequest } from '../contract/agent-event.js';
import type { CodexConnection } from './connection.js';
import { isRecord, recordOf, recordsOf, textOf, textOrNull } from './fields.js';
import type {
  ApplyPatchApprovalResponse,
  CommandExecutionRequestApprovalResponse,
  CurrentTimeReadResponse,
  DynamicToolCallResponse,
  ExecCommandApprovalResponse,
  FileChangeRequestApprovalResponse,
  JsonValue,
  McpServerElicitationRequestResponse,
  PermissionsRequestApprovalResponse,
  ServerRequest,
  ToolRequestUserInputResponse,
} from './generated/protocol.js';

/** What was decided: for an approval `accept`, `decline` or `cancel`; for a question the answer's text, or `decline`. Anything else than `accept` grants nothing. */
export interface Decision {
  readonly choice: string;
  readonly reason: string | null;
}

/** The answer as JSON-RPC carries it. */
export type WireAnswer = { readonly result: unknown } | Refusal;

interface Refusal {
  readonly error: { readonly code: number; readonly message: string };
}

/** JSON-RPC's code for a method that the other side does not have. */
export const METHOD_NOT_FOUND = -32_601;

/** Writes the answer to a request of Codex. Resolves when it is in the pipe; writing it again after a crash is harmless. */
export async function answerRequest(
  codex: CodexConnection,
  request: AgentRequest,
  decision: Decision,
  now_ms: () => number = Date.now,
): Promise<void> {
  const answer = answerTo(request, decision, now_ms());
  if ('error' in answer) await codex.respondError(request.request_id, answer.error);
  else await codex.respond(request.request_id, answer.result);
}

/** The answer to a request of Codex; an honest error for what filare-agents does not serve. Pure. */
export function answerTo(request: AgentRequest, decision: Decision, now_ms: number): WireAnswer {
  const answer = ANSWERS.get(request.method);
  if (answer === undefined) return refusal(`filare-agents does not know the request ${request.method}`);
  return answer(request, decision, now_ms);
}

/** What Codex takes for an answer to each of its requests; `never` where we can only refuse. */
interface Answers extends Record<ServerRequest['method'], unknown> {
  readonly 'item/commandExecution/requestApproval': CommandExecutionRequestApprovalResponse;
  readonly 'item/fileChange/requestApproval': FileChangeRequestApprovalResponse;
  readonly 'item/permissions/requestApproval': PermissionsRequestApprovalResponse;
  readonly 'item/tool/requestUserInput': ToolRequestUserInputResponse;
  readonly 'mcpServer/elicitation/request': McpServerElicitationRequestResponse;
  readonly 'item/tool/call': DynamicToolCallResponse;
  readonly execCommandApproval: ExecCommandApprovalResponse;
  readonly applyPatchApproval: ApplyPatchApprovalResponse;
  readonly 'currentTime/read': CurrentTimeReadResponse;
  readonly 'attestation/generate': never;
  readonly 'account/chatgptAuthTokens/refresh': never;
}
type Answer<T> = { readonly result: T } | Refusal;
type Answerer<T> = (request: AgentRequest, decision: Decision, now_ms: number) => Answer<T>;

const ANSWER_REQUEST: { readonly [M in keyof Answers]: Answerer<Answers[M]> } = {
  'item/commandExecution/requestApproval': (_request, { choice }) => result({ decision: plainDecision(choice) }),
  'item/fileChange/requestApproval': (_request, { choice }) => result({ decision: plainDecision(choice) }),
  'item/permissions/requestApproval': (request, { choice }) =>
    result({
      permissions: choice === 'accept' ? granted(request) : {},
      scope: 'turn',
    }),
  'item/tool/requestUserInput': (request, decision) => result({ answers: userAnswers(request, decision) }),
  'mcpServer/elicitation/request': answerElicitation,
  'item/tool/call': answerToolCall,
  execCommandApproval: (_request, decision) => result({ decision: oldDecision(decision) }),
  applyPatchApproval: (_request, decision) => result({ decision: oldDecision(decision) }),
  'currentTime/read': (_request, _decision, now_ms) => result({ currentTimeAt: Math.floor(now_ms / 1000) }),
  'attestation/generate': () => refusal('filare-agents gives no attestations'),
  'account/chatgptAuthTokens/refresh': () =>
    refusal('filare-agents keeps no ChatGPT tokens; log in with filare-agents login'),
};

const ANSWERS: ReadonlyMap<string, Answerer<unknown>> = new Map(Object.entries(ANSWER_REQUEST));

function result<T>(value: T): { readonly result: T } {
  return { result: value };
}

function refusal(message: string): Refusal {
  return { error: { code: METHOD_NOT_FOUND, message } };
}

/** Never more than this one request: "for the session" and "always" would decide later ones without the ledger. */
function plainDecision(choice: string): 'accept' | 'decline' | 'cancel' {
  return choice === 'accept' || choice === 'cancel' ? choice : 'decline';
}

function oldDecision({ choice, reason }: Decision): ExecCommandApprovalResponse['decision'] {
  if (choice === 'accept') return 'approved';
  if (choice === 'cancel') return 'abort';
  return { denied: { rejection: reason ?? 'declined by the operator' } };
}

/** What was asked for, exactly: parts that are null are left out. */
function granted(request: AgentRequest): PermissionsRequestApprovalResponse['permissions'] {
  const asked = recordOf(request.action, 'permissions');
  // The shape is Codex's own, handed back as it came.
  return Object.fromEntries(
    Object.entries(asked).filter(([key, value]) => (key === 'network' || key === 'fileSystem') && isRecord(value)),
  );
}

function declined({ choice }: Decision): boolean {
  return choice === 'decline' || choice === 'cancel' || choice === 'unsupported';
}

/** One answer a question. Several questions are answered by a JSON object of id → answer; plain text answers the first. */
function userAnswers(request: AgentRequest, decision: Decision): ToolRequestUserInputResponse['answers'] {
  const ids = recordsOf(request.action, 'questions').map((question) => textOf(question, 'id'));
  if (declined(decision)) return {};
  const given = ids.length > 1 ? parseObject(decision.choice) : null;
  const entries = ids.flatMap((id, index) => {
    const answer = given === null ? (index === 0 ? decision.choice : null) : textOrNull(given, id);
    return answer === null ? [] : [[id, { answers: [answer] }] satisfies [string, { answers: string[] }]];
  });
  return Object.fromEntries(entries);
}

function answerToolCall(request: AgentRequest, decision: Decision): Answer<DynamicToolCallResponse> {
  const text = (words: string, success: boolean): Answer<DynamicToolCallResponse> =>
    result({ contentItems: [{ type: 'inputText', text: words }], success });
  if (request.kind !== 'question')
    return text(
      decision.reason ?? `the tool ${textOf(request.action, 'tool')} is not offered here`,
      decision.choice === 'answer',
    );
  if (!declined(decision))
    return text(decision.reason === null ? decision.choice : `${decision.choice}\n\n${decision.reason}`, true);
  return text(
    decision.reason === null
      ? 'The operator declined to answer.'
      : `The operator declined to answer: ${decision.reason}`,
    false,
  );
}

function answerElicitation(request: AgentRequest, decision: Decision): Answer<McpServerElicitationRequestResponse> {
  const refuse = (action: 'decline' | 'cancel'): Answer<McpServerElicitationRequestResponse> =>
    result({ action, content: null, _meta: null });
  if (request.kind === 'other' || declined(decision))
    return refuse(decision.choice === 'cancel' ? 'cancel' : 'decline');
  if (request.kind === 'approval' && decision.choice !== 'accept') return refuse('decline');
  const content = request.kind === 'approval' ? {} : formContent(recordOf(request.action, 'schema'), decision.choice);
  return result({ action: 'accept', content, _meta: null });
}

/** The fields of a form: one field takes the text itself (as its schema's type), several take a JSON object. */
function formContent(schema: Readonly<Record<string, unknown>>, answer: string): JsonValue {
  const properties = recordOf(schema, 'properties');
  const names = Object.keys(properties);
  const given = parseObject(answer);
  const values = names.map((name, index): readonly [string, JsonValue] | null => {
    const type = textOf(recordOf(properties, name), 'type');
    const value = given === null ? (index === 0 ? answer : undefined) : given[name];
    return value === undefined ? null : [name, coerce(value, type)];
  });
  return Object.fromEntries(values.filter((entry) => entry !== null));
}

function coerce(value: unknown, type: string): JsonValue {
  if (typeof value === 'number' || typeof value === 'boolean') return value;
  const text = typeof value === 'string' ? value : JSON.stringify(value);
  if ((type === 'number' || type === 'integer') && text.trim() !== '' && Number.isFinite(Number(text)))
    return Number(text);
  if (type === 'boolean' && /^(?:true|yes|false|no)$/i.test(text.trim())) return /^(?:true|yes)$/i.test(text.trim());
  return text;
}

function parseObject(text: string): Readonly<Record<string, unknown>> | null {
  try {
    const value: unknown = JSON.parse(text);
    return isRecord(value) ? value : null;
  } catch {
    return null;
  }
}

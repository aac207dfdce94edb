import type { AgentRequest } from '../contract/agent-event.js';
import { isRecord, recordOf, recordsOf, textOf, textOrNull, textsOf } from './fields.js';
import type { ServerRequest } from './generated/protocol.js';

/** What a client's answer decides, in our words. */
export type ClientChoice =
  /** `narrowed`: it said more than one answer can; it is taken for this once. */
  | { readonly choice: string; readonly narrowed: boolean }
  /** Nothing that we can carry; what was asked stays open. */
  | { readonly choice: null; readonly why: string };

type Reader = (result: Readonly<Record<string, unknown>>, request: AgentRequest) => ClientChoice;

const once = (choice: string): ClientChoice => ({ choice, narrowed: false });
const unknown: ClientChoice = { choice: null, why: 'this answer is not one that can be given from here' };

/** The requests that an attached terminal interface is shown. Tools, and what Codex asks of its client alone, are answered without it. */
const READ = {
  'item/commandExecution/requestApproval': readApproval,
  'item/fileChange/requestApproval': readApproval,
  'item/permissions/requestApproval': (result) => {
    const granted = Object.values(recordOf(result, 'permissions')).some(
      (value) => value !== null && value !== undefined,
    );
    return granted ? { choice: 'accept', narrowed: textOf(result, 'scope') === 'session' } : once('decline');
  },
  'item/tool/requestUserInput': (result, request) => {
    const given = recordOf(result, 'answers');
    const answers = recordsOf(request.action, 'questions').flatMap((question): [string, string][] => {
      const id = textOf(question, 'id');
      const said = textsOf(recordOf(given, id), 'answers').join('\n');
      return said === '' ? [] : [[id, said]];
    });
    const [only, ...more] = answers;
    if (only === undefined) return once('decline');
    const several = more.length > 0 || recordsOf(request.action, 'questions').length > 1;
    return once(several ? JSON.stringify(Object.fromEntries(answers)) : only[1]);
  },
  'mcpServer/elicitation/request': (result, request) => {
    const action = textOrNull(result, 'action');
    if (action === 'decline' || action === 'cancel') return once(action);
    if (action !== 'accept') return unknown;
    return once(request.kind === 'approval' ? 'accept' : JSON.stringify(recordOf(result, 'content')));
  },
} satisfies Partial<Record<ServerRequest['method'], Reader>>;

const READERS: ReadonlyMap<string, Reader> = new Map<string, Reader>(Object.entries(READ));

/** Whether an attached terminal interface is shown this request, and its answer is one for it. */
export function isShownToClients(method: string): boolean {
  return READERS.has(method);
}

/** What the answer of a client decides of the request that it was shown. Pure; a person's decision may still refuse the choice. */
export function readClientAnswer(request: AgentRequest, result: unknown): ClientChoice {
  const read = READERS.get(request.method);
  return read === undefined || !isRecord(result) ? unknown : read(result, request);
}

function readApproval(result: Readonly<Record<string, unknown>>): ClientChoice {
  const { decision } = result;
  if (decision === 'accept' || decision === 'decline' || decision === 'cancel') return once(decision);
  // "For the session" and "always" would have Codex decide later ones by itself, without our record.
  if (decision === 'acceptForSession') return { choice: 'accept', narrowed: true };
  return unknown;
}

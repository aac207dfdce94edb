import { isDeepStrictEqual } from 'node:util';
import { isRecord, recordOf, recordsOf, textOf, textOrNull } from './fields.js';
import type {
  ClientRequest,
  InitializeResponse,
  ThreadLoadedListResponse,
  ThreadReadState,
  ThreadUnsubscribeResponse,
} from './generated/protocol.js';
import { IN_CONTAINER } from './container-paths.js';

type Fields = Readonly<Record<string, unknown>>;
type Method = ClientRequest['method'];

/** What becomes of a request of an attached terminal interface. */
export type ClientAction =
  /** Answered at once; Codex is not asked. */
  | { readonly do: 'answer'; readonly result: unknown }
  | { readonly do: 'refuse'; readonly message: string }
  /** Refused with a sentence, and answered as if it had been done: the client would end at an error. */
  | { readonly do: 'wave_off'; readonly result: unknown; readonly message: string }
  /** Codex is asked, with these parameters; it changes nothing. */
  | { readonly do: 'pass'; readonly params: Fields }
  /** A message for the agent. `key` is the client's name for it. */
  | { readonly do: 'message'; readonly text: string; readonly key: string | null; readonly steers: string | null }
  | { readonly do: 'interrupt'; readonly turn_id: string };

/** What is known where the client is attached. */
export interface ClientThread {
  readonly thread_id: string;
  readonly agent_id: string;
  /** How the thread is set up, as Codex answered to `thread/resume`; null before. */
  readonly settings: Fields | null;
}

/**
 * What becomes of a request: only what this table names is ever done, all else is refused with the command that does it. What changes something
 * becomes an action of ours, never a line that Codex gets as it came. Pure.
 */
export function readClientRequest(method: string, params: Fields, on: ClientThread): ClientAction {
  const read = TABLE.get(method);
  if (read === undefined) return refuse(notHere(method, on));
  const thread = params['threadId'];
  if (thread !== undefined && thread !== null && thread !== on.thread_id)
    return refuse(`this terminal is on one thread of ${on.agent_id} alone; others: filare-agents transcript`);
  return read(params, on, method);
}

type Reader = (params: Fields, on: ClientThread, method: string) => ClientAction;

const pass: Reader = (params) => ({ do: 'pass', params });

const READ = {
  initialize: (params) => answer(greeting(params)),
  'thread/unsubscribe': () => answer({ status: 'unsubscribed' } satisfies ThreadUnsubscribeResponse),
  // Threads of earlier sessions lie in the same Codex home.
  'thread/list': () => answer({ data: [], nextCursor: null, backwardsCursor: null, readStates: {} }),
  // What a person at one terminal has read is nothing that Codex need remember; refused, the interface warns and ends in error.
  'thread/readState/update': (params) =>
    answer({
      readState: { firstUnread: null, revision: textOf(params, 'expectedRevision') } satisfies ThreadReadState,
    }),
  'thread/loaded/list': (_params, on) =>
    answer({ data: [on.thread_id], nextCursor: null } satisfies ThreadLoadedListResponse),
  // Joins the thread that runs. What else it may carry would change how the thread is set up.
  'thread/resume': ({ excludeTurns, initialTurnsPage }, on) => ({
    do: 'pass',
    params: { threadId: on.thread_id, excludeTurns: excludeTurns === true, initialTurnsPage: initialTurnsPage ?? null },
  }),
  'turn/start': (params, on) => message(params, on, null),
  'turn/steer': (params, on) => message(params, on, textOf(params, 'expectedTurnId')),
  'thread/backgroundTerminals/clean': waveOff,
  'thread/name/set': waveOff,
  'thread/settings/update': waveOff,
  'thread/shellCommand': waveOff,
  'turn/settings/update': waveOff,
  'turn/interrupt': (params) => ({ do: 'interrupt', turn_id: textOf(params, 'turnId') }),
  'account/read': pass,
  'account/rateLimits/read': pass,
  'account/bedrock/checkGovCloudRequirements': pass,
  'collaborationMode/list': pass,
  'config/read': pass,
  'configRequirements/read': pass,
  'experimentalFeature/list': pass,
  fuzzyFileSearch: pass,
  'fuzzyFileSearch/sessionStart': pass,
  'fuzzyFileSearch/sessionUpdate': pass,
  'fuzzyFileSearch/sessionStop': pass,
  'hooks/list': pass,
  'mcpServerStatus/list': pass,
  'model/list': pass,
  'modelProvider/capabilities/read': pass,
  'modelProvider/list': pass,
  'permissionProfile/list': pass,
  'plugin/installed': pass,
  'skills/list': pass,
  'thread/backgroundTerminals/list': pass,
  'thread/goal/get': pass,
  'thread/items/list': pass,
  'thread/items/read': pass,
  'thread/queue/list': pass,
  'thread/read': pass,
  'thread/searchOccurrences': pass,
  'thread/timeline/list': pass,
  'thread/turns/list': pass,
} satisfies Partial<Record<Method, Reader>>;

const TABLE: ReadonlyMap<string, Reader> = new Map<string, Reader>(Object.entries(READ));

/** Which command does what is refused here, by how the method begins; the first that fits. */
const ELSEWHERE: readonly (readonly [RegExp, (id: string) => string])[] = [
  [
    /^(?:command|process|fs|environment)\/|^thread\/(?:shellCommand|backgroundTerminals)|^gitDiffToRemote$/,
    (id) => `use filare-agents shell ${id}`,
  ],
  [/^account\/log(?:in|out)|^accountSession\/|^getAuthStatus$/, (id) => `use filare-agents login ${id}`],
  [/^thread\/(?:start|fork|unarchive)$|^review\/start$/, () => 'another agent is another session: filare-agents start'],
  [/^thread\/(?:archive|delete)$/, (id) => `use filare-agents stop ${id}`],
  [/^feedback\//, () => 'nothing is sent to others from here'],
  [
    /^config|^thread\/settings|^turn\/settings|^experimentalFeature|^modelProvider|^plugin|^marketplace|^skills|^mcpServer|^thread\/(?:memoryMode|approve)/,
    (id) => `the manifest of ${id} decides that: change it, then filare-agents restart ${id}`,
  ],
];

function waveOff(_params: Fields, on: ClientThread, method: string): ClientAction {
  return { do: 'wave_off', result: {}, message: notHere(method, on) };
}

function notHere(method: string, { agent_id }: ClientThread): string {
  const found = ELSEWHERE.find(([begins]) => begins.test(method));
  const instead = found === undefined ? 'it would change the session past its record' : found[1](agent_id);
  return `${method} is not done from an attached terminal: ${instead}`;
}

function greeting(params: Fields): InitializeResponse {
  // The client comes out of the agent's own image: its version is that of the Codex that runs.
  const version = textOf(recordOf(params, 'clientInfo'), 'version');
  return {
    userAgent: `filare-agents/${/^[\w.+-]{1,40}$/.test(version) ? version : 'unknown'}`,
    codexHome: IN_CONTAINER.codex_home,
    platformFamily: 'unix',
    platformOs: 'linux',
  };
}

/** What a turn may carry besides its text, when it says no more than how the thread is set up already. */
const SETTINGS = [
  'cwd',
  'runtimeWorkspaceRoots',
  'approvalPolicy',
  'approvalsReviewer',
  'sandboxPolicy',
  'permissions',
  'model',
  'effort',
  'collaborationMode',
] as const;
/** What no message of ours carries. */
const NEVER = ['additionalContext', 'environments', 'outputSchema', 'toolOutput'] as const;
/** Where the answer to `thread/resume` has another name for it. */
const NAMED: Readonly<Partial<Record<(typeof SETTINGS)[number], string>>> = {
  sandboxPolicy: 'sandbox',
  effort: 'reasoningEffort',
};

function message(params: Fields, on: ClientThread, steers: string | null): ClientAction {
  const changed = changes(params, on.settings ?? {});
  if (changed.length > 0)
    return refuse(
      `a message does not change ${changed.join(', ')}; the manifest of ${on.agent_id} does: change it, then filare-agents restart ${on.agent_id}`,
    );
  const input = recordsOf(params, 'input');
  if (input.some((part) => part['type'] !== 'text'))
    return refuse(`only text goes from here; images: filare-agents send ${on.agent_id} --image FILE`);
  const text = input.map((part) => textOf(part, 'text')).join('\n');
  if (text === '') return refuse('the message is empty');
  return { do: 'message', text, key: messageKey(textOrNull(params, 'clientUserMessageId')), steers };
}

/** What would be another way of working than now. A setting that the thread leaves open (null) is the client's own default, and is left open. */
function changes(params: Fields, settings: Fields): readonly string[] {
  const other = SETTINGS.filter((name) => {
    const wanted = params[name] ?? null;
    const now = settings[NAMED[name] ?? name] ?? null;
    if (wanted === null || now === null) return false;
    return name === 'collaborationMode' ? modeOf(wanted) !== modeOf(now) : !isDeepStrictEqual(wanted, now);
  });
  return [...other, ...NEVER.filter((name) => (params[name] ?? null) !== null)];
}

function modeOf(value: unknown): unknown {
  return isRecord(value) ? value['mode'] : value;
}

/** A client's UUID as a key for a message of ours; null for anything else. */
function messageKey(client_id: string | null): string | null {
  const key = client_id?.replaceAll('-', '') ?? '';
  return /^[0-9a-f]{32}$/.test(key) ? key : null;
}

function answer(result: unknown): ClientAction {
  return { do: 'answer', result };
}

function refuse(text: string): ClientAction {
  return { do: 'refuse', message: text };
}

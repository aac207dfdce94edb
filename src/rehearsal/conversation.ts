import { createHash } from 'node:crypto';
import { isRecord } from './plan.js';

/**
 * What a Responses request says about where its agent stands. Everything is read from the request, so the same request gets the same
 * answer and a restarted server goes on where the last one was: each item that we send carries its turn and step in its id
 * (`call_<thread>_t2_s3`), and Codex sends all items back with the next request.
 */
export interface Conversation {
  /** Codex's thread id, or empty. */
  readonly thread: string;
  /** `compaction`: Codex asks for a summary of the thread, to go on from it. */
  readonly purpose: 'turn' | 'compaction';
  /** Number of the last operator message, from 1; 0 before the first. A message that steers a running turn counts too. */
  readonly turn: number;
  /** The last operator message. */
  readonly text: string;
  /** The first step of the turn that has not been played. */
  readonly step: number;
  /** The command of the step before, if it still runs: its session in Codex and how often it was waited for. */
  readonly running: { readonly session: number; readonly polls: number } | undefined;
  /** What the last tool call of this turn returned, without Codex's header lines. */
  readonly lastOutput: string;
  /** Names of the tools that Codex offers. */
  readonly tools: ReadonlySet<string>;
  /** Size of the input in tokens (four characters each), and of the part before the last message. */
  readonly tokens: { readonly input: number; readonly cached: number };
}

const ITEM_ID = /_t(\d+)_s(\d+)(?:_p(\d+))?$/;
const CHARACTERS_A_TOKEN = 4;
const SUMMARY_START = 'Another language model started to solve this problem';
const COMPACTION_START = 'You are performing a CONTEXT CHECKPOINT COMPACTION';
const BOOKMARK = /\[rehearsal turn=(\d+) step=(\d+)\]/;

/** The id of an item of ours; `prefix` is Codex's kind of id (`call`, `msg`, `rs`). */
export function itemId(
  prefix: string,
  conversation: Pick<Conversation, 'thread' | 'turn'>,
  step: number,
  poll?: number,
): string {
  const thread = createHash('sha256').update(conversation.thread).digest('hex').slice(0, 8);
  return `${prefix}_${thread}_t${conversation.turn}_s${step}${poll === undefined ? '' : `_p${poll}`}`;
}

/** The summary of a thread: it carries turn and step across the compaction, which drops every item that does. */
export function summary(conversation: Conversation): string {
  return `The rehearsal goes on after its script. [rehearsal turn=${conversation.turn} step=${conversation.step}]`;
}

/** Reads a request body; undefined if it is not a Responses request. */
export function readConversation(body: unknown): Conversation | undefined {
  if (!isRecord(body) || !Array.isArray(body['input'])) return undefined;
  const input: readonly unknown[] = body['input'];
  const metadata = isRecord(body['client_metadata']) ? body['client_metadata'] : {};
  const purpose = purposeOf(metadata, input);
  const place = {
    turn: 0,
    text: '',
    step: 0,
    lastOutput: '',
    cached: 0,
    running: undefined as Conversation['running'],
  };
  let characters = 0;
  for (const item of purpose === 'compaction' ? input.slice(0, -1) : input) {
    if (isRecord(item)) {
      const said = operatorText(item);
      if (said !== undefined) {
        const bookmark = said.startsWith(SUMMARY_START) ? BOOKMARK.exec(said) : null;
        if (bookmark) Object.assign(place, { turn: Number(bookmark[1]), step: Number(bookmark[2]) });
        else Object.assign(place, { turn: place.turn + 1, text: said, step: 0 });
        Object.assign(place, { lastOutput: '', running: undefined, cached: characters });
      }
      follow(item, place);
    }
    characters += JSON.stringify(item).length;
  }
  return {
    thread: text(body['prompt_cache_key']) ?? text(metadata['thread_id']) ?? '',
    purpose,
    turn: place.turn,
    text: place.text,
    step: place.step,
    running: place.running,
    lastOutput: place.lastOutput.replace(/\n+$/, ''),
    tools: offeredTools(body['tools'], input),
    tokens: { input: tokensIn(characters), cached: tokensIn(place.cached) },
  };
}

/** Tokens in a number of characters: a quarter, rounded up, as a rule of thumb. */
export function tokensIn(characters: number): number {
  return Math.ceil(characters / CHARACTERS_A_TOKEN);
}

function purposeOf(metadata: Readonly<Record<string, unknown>>, input: readonly unknown[]): Conversation['purpose'] {
  const turnMetadata = text(metadata['x-codex-turn-metadata']);
  if (turnMetadata?.includes('"request_kind":"compaction"')) return 'compaction';
  const last = input.at(-1);
  return isRecord(last) && operatorText(last)?.startsWith(COMPACTION_START) ? 'compaction' : 'turn';
}

/** Moves the place behind an item of ours. */
function follow(
  item: Readonly<Record<string, unknown>>,
  place: { readonly turn: number; step: number; lastOutput: string; running: Conversation['running'] },
): void {
  const match = ITEM_ID.exec(text(item['call_id']) ?? text(item['id']) ?? '');
  if (!match || Number(match[1]) !== place.turn) return;
  place.step = Math.max(place.step, Number(match[2]) + 1);
  if (!('output' in item)) return;
  const { body, session } = toolOutput(item['output']);
  place.lastOutput = match[3] === undefined ? body : place.lastOutput + body;
  place.running = session === undefined ? undefined : { session, polls: Number(match[3] ?? -1) + 1 };
}

const HEADER_LINE =
  /^(Chunk ID|Wall time|Process exited|Process running|Original token count|Exit code|Total output lines|Script completed)\b/;

/** Splits Codex's header lines from what the tool printed. */
function toolOutput(output: unknown): { readonly body: string; readonly session: number | undefined } {
  let lines = texts(output).join('\n').split('\n');
  let session: number | undefined;
  for (;;) {
    const head = lines.findIndex((line) => !HEADER_LINE.test(line));
    if (head < 1 || lines[head] !== 'Output:') break;
    for (const line of lines.slice(0, head)) {
      const running = /^Process running with session ID (\d+)$/.exec(line);
      if (running) session = Number(running[1]);
    }
    lines = lines.slice(head + 1);
  }
  return { body: lines.join('\n'), session };
}

const CONTEXT_TAG = /^<([a-z_]+)(?:\s[^>]*)?>[\s\S]*<\/\1>$/;
const CONTEXT_NAMES: ReadonlySet<string> = new Set([
  'turn_aborted',
  'user_shell_command',
  'skill',
  'hook_prompt',
  'recommended_plugins',
]);

/** The operator's words in a user message; undefined for other items and for what Codex itself adds in the user's name. */
function operatorText(item: Readonly<Record<string, unknown>>): string | undefined {
  if (item['role'] !== 'user' || (item['type'] !== undefined && item['type'] !== 'message')) return undefined;
  const words = texts(item['content']).filter((part) => !isContext(part.trim()));
  return words.length === 0 ? undefined : words.join('\n');
}

function isContext(part: string): boolean {
  if (part.startsWith('# AGENTS.md instructions for ') && part.endsWith('</INSTRUCTIONS>')) return true;
  const tag = CONTEXT_TAG.exec(part)?.[1];
  return tag !== undefined && (CONTEXT_NAMES.has(tag) || /_(context|instructions|notification)$/.test(tag));
}

function texts(content: unknown): string[] {
  if (typeof content === 'string') return [content];
  if (!Array.isArray(content)) return [];
  return content.flatMap((part: unknown) => (isRecord(part) && typeof part['text'] === 'string' ? [part['text']] : []));
}

function offeredTools(tools: unknown, input: readonly unknown[]): ReadonlySet<string> {
  const names = new Set<string>();
  const collect = (list: unknown): void => {
    if (!Array.isArray(list)) return;
    for (const tool of list) {
      if (!isRecord(tool)) continue;
      if (tool['type'] === 'namespace') collect(tool['tools']);
      else if (typeof tool['name'] === 'string') names.add(tool['name']);
    }
  };
  collect(tools);
  for (const item of input) if (isRecord(item) && item['type'] === 'additional_tools') collect(item['tools']);
  return names;
}

function text(value: unknown): string | undefined {
  return typeof value === 'string' ? value : undefined;
}

import { existsSync } from 'node:fs';
import { copyFile, mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { z } from 'zod';
import type { Fleet } from '../../src/client/fleet.js';
import { sessionRowSchema, type SessionRow } from '../../src/contract/session.js';
import { transcriptEntrySchema, type TranscriptEntry } from '../../src/contract/transcript.js';
import type { Engine } from '../../src/engine/engine.js';
import { ProjectLedger } from '../../src/ledger/project-ledger.js';
import { sessionRecordSchema, type SessionFact, type SessionRecord } from '../../src/session/record.js';

/** What is wrong, as one word for counting and a sentence for people. */
export interface Violation {
  readonly kind: 'state' | 'loss' | 'duplicate' | 'misrouted' | 'prompt' | 'leak' | 'secret' | 'silence';
  readonly text: string;
}

/** Something that was said to an agent by the test. `acknowledged`: the daemon answered that it took it. */
export interface Said {
  readonly agent: string;
  readonly text: string;
  readonly acknowledged: boolean;
}

/** What must be true beyond what is always true. */
export interface Expected {
  /** Each text is unique. */
  readonly said: readonly Said[];
  /** Secrets of the agents: they stand in no transcript, ledger, log or state. */
  readonly canaries: readonly string[];
  /** Sessions that are looked at closely; all of them when absent. */
  readonly sessions?: ReadonlySet<string>;
}

/** What was found, and how much was looked at. */
export interface Findings {
  readonly violations: readonly Violation[];
  /** Entries of transcripts that were compared with the journals of Codex. */
  readonly entries: number;
}

/**
 * The one checker that runs after every case, on a fleet whose agents are idle or have ended. Looks at what a user can see and at the files, never at
 * the daemon's inside: rows, transcripts, ledgers, the journals that Codex wrote by itself, the engine, the book of resources.
 */
export async function checkInvariants(fleet: Fleet, engine: Engine, expected: Expected): Promise<Findings> {
  const found: Violation[] = [];
  const say = (kind: Violation['kind'], text: string): void => void found.push({ kind, text });
  await checkItAnswers(fleet, say);
  const rows = await fleet.sessions({ all: true });
  checkRows(rows, say);
  await checkFolders(fleet, rows, say);
  const open = new Set((await fleet.prompts()).map((prompt) => prompt.prompt_id));
  const stories: Story[] = [];
  for (const row of rows) {
    if (expected.sessions !== undefined && !expected.sessions.has(row.session_id)) continue;
    const story = await readStory(row, say);
    checkLedger(story, say);
    checkEvents(story, say);
    checkMessages(story, say);
    checkPrompts(story, open, say);
    stories.push(story);
  }
  checkSaid(stories, expected.said, say);
  await checkResources(fleet, engine, rows, say);
  await checkSecrets(fleet, expected.canaries, say);
  return { violations: found, entries: stories.reduce((sum, story) => sum + story.entries.length, 0) };
}

type Say = (kind: Violation['kind'], text: string) => void;

/** Whether a session's row is one that may be: each phase has exactly what exists in it. */
export function legalRow(row: SessionRow): string | null {
  const over = row.phase === 'stopped' || row.phase === 'failed';
  if (over !== (row.ended_at !== null)) return 'ended_at does not fit its phase';
  if ((row.phase === 'running') !== (row.activity !== null)) return 'activity does not fit its phase';
  if (row.phase === 'running' && (row.container_id === null || row.thread_id === null))
    return 'it runs without container or thread';
  if ((over || row.phase === 'queued' || row.phase === 'backing_off') && row.container_id !== null)
    return 'it names a container';
  if (over && (row.pending_prompts > 0 || row.turn_id !== null)) return 'it is over and has a prompt or a turn';
  return null;
}

async function checkItAnswers(fleet: Fleet, say: Say): Promise<void> {
  // On a busy machine one look may be unlucky; a daemon that hangs is slow each time.
  const took: number[] = [];
  for (let look = 0; look < 5 && !took.some((ms) => ms < 1_000); look += 1) {
    const before = performance.now();
    if ((await fleet.daemon()) === undefined) return say('silence', 'the daemon does not answer');
    took.push(performance.now() - before);
  }
  if (!took.some((ms) => ms < 1_000))
    say('silence', `the daemon took ${took.map((ms) => ms.toFixed()).join(', ')} ms to answer`);
}

function checkRows(rows: readonly SessionRow[], say: Say): void {
  const seen = new Set<string>();
  const live = new Map<string, string>();
  for (const row of rows) {
    const parsed = sessionRowSchema.safeParse(row);
    if (!parsed.success) say('state', `${row.session_id}: ${z.prettifyError(parsed.error)}`);
    const wrong = legalRow(row);
    if (wrong !== null) say('state', `${row.session_id} is ${row.phase}: ${wrong}`);
    if (seen.has(row.session_id)) say('state', `${row.session_id} is in the list twice`);
    seen.add(row.session_id);
    if (row.phase === 'stopped' || row.phase === 'failed') continue;
    const other = live.get(row.id);
    if (other !== undefined) say('state', `${row.id} lives twice: ${other} and ${row.session_id}`);
    live.set(row.id, row.session_id);
  }
}

/** Every session that has a folder is one that people can see. */
async function checkFolders(fleet: Fleet, rows: readonly SessionRow[], say: Say): Promise<void> {
  const { outputs } = fleet.project;
  for (const role of await readdir(outputs).catch(() => [])) {
    for (const session_id of await readdir(join(outputs, role)))
      if (!rows.some((row) => row.session_id === session_id))
        say('leak', `folder ${role}/${session_id} is nobody's session`);
  }
}

interface Story {
  readonly row: SessionRow;
  readonly entries: readonly TranscriptEntry[];
  readonly records: readonly SessionRecord[];
  readonly journal: readonly JournalItem[];
}

/** An item that Codex finished, as its journal says. */
interface JournalItem {
  readonly thread_id: string;
  readonly type: string;
  readonly item_id: string;
  readonly client_id: string | null;
}

async function readStory(row: SessionRow, say: Say): Promise<Story> {
  const folder = join(row.transcript, '..');
  const entries = await readLines(row.transcript, transcriptEntrySchema, say);
  entries.forEach((entry, at) => {
    if (entry.seq === at + 1) return;
    const kind = entries.slice(0, at).some((before) => before.seq === entry.seq) ? 'duplicate' : 'loss';
    say(kind, `${row.session_id}: entry ${at + 1} has seq ${entry.seq}`);
  });
  for (const entry of entries)
    if (entry.session_id !== row.session_id)
      say('misrouted', `${row.session_id} holds an entry of ${entry.session_id}`);
  const records = await readLines(join(folder, 'ledger.jsonl'), sessionRecordSchema, say);
  const journal: JournalItem[] = [];
  for (let attempt = 1; attempt <= row.attempt; attempt += 1)
    journal.push(...(await readJournal(join(folder, 'attempts', String(attempt), 'journal', 'out'))));
  return { row, entries, records, journal };
}

async function readLines<T>(path: string, schema: z.ZodType<T>, say: Say): Promise<T[]> {
  const text = await readFile(path, 'utf8').catch(() => '');
  if (text !== '' && !text.endsWith('\n')) say('state', `${path} does not end with a line`);
  const read: T[] = [];
  for (const [at, line] of text.split('\n').slice(0, -1).entries()) {
    let value: unknown;
    try {
      value = JSON.parse(line);
    } catch {
      say('state', `${path}:${at + 1} is no JSON`);
      continue;
    }
    const parsed = schema.safeParse(value);
    if (parsed.success) read.push(parsed.data);
    else say('state', `${path}:${at + 1}: ${z.prettifyError(parsed.error)}`);
  }
  return read;
}

const completed = z.object({
  method: z.literal('item/completed'),
  params: z.object({
    threadId: z.string(),
    item: z.object({ type: z.string(), id: z.string(), clientId: z.string().nullish() }),
  }),
});

async function readJournal(path: string): Promise<JournalItem[]> {
  const text = await readFile(path, 'utf8').catch(() => '');
  return text.split('\n').flatMap((line) => {
    if (!line.includes('"item/completed"')) return [];
    const parsed = completed.safeParse(parseOrNull(line));
    if (!parsed.success) return [];
    const { threadId, item } = parsed.data.params;
    return [{ thread_id: threadId, type: item.type, item_id: item.id, client_id: item.clientId ?? null }];
  });
}

function parseOrNull(line: string): unknown {
  try {
    return JSON.parse(line);
  } catch {
    return null;
  }
}

const ORDER: Partial<Record<SessionFact['type'], number>> = {
  attempt_begun: 1,
  workspace_ready: 1,
  container_created: 2,
  container_started: 2,
  running: 3,
  attempt_ending: 4,
  attempt_ended: 5,
};

/** Records are numbered without gap; within an attempt nothing goes back; after the end comes nothing. */
function checkLedger({ row, records }: Story, say: Say): void {
  let order = 0;
  let over = false;
  for (const [at, { n, fact }] of records.entries()) {
    if (n !== at + 1) say(n <= at ? 'duplicate' : 'loss', `${row.session_id}: record ${at + 1} has number ${n}`);
    if (over && fact.type !== 'said') say('state', `${row.session_id}: ${fact.type} after its end`);
    if (fact.type === 'ended') over = true;
    const now = ORDER[fact.type];
    if (now === undefined) continue;
    if (now < order && fact.type !== 'attempt_begun')
      say('state', `${row.session_id}: ${fact.type} goes back within an attempt`);
    order = now;
  }
  const row_over = row.phase === 'stopped' || row.phase === 'failed';
  if (records.length > 0 && row_over !== over)
    say('state', `${row.session_id} is ${row.phase}, its ledger says otherwise`);
}

/** Everything that Codex finished is in the transcript exactly as often as in the journal. */
function checkEvents({ row, entries, journal, records }: Story, say: Say): void {
  const threads = new Set(records.flatMap(({ fact }) => (fact.type === 'running' ? [fact.thread_id] : [])));
  const items = entries.filter(({ kind }) => kind === 'reply' || kind === 'command' || kind === 'tool');
  const told = countBy(items, ({ data }) => textOf(data?.['item_id']));
  const shown = journal.filter(
    ({ thread_id, type }) =>
      threads.has(thread_id) && ['agentMessage', 'commandExecution', 'dynamicToolCall'].includes(type),
  );
  for (const [item_id, times] of countBy(shown, (item) => item.item_id)) {
    const found = told.get(item_id) ?? 0;
    if (found < times)
      say('loss', `${row.session_id}: ${item_id} is ${times} times in the journal, ${found} in the transcript`);
    if (found > times)
      say('duplicate', `${row.session_id}: ${item_id} is ${found} times in the transcript, ${times} in the journal`);
  }
}

/** Every message was shown by Codex once, or is reported as not taken, or waits, or its session ended before. */
function checkMessages({ row, entries, records, journal }: Story, say: Say): void {
  const shown = countBy(
    journal.filter((item) => item.type === 'userMessage'),
    (item) => item.client_id,
  );
  const told = countBy(
    entries.filter((entry) => entry.kind === 'message'),
    ({ data }) => textOf(data?.['message_id']),
  );
  const refused = new Set(
    records.flatMap(({ fact }) => (fact.type === 'not_taken' && !fact.again ? [fact.message_id] : [])),
  );
  const over = row.phase === 'stopped' || row.phase === 'failed';
  const messages = records.flatMap(({ fact }) => (fact.type === 'message' ? [fact] : []));
  for (const [message_id, times] of countBy(messages, (message) => message.message_id))
    if (times > 1) say('duplicate', `${row.session_id}: message ${message_id} was kept ${times} times`);
  for (const { message_id } of messages) {
    const taken = shown.get(message_id) ?? 0;
    if (taken > 1) say('duplicate', `${row.session_id}: message ${message_id} was taken ${taken} times`);
    if (taken === 0 && !refused.has(message_id) && !over && row.activity === 'idle')
      say('loss', `${row.session_id}: message ${message_id} was neither taken nor refused`);
    if ((told.get(message_id) ?? 0) < taken)
      say('loss', `${row.session_id}: message ${message_id} was taken and is not in the transcript`);
  }
}

/** A prompt is told once, and is open, or has exactly one end. */
function checkPrompts({ row, entries, records }: Story, open: ReadonlySet<string>, say: Say): void {
  const asked = countBy(
    entries.filter((entry) => entry.kind === 'prompt'),
    ({ data }) => textOf(data?.['prompt_id']),
  );
  const ends = countBy(
    entries.filter((entry) => entry.kind === 'decision'),
    ({ data }) => textOf(data?.['prompt_id']),
  );
  for (const [prompt_id, times] of asked) {
    if (times > 1) say('duplicate', `${row.session_id}: prompt ${prompt_id} was told ${times} times`);
    const ended = ends.get(prompt_id) ?? 0;
    if (ended > 1) say('prompt', `${row.session_id}: prompt ${prompt_id} has ${ended} ends`);
    if (ended === 0 && !open.has(prompt_id))
      say('prompt', `${row.session_id}: prompt ${prompt_id} is neither open nor over`);
    if (ended === 1 && open.has(prompt_id)) say('prompt', `${row.session_id}: prompt ${prompt_id} is open and over`);
  }
  const decided = records.flatMap(({ fact }) => (fact.type === 'decision' ? [fact.prompt_id] : []));
  for (const [prompt_id, times] of countBy(decided, (id) => id))
    if (times > 1) say('prompt', `${row.session_id}: prompt ${prompt_id} was decided ${times} times`);
}

/** What was acknowledged is with its agent exactly once; what was not, at most once; nothing is with another. */
function checkSaid(stories: readonly Story[], said: readonly Said[], say: Say): void {
  const kept = new Map<string, string[]>();
  for (const { row, records } of stories) {
    for (const { fact } of records)
      if (fact.type === 'message') kept.set(fact.text, [...(kept.get(fact.text) ?? []), row.id]);
  }
  for (const { agent, text, acknowledged } of said) {
    const where = kept.get(text) ?? [];
    if (where.some((id) => id !== agent))
      say('misrouted', `"${text}" was for ${agent} and went to ${where.join(', ')}`);
    if (where.length > 1) say('duplicate', `"${text}" was kept ${where.length} times`);
    if (acknowledged && where.length === 0) say('loss', `"${text}" was acknowledged and is gone`);
  }
}

/** The engine holds what living sessions need and nothing else, and the book says the same. */
/** The daemon's own process, lock and socket are in the book as long as it lives. */
async function isOfDaemon(kind: string, name: string): Promise<boolean> {
  if (kind === 'process') return existsSync(`/proc/${name}`);
  if (kind !== 'socket') return false;
  return name.startsWith('@') ? (await readFile('/proc/net/unix', 'utf8')).includes(name) : existsSync(name);
}

async function checkResources(fleet: Fleet, engine: Engine, rows: readonly SessionRow[], say: Say): Promise<void> {
  const { key, ledger } = fleet.project;
  const needed = new Set(
    rows.flatMap((row) => (row.phase === 'running' && row.container_name !== null ? [row.container_name] : [])),
  );
  const living = rows.filter((row) => row.phase !== 'stopped' && row.phase !== 'failed');
  const containers = await engine.list({ 'filare.project': key });
  for (const { name, labels } of containers) {
    const allowed =
      labels['filare.purpose'] === 'rehearsal'
        ? living.length > 0
        : needed.has(name) ||
          living.some((row) => row.phase !== 'running' && row.session_id === labels['filare.session']);
    if (!allowed) say('leak', `container ${name} is nobody's`);
  }
  for (const name of needed)
    if (!containers.some((one) => one.name === name)) say('loss', `container ${name} is missing`);
  const networks = await engine.listNetworks({ 'filare.project': key });
  if (living.length === 0) for (const { name } of networks) say('leak', `network ${name} is nobody's`);
  if (networks.length > 1) say('leak', `${networks.length} networks`);
  await using book = await readBook(ledger);
  for (const { line, reason } of book.damage) say('state', `${ledger}:${line}: ${reason}`);
  const there = new Set([...containers, ...networks].map(({ name }) => name));
  for (const entry of book.open()) {
    const exists = ['container', 'network'].includes(entry.kind)
      ? there.has(entry.name)
      : living.length > 0 || (await isOfDaemon(entry.kind, entry.name));
    if (!exists) say('leak', `the book holds ${entry.kind} ${entry.name} (${entry.state}), which is gone`);
  }
  if (living.length === 0) for (const path of await temporary(fleet.project.root)) say('leak', path);
}

/** The book as it is on disk; a copy, because opening one repairs it, and this one is the daemon's. */
async function readBook(path: string): Promise<ProjectLedger> {
  const folder = await mkdtemp(join(tmpdir(), 'filare-book-'));
  try {
    await copyFile(path, join(folder, 'ledger.jsonl'));
    return await ProjectLedger.load(join(folder, 'ledger.jsonl'));
  } finally {
    await rm(folder, { recursive: true });
  }
}

/** Folders and files that exist only while something is under way. */
async function temporary(root: string): Promise<string[]> {
  const found: string[] = [];
  for (const folder of ['outputs', '.filare']) {
    const entries = await readdir(join(root, folder), { recursive: true, withFileTypes: true }).catch(() => []);
    for (const entry of entries) {
      const path = join(entry.parentPath, entry.name);
      // What is inside a workspace or a home is the agent's.
      if (/\/\.filare\/(agents|workspaces)\/[^/]+\//.test(path)) continue;
      const is_left =
        entry.name.includes('.filare-seed-') ||
        /^state\.json\.\d+$/.test(entry.name) ||
        (/\/attempts\/\d+$/.test(entry.parentPath) && (entry.name === 'io' || entry.name === 'startup')) ||
        entry.isFIFO();
      if (is_left) found.push(path);
    }
  }
  return found;
}

async function checkSecrets(fleet: Fleet, canaries: readonly string[], say: Say): Promise<void> {
  if (canaries.length === 0) return;
  for (const folder of ['outputs', '.filare']) {
    const root = join(fleet.project.root, folder);
    const entries = await readdir(root, { recursive: true, withFileTypes: true }).catch(() => []);
    for (const entry of entries) {
      // The agent's own homes and workspace are its own business.
      if (!entry.isFile() || /\/\.filare\/(agents|workspaces)(\/|$)/.test(entry.parentPath)) continue;
      const path = join(entry.parentPath, entry.name);
      const bytes = await readFile(path).catch(() => Buffer.alloc(0));
      for (const canary of canaries)
        if (bytes.includes(canary)) say('secret', `${basename(path)} holds a secret: ${path}`);
    }
  }
}

function countBy<T>(list: readonly T[], keyOf: (one: T) => string | null): Map<string, number> {
  const counts = new Map<string, number>();
  for (const one of list) {
    const key = keyOf(one);
    if (key !== null) counts.set(key, (counts.get(key) ?? 0) + 1);
  }
  return counts;
}

function textOf(value: unknown): string | null {
  return typeof value === 'string' ? value : null;
}

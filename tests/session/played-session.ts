import { appendFile, cp, mkdir, readFile, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import fc from 'fast-check';
import type { JournalLine } from '../../src/channel/channel.js';
import { JournalFile } from '../../src/channel/journal-file.js';
import type { SessionFact } from '../../src/session/record.js';
import { journalFile, sessionFiles } from '../../src/session/session-files.js';
import type { MemorySurroundings } from '../../src/session/memory-surroundings.js';
import { SessionMemory } from '../../src/session/session-memory.js';
import type { SessionState } from '../../src/session/state.js';
import { createMasker } from '../../src/transcript/mask.js';
import { agentSpec } from '../support/agent-spec.js';
import { policy } from '../support/policy.js';

const START_MS = Date.UTC(2030, 0, 1);

/** A thing that happens to a session: a fact of ours, or lines that Codex writes. */
export type Happening = { readonly fact: SessionFact } | { readonly lines: readonly string[] };

/** A new attempt up to its running. */
export function attempt(thread_id: string | null): readonly Happening[] {
  const facts: readonly SessionFact[] = [
    { type: 'attempt_begun', thread_id },
    { type: 'workspace_ready', branch: 'main', how: 'cloned', head: null },
    { type: 'container_created', container_id: 'c', container_name: 'c', image_id: 'i' },
    { type: 'container_started' },
    { type: 'running', thread_id: 'T', resumed: thread_id !== null },
  ];
  return facts.map((fact) => ({ fact }));
}

/** The end of an attempt that exited. */
export const EXIT: readonly Happening[] = [
  { fact: { type: 'attempt_ending', cause: 'exited', reason: 'it exited', grace_ms: 0 } },
  { fact: { type: 'attempt_ended' } },
  { fact: { type: 'backing_off', until_ms: START_MS, reason: 'it exited' } },
];

const of = { threadId: 'T', turnId: 'u' };
const say = (method: string, params: object): string => JSON.stringify({ method, params });
const item = (id: string, fields: object): object => ({ ...of, item: { id, ...fields } });

/** Any happening of a running session. The secret `hunter2hunter2` is said in pieces. */
export const happening: fc.Arbitrary<Happening> = fc.oneof(
  fc.constantFrom<Happening>(
    { lines: [say('turn/started', { threadId: 'T', turn: { id: 'u', items: [], status: 'inProgress' } })] },
    { lines: [say('turn/completed', { threadId: 'T', turn: { id: 'u', items: [], status: 'completed' } })] },
    { lines: [say('thread/tokenUsage/updated', { ...of, tokenUsage: { total: usage(7), last: usage(7) } })] },
    { lines: ['no JSON at all'] },
    { fact: { type: 'sent', message_id: 'm-1', turn_id: 'u' } },
    { fact: { type: 'resumed', by: 'x' } },
    { fact: { type: 'said', level: 'note', text: 'a note' } },
    { fact: { type: 'desired', desired: 'restarted', by: 'x' } },
  ),
  fc
    .constantFrom('i1', 'i2')
    .chain((id) =>
      fc.constantFrom<Happening>(
        { lines: [say('item/started', item(id, { type: 'agentMessage', text: '' }))] },
        { lines: [say('item/agentMessage/delta', { ...of, itemId: id, delta: 'the word is hunter2' })] },
        { lines: [say('item/agentMessage/delta', { ...of, itemId: id, delta: 'hunter2 and é漢' })] },
        { lines: [say('item/completed', item(id, { type: 'agentMessage', text: 'hunter2hunter2, said' }))] },
        { lines: [say('item/started', item(id, { type: 'fileChange', changes: [{ path: 'a', diff: '+x' }] }))] },
      ),
    ),
  fc.integer({ min: 0, max: 3 }).map((id): Happening => {
    const params = { ...of, itemId: 'i1', command: 'rm -rf /', cwd: '/w', reason: 'because' };
    return { lines: [JSON.stringify({ id, method: 'item/commandExecution/requestApproval', params })] };
  }),
  fc.integer({ min: 0, max: 3 }).map((requestId): Happening => {
    return { lines: [say('serverRequest/resolved', { threadId: 'T', requestId })] };
  }),
  fc.integer({ min: 1, max: 3 }).map((n): Happening => {
    const message = { message_id: `m-${n}`, from: 'operator', text: 'do it', images: [] };
    return { fact: { type: 'message', ...message, mode: 'queue' } };
  }),
  fc.integer({ min: 1, max: 3 }).map((n): Happening => {
    const content = [{ type: 'text', text: 'do it' }];
    return { lines: [say('item/started', item(`u${n}`, { type: 'userMessage', clientId: `m-${n}`, content }))] };
  }),
  fc.integer({ min: 1, max: 3 }).map((n): Happening => {
    const ask = { question: 'go on?', prompt_id: `p-${n}` };
    return { fact: { type: 'paused', by: 'x', interrupt: false, ask } };
  }),
);

function usage(totalTokens: number): object {
  return { totalTokens, inputTokens: 1, cachedInputTokens: 1, outputTokens: 1, reasoningOutputTokens: 1 };
}

/** A session that is played: its clock is the number of what happened. */
export class PlayedSession {
  readonly folder: string;
  readonly #more: Partial<MemorySurroundings>;
  #clock_ms = START_MS;
  #memory: SessionMemory | undefined;

  constructor(folder: string, more: Partial<MemorySurroundings> = {}) {
    this.folder = folder;
    this.#more = more;
  }

  get memory(): SessionMemory {
    if (this.#memory === undefined) throw new Error('not open');
    return this.#memory;
  }

  get #around(): MemorySurroundings {
    const masker = createMasker({ WORD: 'hunter2hunter2' });
    const { folder } = this;
    return { session_id: 's-1', folder, masker, policy, now_ms: () => this.#clock_ms, ...this.#more };
  }

  async create(): Promise<void> {
    await mkdir(this.folder, { recursive: true });
    this.#clock_ms = START_MS;
    const created = { type: 'created', agent: agentSpec({ id: 'a' }), rehearsal: null, by: 'x' } as const;
    this.#memory = await SessionMemory.create(this.#around, created);
  }

  /** Opens what lies in the folder, and takes in what the journal has beyond it, as attaching does. */
  async open(): Promise<void> {
    this.#memory = await SessionMemory.open(this.#around);
    const { state, offset } = this.#memory;
    if (state.attempt === 0) return;
    const signal = new AbortController().signal;
    const rest = new JournalFile(journalFile(this.folder, state.attempt)).read({ from: offset, follow: false, signal });
    for await (const lines of rest) await this.#memory.take(lines);
  }

  /** Lets happen number `at` of a story. */
  async happen(what: Happening, at: number): Promise<void> {
    this.#clock_ms = START_MS + at * 1_000;
    const { memory } = this;
    if ('fact' in what) {
      await memory.commit(what.fact);
      if (what.fact.type !== 'attempt_begun') return;
      const journal = journalFile(this.folder, memory.state.attempt);
      await mkdir(dirname(journal), { recursive: true });
      await appendFile(journal, '');
      return;
    }
    const journal = journalFile(this.folder, memory.state.attempt);
    await appendFile(journal, what.lines.map((line) => `${line}\n`).join(''));
    let offset = memory.offset;
    const lines = what.lines.map((text): JournalLine => {
      const end = offset + Buffer.byteLength(text) + 1;
      const line = { offset, end, text, damage: 'none' } as const;
      offset = end;
      return line;
    });
    await memory.take(lines);
  }

  /** The folder as it is now, as a process that ends here leaves it, in another place. */
  async copy(to: string): Promise<PlayedSession> {
    await rm(to, { recursive: true, force: true });
    await cp(this.folder, to, { recursive: true });
    return new PlayedSession(to, this.#more);
  }

  /** The same folder in other surroundings. */
  as(more: Partial<MemorySurroundings>): PlayedSession {
    return new PlayedSession(this.folder, more);
  }

  /** The transcript's active file. */
  text(): Promise<string> {
    return readFile(sessionFiles(this.folder).transcript, 'utf8');
  }

  /** All entries, as reading gives them. */
  async entries(): Promise<readonly string[]> {
    const all: string[] = [];
    for (let after = 0; ;) {
      const page = await this.memory.transcript.readAfter(after, 7);
      all.push(...page.lines);
      if (!page.more) return all;
      after = page.next_after;
    }
  }

  /** What it is, as it would be stored. */
  get state(): SessionState {
    return JSON.parse(JSON.stringify(this.memory.state)) as SessionState;
  }

  async forget(...names: readonly string[]): Promise<void> {
    for (const name of names) await rm(join(this.folder, name), { force: true });
  }
}

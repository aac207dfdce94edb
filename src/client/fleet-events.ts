/**
 * One stream of the whole fleet. Contract:
 * - each session's entries in order of `seq`, once each, over any number of broken connections and restarts of the daemon;
 * - first what was said before, merged by time, then session; with `follow` then what comes, as it comes, of sessions that start later too, with every row
 *   that changes and every prompt that opens, changes or closes;
 * - a reader that is slow is waited for: one event a session is held, and the daemon bounds what it keeps for us.
 */
import type { Prompt, SessionRow } from '../contract/session.js';
import { isOver } from '../contract/phase.js';
import type { TranscriptEntry } from '../contract/transcript.js';
import type { FleetEvent } from './fleet-watch.js';
import type { Fleet } from './fleet.js';
import { Handover } from './handover.js';
import { advance, mergeStories, newStory, type Story } from './merge-stories.js';
import type { TailOptions } from './session-tail.js';

/** What to read of the fleet's story. At most one of `last` and `since`; neither: all of it. */
export interface FleetEventsOptions {
  /** These alone: an agent id stands for its later sessions too. All that have not ended, when absent. */
  readonly refs?: readonly string[];
  /** Also sessions that have ended. */
  readonly all?: boolean;
  /** The last so many entries, of all sessions together. */
  readonly last?: number;
  /** Entries from this moment on, RFC 3339. */
  readonly since?: string;
  /** Goes on with what comes. */
  readonly follow?: boolean;
  readonly signal?: AbortSignal;
}

/** One thing that happened in the fleet. */
export type FleetNews =
  | { readonly type: 'entry'; readonly entry: TranscriptEntry }
  | { readonly type: 'row'; readonly row: SessionRow }
  | { readonly type: 'prompt'; readonly prompt: Prompt }
  | { readonly type: 'prompt_closed'; readonly prompt_id: string };

/** The fleet, as far as it is read. */
type FleetDoor = Pick<Fleet, 'sessions' | 'describe' | 'prompts' | 'tail' | 'watch'>;

/** See the top of this file. Without `follow` it ends; with it, only by its signal (its reason is thrown) or a failure. */
export async function* fleetEvents(
  fleet: FleetDoor,
  options: FleetEventsOptions,
  now_ms: () => number = Date.now,
): AsyncGenerator<FleetNews, void, undefined> {
  const ending = new AbortController();
  const signal = options.signal === undefined ? ending.signal : AbortSignal.any([options.signal, ending.signal]);
  const opened_at = new Date(now_ms()).toISOString();
  const scope = await scopeOf(fleet, options);
  const past: TailOptions = {
    ...(options.last === undefined ? {} : { last: options.last }),
    ...(options.since === undefined ? {} : { since: options.since }),
  };
  const tell = (session_id: string, from: TailOptions, follow: boolean): Story =>
    newStory(session_id, fleet.tail(session_id, { ...from, follow, signal }), from.after);
  const follow = options.follow === true;
  const stories = scope.rows.map((row) => tell(row.session_id, past, follow && !isOver(row)));
  try {
    yield* lastOf(mergeStories(stories, follow ? opened_at : undefined), options.last);
    if (!follow) return;
    const live = new LiveFleet(fleet, scope, (row, known) => {
      if (known?.seq !== undefined) return isOver(row) ? null : tell(row.session_id, { after: known.seq }, true);
      if (row.started_at >= opened_at) return tell(row.session_id, { after: 0 }, true);
      return isOver(row) ? null : tell(row.session_id, past, true);
    });
    yield* live.news(stories, fleet.watch({ signal }));
  } finally {
    ending.abort();
    await Promise.allSettled(stories.map((story) => story.events.return()));
  }
}

/** Which sessions and prompts are meant. */
interface Scope {
  readonly rows: readonly SessionRow[];
  readonly includes: (one: { readonly id: string; readonly session_id: string }) => boolean;
}

async function scopeOf(fleet: FleetDoor, options: FleetEventsOptions): Promise<Scope> {
  const { refs } = options;
  if (refs === undefined) {
    const rows = await fleet.sessions({ all: options.all === true });
    return { rows: rows.filter((row) => options.all === true || !isOver(row)), includes: () => true };
  }
  const rows = (await Promise.all(refs.map((ref) => fleet.describe(ref)))).map((detail) => detail.row);
  const agents = new Set(rows.filter((row) => refs.includes(row.id)).map((row) => row.id));
  const sessions = new Map(rows.map((row) => [row.session_id, row]));
  return { rows: [...sessions.values()], includes: ({ id, session_id }) => agents.has(id) || sessions.has(session_id) };
}

async function* lastOf(
  entries: AsyncIterable<TranscriptEntry>,
  last: number | undefined,
): AsyncGenerator<FleetNews, void, undefined> {
  const kept: TranscriptEntry[] = [];
  for await (const entry of entries) {
    if (last === undefined) yield { type: 'entry', entry };
    else if (kept.push(entry) > last) kept.shift();
  }
  for (const entry of kept) yield { type: 'entry', entry };
}

type TellStory = (row: SessionRow, known: Story | undefined) => Story | null;

/** What happens from now on, of every session in scope. */
class LiveFleet {
  readonly #fleet: FleetDoor;
  readonly #scope: Scope;
  /** The story of a session from here on, that goes on after `known`; null when there is nothing more to tell. */
  readonly #tell: TellStory;
  readonly #handover = new Handover<FleetNews>();
  readonly #stories = new Map<string, Story>();
  readonly #running = new Set<string>();
  readonly #rows = new Map<string, string>();
  /** Open prompts that were told, with their revisions. */
  readonly #prompts = new Map<string, string>();
  readonly #closed_prompts = new Set<string>();

  constructor(fleet: FleetDoor, scope: Scope, tell: TellStory) {
    this.#fleet = fleet;
    this.#scope = scope;
    this.#tell = tell;
  }

  news(stories: readonly Story[], changes: AsyncIterable<FleetEvent>): AsyncGenerator<FleetNews, never, undefined> {
    for (const story of stories) this.#follow(story);
    this.#orFail(this.#watch(changes));
    return this.#handover.take();
  }

  #follow(story: Story): void {
    this.#stories.set(story.session_id, story);
    this.#running.add(story.session_id);
    this.#orFail(this.#pump(story).finally(() => this.#running.delete(story.session_id)));
  }

  async #pump(story: Story): Promise<void> {
    if (story.head === undefined) await advance(story);
    while (story.head !== undefined && story.head !== null) {
      if (story.head.type === 'entry') await this.#handover.give(story.head);
      await advance(story);
    }
  }

  async #watch(changes: AsyncIterable<FleetEvent>): Promise<void> {
    let is_new = true;
    for await (const change of changes) {
      if (change.type === 'lost') continue;
      // What opened or closed while nobody watched is in no event.
      if (is_new || change.type === 'reconnected') await this.#readPrompts();
      is_new = false;
      if (change.type === 'row') await this.#row(change.row);
      else if (change.type === 'prompt') {
        // An event that was on its way while prompts were read anew may be older than that: what is closed never opens again.
        if (!this.#closed_prompts.has(change.prompt.prompt_id)) await this.#prompt(change.prompt);
      } else if (change.type === 'prompt_closed') {
        if (change.prompt_id === null) await this.#readPrompts();
        else await this.#closed(change.prompt_id);
      }
    }
  }

  async #row(row: SessionRow): Promise<void> {
    if (!this.#scope.includes(row)) return;
    const told = JSON.stringify(row);
    const is_known = this.#rows.get(row.session_id) === told;
    this.#rows.set(row.session_id, told);
    if (!this.#running.has(row.session_id)) {
      const story = this.#tell(row, this.#stories.get(row.session_id));
      if (story !== null) this.#follow(story);
    }
    if (!is_known) await this.#handover.give({ type: 'row', row });
  }

  async #prompt(prompt: Prompt): Promise<void> {
    const { prompt_id, revision } = prompt;
    if (!this.#scope.includes(prompt) || this.#prompts.get(prompt_id) === revision) return;
    this.#prompts.set(prompt_id, revision);
    await this.#handover.give({ type: 'prompt', prompt });
  }

  async #closed(prompt_id: string): Promise<void> {
    this.#closed_prompts.add(prompt_id);
    if (this.#prompts.delete(prompt_id)) await this.#handover.give({ type: 'prompt_closed', prompt_id });
  }

  async #readPrompts(): Promise<void> {
    const open = await this.#fleet.prompts();
    const ids = new Set(open.map((prompt) => prompt.prompt_id));
    for (const known of [...this.#prompts.keys()]) if (!ids.has(known)) await this.#closed(known);
    for (const prompt of open) await this.#prompt(prompt);
  }

  #orFail(work: Promise<void>): void {
    work.catch((error: unknown) => this.#handover.fail(error));
  }
}

import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Session } from '../session/session.js';
import type { SessionNews } from '../session/session-news.js';
import type { TranscriptStore } from '../transcript/store.js';
import { EventFeed, eventBlock } from './event-feed.js';
import { withTranscript } from '../fleet/read-transcript.js';
import type { StreamContext } from './streams.js';

const PAGE = 500;

/**
 * Server-sent events of one session: what the transcript has after the place asked for, then what is new, then `end`. An item that is open is sent
 * from its start. A reader that is too slow is told what it missed and reads on from there; nobody waits for it.
 */
export async function sessionEvents(
  context: StreamContext,
  ref: string,
  request: IncomingMessage,
  response: ServerResponse,
  query: URLSearchParams,
): Promise<void> {
  const found = context.fleet.find(ref);
  const { after, is_ahead } = await startAfter(context, ref, request, query);
  const feed = feedOf(context, response);
  if (is_ahead) feed.send(eventBlock('resync', { after, missed: 0 }), 0, after);
  if (found.live === null) {
    await withTranscript(context.fleet, ref, (store) => replay(store, after, feed));
    await feed.room();
    feed.send(eventBlock('row', found.row) + eventBlock('end', found.row), 0, 0);
    feed.end();
    return;
  }
  const session = found.live;
  const store = session.memory.transcript;
  let last = await replay(store, after, feed);
  await feed.room();
  // More may have been written before this goes on; what is damaged at the end is never read.
  for (let before = -1; last > before && last < store.last_seq && !feed.closed;) {
    before = last;
    last = await replay(store, last, feed);
    await feed.room();
  }
  // From here to `watch` nothing else runs: what comes next is told by `watch`.
  feed.send(
    eventBlock('row', session.row) + session.memory.openPieces.map((piece) => eventBlock('piece', piece)).join(''),
    0,
    last,
  );
  let shown = JSON.stringify(session.row);
  const unwatch = session.memory.watch((news) => {
    if (feed.closed) return;
    const text = newsBlocks(news, last);
    if (text !== '') feed.send(text, news.entries.length, last);
    last = Math.max(last, news.entries.at(-1)?.seq ?? 0);
    if (news.pieces.length > 0 && news.entries.length === 0) return;
    const row = JSON.stringify(session.row);
    if (row === shown) return;
    shown = row;
    feed.send(`event: row\ndata: ${row}\n\n`, 0, last);
  });
  await Promise.race([session.finished, closing(response)]);
  unwatch();
  if (session.ended) {
    await feed.room();
    const from = feed.behind ? feed.missedAfter : last;
    feed.forgive();
    await withTranscript(context.fleet, session.state.session_id, (store) => replay(store, from, feed));
    await feed.room();
    feed.send(eventBlock('row', session.row) + eventBlock('end', session.row), 0, last);
  }
  feed.end();
}

/** Server-sent events of all sessions: every row once, then every change. */
export function fleetEvents(context: StreamContext, response: ServerResponse): Promise<void> {
  const feed = feedOf(context, response);
  feed.send(
    context.fleet
      .rows(false)
      .map((row) => eventBlock('row', row))
      .join(''),
    0,
    0,
  );
  const prompts = new OpenPrompts();
  for (const session of context.fleet.liveSessions) feed.send(prompts.news(session.state.session_id, session), 0, 0);
  const unwatch = context.fleet.roster.watch((news) => {
    if (news.type !== 'row') return;
    const { session_id } = news.row;
    const session = context.fleet.liveSessions.find((one) => one.state.session_id === session_id);
    feed.send(eventBlock('row', news.row) + prompts.news(session_id, session), 1, 0);
  });
  response.on('close', unwatch);
  return Promise.resolve();
}

/** What a reader was told of open prompts, session by session. */
class OpenPrompts {
  readonly #told = new Map<string, ReadonlyMap<string, string>>();

  /** What is new since the last time: a prompt that opened, or asks something else now; one that is over. */
  news(session_id: string, session: Session | undefined): string {
    const before = this.#told.get(session_id) ?? new Map<string, string>();
    const open = session?.prompts ?? [];
    if (before.size === 0 && open.length === 0) return '';
    const now = new Map(open.map((prompt) => [prompt.prompt_id, prompt.revision]));
    if (now.size === 0) this.#told.delete(session_id);
    else this.#told.set(session_id, now);
    const opened = open.filter((prompt) => before.get(prompt.prompt_id) !== prompt.revision);
    const closed = [...before.keys()].filter((prompt_id) => !now.has(prompt_id));
    return [
      ...opened.map((prompt) => eventBlock('prompt', prompt)),
      ...closed.map((prompt_id) => eventBlock('prompt_closed', { prompt_id })),
    ].join('');
  }
}

/** After which entry a stream begins; what is no cursor is the beginning. `is_ahead`: the reader's cursor is of entries that do not exist, and begins at the end. */
async function startAfter(
  context: StreamContext,
  ref: string,
  request: IncomingMessage,
  query: URLSearchParams,
): Promise<{ readonly after: number; readonly is_ahead: boolean }> {
  const asked = Number(request.headers['last-event-id'] ?? query.get('after') ?? Number.NaN);
  const last = Number(query.get('last') ?? Number.NaN);
  const has_cursor = Number.isSafeInteger(asked) && asked >= 0;
  if (asked === 0 || (!has_cursor && (!Number.isSafeInteger(last) || last < 0))) return { after: 0, is_ahead: false };
  const last_seq = await withTranscript(context.fleet, ref, (store) => Promise.resolve(store.last_seq));
  if (!has_cursor) return { after: Math.max(0, last_seq - last), is_ahead: false };
  return { after: Math.min(asked, last_seq), is_ahead: asked > last_seq };
}

/** Resolves when the response is closed, or was already. */
function closing(response: ServerResponse): Promise<void> {
  return new Promise((resolve) => {
    if (response.closed) resolve();
    response.on('close', resolve);
  });
}

/** The response as a feed that ends with the daemon. */
function feedOf(context: StreamContext, response: ServerResponse): EventFeed {
  const feed = new EventFeed(response);
  const end = (): void => {
    feed.end();
  };
  context.ending.addEventListener('abort', end, { once: true });
  response.on('close', () => {
    context.ending.removeEventListener('abort', end);
  });
  return feed;
}

/** Sends what the transcript has after `after`; answers with the last seq sent. */
async function replay(store: TranscriptStore, after: number, feed: EventFeed): Promise<number> {
  let last = after;
  while (last < store.last_seq && !feed.closed) {
    const page = await store.readAfter(last, PAGE);
    await feed.room();
    feed.send(
      page.lines.map((line) => `id: ${String(seqOf(line))}\nevent: entry\ndata: ${line}\n\n`).join(''),
      page.lines.length,
      last,
    );
    last = page.next_after;
    if (page.lines.length === 0) break;
  }
  return Math.max(last, Math.min(after, store.last_seq));
}

/** `seq` is the first field of every line that we write. */
function seqOf(line: string): number {
  return Number(/^\{"seq":(\d+)/.exec(line)?.[1] ?? Number.NaN);
}

/** Entries after `last` and pieces in the order in which they came: an item's pieces never follow its entry. */
function newsBlocks(news: SessionNews, last: number): string {
  let text = '';
  let told = 0;
  const pieces = (end: number): void => {
    for (const piece of news.pieces.slice(told, end)) text += eventBlock('piece', piece);
    told = end;
  };
  news.entries.forEach((entry, at) => {
    pieces(news.pieces_before[at] ?? told);
    if (entry.seq > last) text += `id: ${String(entry.seq)}\nevent: entry\ndata: ${news.lines[at] ?? ''}\n\n`;
  });
  pieces(news.pieces.length);
  return text;
}

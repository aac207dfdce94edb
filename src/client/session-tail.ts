import type { SessionRow } from '../contract/session.js';
import type { Piece, TranscriptEntry } from '../contract/transcript.js';
import { FilareError } from '../contract/errors.js';
import type { RouteResponse } from './response-check.js';
import { readEventStream, type EventStreamOptions } from './event-stream.js';
import type { ControlClient } from './http-client.js';
import { STREAM_PATHS } from './route-paths.js';

/** What to read of a session's story. At most one of `after`, `last`, `since`; none of them: all of it. */
export interface TailOptions {
  /** Entries with a greater `seq`. */
  readonly after?: number;
  /** The last so many entries. */
  readonly last?: number;
  /** Entries from this moment on, RFC 3339. */
  readonly since?: string;
  /** Goes on with what comes, pieces of unfinished items too, until the session ends. */
  readonly follow?: boolean;
  /** Somebody looks on: a daemon that goes away is told (`lost`, and `reconnected` when it is back) and waited for, however long; else that fails after about 15 s. */
  readonly patient?: boolean;
  readonly signal?: AbortSignal;
}

/** One thing that a tail gives. `end` comes last, and only when the session is over. */
export type TailEvent =
  | { readonly type: 'entry'; readonly entry: TranscriptEntry }
  | { readonly type: 'piece'; readonly piece: Piece }
  | { readonly type: 'row'; readonly row: SessionRow }
  | { readonly type: 'lost' | 'reconnected' }
  | { readonly type: 'end'; readonly row: SessionRow };

/** What a tail needs of its surroundings. */
export interface TailSource {
  readonly client: ControlClient;
  /** An exact session id, so that a later session of the same agent is not mixed in. */
  readonly session_id: string;
  readonly signal: AbortSignal;
  readonly pause?: EventStreamOptions['pause'];
}

/** Entries asked for at a time. */
const PAGE_ENTRIES = 500;

/**
 * The story of one session: every entry once, in order of `seq`, without a gap, over any number of broken connections. What a live stream
 * leaves out (`resync`) is read from the transcript.
 */
export async function* tailSession(
  source: TailSource,
  options: TailOptions,
): AsyncGenerator<TailEvent, void, undefined> {
  const cursor: Cursor = { seq: options.after ?? 0, known: options.last !== 0 && options.since === undefined };
  // Where nothing was said since, what comes is what follows the last entry of now.
  const before = options.since !== undefined && options.follow === true ? await lastSeq(source) : undefined;
  if (options.last !== 0) yield* readPages(source, cursor, firstPage(options));
  if (!cursor.known && before !== undefined) advance(cursor, before);
  if (options.follow === true) yield* followLive(source, cursor, options.patient === true);
}

/** `seq` of the last entry given. Not `known` where the story begins with whatever comes next: then a stream may begin anywhere. */
interface Cursor {
  seq: number;
  known: boolean;
}

interface PageQuery {
  readonly [name: string]: string | number | undefined;
}

function firstPage(options: TailOptions): PageQuery {
  return { after: options.after, last: options.last, since: options.since };
}

async function* readPages(
  source: TailSource,
  cursor: Cursor,
  first: PageQuery,
): AsyncGenerator<TailEvent, void, undefined> {
  for (let query = await withinOnePage(source, first); ; query = { after: cursor.seq }) {
    const page = await readPage(source, query);
    for (const entry of page.entries) {
      if (entry.seq > cursor.seq) {
        advance(cursor, entry.seq);
        yield { type: 'entry', entry };
      }
    }
    const is_empty = page.entries.length === 0;
    if (is_empty && page.more && query['after'] !== undefined) throw stuckPage(cursor.seq);
    if (is_empty || !page.more) return;
  }
}

async function readPage(source: TailSource, query: PageQuery): Promise<RouteResponse<'readTranscript'>> {
  return source.client.call(
    'readTranscript',
    { params: { ref: source.session_id }, query: { ...query, limit: PAGE_ENTRIES } },
    { signal: source.signal },
  );
}

/** `last` so many, where that is more than a page holds, as `after`: `seq` has no gaps. */
async function withinOnePage(source: TailSource, query: PageQuery): Promise<PageQuery> {
  const last = query['last'];
  if (typeof last !== 'number' || last <= PAGE_ENTRIES) return query;
  return { after: Math.max(0, (await lastSeq(source)) - last) };
}

async function lastSeq(source: TailSource): Promise<number> {
  const head = await readPage(source, { last: 1 });
  return head.entries.at(-1)?.seq ?? 0;
}

function advance(cursor: Cursor, seq: number): void {
  cursor.seq = Math.max(cursor.seq, seq);
  cursor.known = true;
}

function stuckPage(next_after: number): FilareError {
  return new FilareError({
    code: 'unexpected',
    message: `the daemon says that the transcript goes on after entry ${next_after}, and gives nothing`,
  });
}

async function* followLive(
  source: TailSource,
  cursor: Cursor,
  patient: boolean,
): AsyncGenerator<TailEvent, void, undefined> {
  const { pieceSchema, transcriptEntrySchema } = await import('../contract/transcript.js');
  const { sessionRowSchema } = await import('../contract/session.js');
  const stream = readEventStream({
    socket: source.client.socket,
    path: STREAM_PATHS.sessionEvents.path,
    params: { ref: source.session_id },
    signal: source.signal,
    patient,
    ...(source.pause === undefined ? {} : { pause: source.pause }),
    resume: () => (cursor.known ? { query: { after: cursor.seq }, last_event_id: cursor.seq } : { query: { last: 0 } }),
  });
  for await (const event of stream) {
    switch (event.event) {
      case 'entry': {
        const entry = transcriptEntrySchema.parse(JSON.parse(eventData(event)));
        if (cursor.known && entry.seq > cursor.seq + 1) yield* readPages(source, cursor, { after: cursor.seq });
        if (entry.seq > cursor.seq) {
          advance(cursor, entry.seq);
          yield { type: 'entry', entry };
        }
        break;
      }
      case 'piece':
        yield { type: 'piece', piece: pieceSchema.parse(JSON.parse(eventData(event))) };
        break;
      case 'row':
        yield { type: 'row', row: sessionRowSchema.parse(JSON.parse(eventData(event))) };
        break;
      case 'resync':
        resync(cursor, eventData(event));
        yield* readPages(source, cursor, { after: cursor.seq });
        break;
      case 'lost':
      case 'reconnected':
        if (patient) yield { type: event.event };
        break;
      case 'end':
        yield { type: 'end', row: sessionRowSchema.parse(JSON.parse(eventData(event))) };
        return;
      default:
        break;
    }
  }
}

/** `after`: the last entry that the stream gave before it left some out. With none left out the cursor is of entries that do not exist, and that is the last one. */
function resync(cursor: Cursor, data: string): void {
  const { after = 0, missed = 1 } = JSON.parse(data) as { readonly after?: number; readonly missed?: number };
  if (missed === 0) cursor.seq = after;
  else if (!cursor.known) advance(cursor, after);
}

function eventData(event: { readonly data?: string }): string {
  return event.data ?? 'null';
}

/**
 * Live streams of the daemon, read until the daemon ends them or the signal does. Contract:
 * - a broken connection is opened again, after RECONNECT_FIRST_MS doubling to RECONNECT_MAX_MS, with `Last-Event-ID` as it stands then;
 *   after RECONNECT_TRIES in a row without one event the failure is thrown, unless the reader is `patient`;
 * - an answer that says no (`not_found`, `usage`…) is thrown at once;
 * - reading pauses while the consumer is busy: back-pressure reaches the daemon, which bounds what it keeps for us.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { FilareError } from '../contract/errors.js';
import { DaemonUnreachable, abortFailure, openResponse, requestFailure, type QueryValues } from './http-request.js';
import { ServerEventParser, type ServerEvent } from './sse-parser.js';

/** Wait before the first new try, in milliseconds. */
const RECONNECT_FIRST_MS = 50;
/** Longest wait between two tries, in milliseconds. */
const RECONNECT_MAX_MS = 2_000;
/** Tries in a row without an event before giving up: about 15 seconds. */
const RECONNECT_TRIES = 12;

/** A live stream to read. */
export interface EventStreamOptions {
  readonly socket: string;
  readonly path: string;
  readonly params?: Readonly<Record<string, string>>;
  readonly signal: AbortSignal;
  /** Query and `Last-Event-ID` of the next connection; asked anew each time. */
  readonly resume: () => { readonly query?: QueryValues; readonly last_event_id?: number };
  /** Somebody looks on: a daemon that stays away is waited for, however long. */
  readonly patient?: boolean | undefined;
  /** Waits between tries; handed in by tests. */
  readonly pause?: (wait_ms: number, signal: AbortSignal) => Promise<void>;
}

/** What a reader of a live stream sees: its events, `lost` when a connection breaks, and `reconnected` before the first event of a new one. */
export type StreamEvent = ServerEvent | { readonly event: 'lost' | 'reconnected' };

/** The events, across connections. Ends only by `return`, by a thrown failure, or with the signal (its reason is thrown). */
export async function* readEventStream(options: EventStreamOptions): AsyncGenerator<StreamEvent, never, undefined> {
  const pause = options.pause ?? ((wait_ms, signal) => sleep(wait_ms, undefined, { signal }));
  for (let failures = 0; ;) {
    let broken: unknown = new DaemonUnreachable(options.socket, 'it keeps closing the stream', undefined);
    try {
      for await (const event of oneConnection(options)) {
        if (failures > 0) yield { event: 'reconnected' };
        failures = 0;
        yield event;
      }
    } catch (error) {
      if (options.signal.aborted) throw abortFailure(options.signal);
      if (!(error instanceof DaemonUnreachable)) throw error;
      broken = error;
    }
    failures += 1;
    if (failures === 1) yield { event: 'lost' };
    if (failures > RECONNECT_TRIES && options.patient !== true) throw broken;
    const wait_ms = Math.min(RECONNECT_FIRST_MS * 2 ** Math.min(failures - 1, RECONNECT_TRIES), RECONNECT_MAX_MS);
    await pause(wait_ms, options.signal).catch((error: unknown) => {
      throw options.signal.aborted ? abortFailure(options.signal) : error;
    });
  }
}

async function* oneConnection(options: EventStreamOptions): AsyncGenerator<ServerEvent, void, undefined> {
  const { query, last_event_id } = options.resume();
  const response = await openResponse({
    socket: options.socket,
    method: 'GET',
    path: options.path,
    params: options.params,
    query,
    signal: options.signal,
    headers: {
      accept: 'text/event-stream',
      ...(last_event_id === undefined ? {} : { 'last-event-id': String(last_event_id) }),
    },
  });
  response.setEncoding('utf8');
  const parser = new ServerEventParser();
  try {
    for await (const chunk of response as AsyncIterable<string>) yield* parser.push(chunk);
  } catch (error) {
    throw error instanceof FilareError || !(error instanceof Error) ? error : requestFailure(options, error);
  } finally {
    response.destroy();
  }
}

/**
 * The typed client of the control API over the project's unix socket. Contract:
 * - `call` sends one request and answers with what the route's schema accepts, or throws the failure that the daemon named;
 * - every call has a deadline (CALL_DEADLINE_MS unless said otherwise; `timeout`) and takes a signal (its reason is thrown);
 * - each request has a connection of its own: a request that changes something is never sent twice;
 * - nobody on the socket is `DaemonUnreachable`, which is never confused with an answer.
 */
import type { z } from 'zod';
import type { ROUTES } from '../contract/api.js';
import { FilareError } from '../contract/errors.js';
import { openResponse, readText, requestFailure, type QueryValues } from './http-request.js';
import { checkResponse, checkRowsLightly, type RouteResponse } from './response-check.js';
import { ROUTE_PATHS, type RouteName } from './route-paths.js';

/** Deadline of an ordinary call, in milliseconds. */
const CALL_DEADLINE_MS = 30_000;

/** Most bytes of one answer. */
const MAX_ANSWER_BYTES = 256 * 1024 * 1024;

/** A timer that is set for longer fires at once. */
const LONGEST_TIMER_MS = 2 ** 31 - 1;

type Routes = typeof ROUTES;

/** What a route is given: `params`, `body` where the route has them; `query` always optional. */
export type RouteInput<N extends RouteName> = (Routes[N] extends { readonly params: infer P extends z.ZodType }
  ? { readonly params: z.input<P> & Readonly<Record<string, string>> }
  : { readonly params?: undefined }) &
  (Routes[N] extends { readonly body: infer B extends z.ZodType }
    ? { readonly body: z.input<B> }
    : { readonly body?: undefined }) & { readonly query?: QueryValues };

/** Bounds of one call. */
export interface CallBounds {
  readonly signal?: AbortSignal | undefined;
  /** Milliseconds. */
  readonly deadline_ms?: number | undefined;
}

/** Calls of the control API. See the top of this file. */
export class ControlClient {
  readonly socket: string;

  constructor(socket: string) {
    this.socket = socket;
  }

  /** Calls a route and checks the answer with its schema. */
  async call<N extends RouteName>(name: N, input: RouteInput<N>, bounds: CallBounds = {}): Promise<RouteResponse<N>> {
    return checkResponse(name, await this.#answer(name, input, bounds));
  }

  /** The rows of `list`, looked at lightly: loading the schemas would take longer than the whole command. */
  async listRows(all: boolean, bounds: CallBounds = {}): Promise<RouteResponse<'listSessions'>> {
    return checkRowsLightly(await this.#answer('listSessions', { query: { all: all ? '1' : undefined } }, bounds));
  }

  /** The answer of `GET /v1/version` as it came: it must be readable whatever version the daemon has. */
  async versionAnswer(bounds: CallBounds = {}): Promise<unknown> {
    return this.#answer('version', {}, bounds);
  }

  async #answer<N extends RouteName>(name: N, input: RouteInput<N>, bounds: CallBounds): Promise<unknown> {
    const deadline_ms = bounds.deadline_ms ?? CALL_DEADLINE_MS;
    const deadline = new AbortController();
    const late = new FilareError({
      code: 'timeout',
      message: `the daemon did not answer ${name} within ${deadline_ms} ms`,
      hint: 'filare-agents daemon status; its log is .filare/daemon.log in the project',
    });
    const timer = setTimeout(() => deadline.abort(late), Math.min(deadline_ms, LONGEST_TIMER_MS));
    const signal = bounds.signal === undefined ? deadline.signal : AbortSignal.any([bounds.signal, deadline.signal]);
    try {
      signal.throwIfAborted();
      const response = await openResponse({ socket: this.socket, ...ROUTE_PATHS[name], ...input, signal });
      return parseAnswer(name, await readText(response, MAX_ANSWER_BYTES));
    } catch (error) {
      if (error instanceof FilareError || !(error instanceof Error)) throw error;
      throw requestFailure({ socket: this.socket, signal }, error);
    } finally {
      clearTimeout(timer);
    }
  }
}

function parseAnswer(name: RouteName, text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new FilareError({ code: 'unexpected', message: `the daemon's answer to ${name} is not JSON`, cause: error });
  }
}

import { request as httpRequest, type ClientRequest, type IncomingMessage } from 'node:http';
import { ERROR_CODES, FilareError, type ErrorCode } from '../contract/errors.js';
import { CLIENT_API_VERSION, ROUTE_PATHS } from './route-paths.js';

/** Values that may stand in a query; undefined ones are left out. */
export type QueryValues = Readonly<Record<string, string | number | boolean | undefined>>;

/** One request to the daemon. */
export interface SocketRequest {
  readonly socket: string;
  readonly method: string;
  /** A route's path; `:name` is filled from `params`, escaped. */
  readonly path: string;
  readonly params?: Readonly<Record<string, string>> | undefined;
  readonly query?: QueryValues | undefined;
  readonly body?: unknown;
  readonly headers?: Readonly<Record<string, string>> | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** Nobody answers on the daemon's socket. Distinct from an answer that says no. */
export class DaemonUnreachable extends FilareError {
  /** `ENOENT`, `ECONNREFUSED`, `ECONNRESET`… as the system said. */
  readonly reason: string;

  constructor(socket: string, reason: string, cause: unknown) {
    super({
      code: 'unexpected',
      message: `the daemon does not answer on ${socket} (${reason})`,
      hint: 'filare-agents daemon status; any command that needs it starts it again',
      cause,
    });
    this.reason = reason;
  }
}

/** Sends the request and answers once the response's head is there. A status of 400 or more is thrown as the failure that the daemon named. */
export async function openResponse(options: SocketRequest): Promise<IncomingMessage> {
  const response = await new Promise<IncomingMessage>((settle, fail) => {
    const sent = startRequest(options);
    sent.on('response', settle);
    sent.on('error', (error) => fail(requestFailure(options, error)));
  });
  if ((response.statusCode ?? 500) < 400) return response;
  throw failureFromBody(await readText(response, MAX_FAILURE_BYTES), response.statusCode ?? 500);
}

/** Most bytes read of a failure's body. */
const MAX_FAILURE_BYTES = 4 * 1024 * 1024;

/** Routes that must work whatever version the daemon has: to find out, and to have it make room for ours. */
const ANY_VERSION: ReadonlySet<string> = new Set([ROUTE_PATHS.version.path, ROUTE_PATHS.stopDaemon.path]);

/** Starts a request over the socket, body included; the caller listens. */
export function startRequest(options: SocketRequest): ClientRequest {
  const body = options.body === undefined ? undefined : Buffer.from(JSON.stringify(options.body));
  const sent = httpRequest({
    socketPath: options.socket,
    method: options.method,
    path: fillPath(options.path, options.params ?? {}, options.query ?? {}),
    agent: false,
    ...(options.signal === undefined ? {} : { signal: options.signal }),
    headers: {
      host: 'localhost',
      accept: 'application/json',
      ...(ANY_VERSION.has(options.path) ? {} : { 'filare-api': String(CLIENT_API_VERSION) }),
      ...(body === undefined ? {} : { 'content-type': 'application/json', 'content-length': String(body.length) }),
      ...options.headers,
    },
  });
  // A daemon that refuses a long body answers and hangs up: what is still being written then is nobody's failure, and the answer says why.
  sent.on('socket', (socket) => socket.on('error', () => undefined));
  sent.end(body);
  return sent;
}

/** The system's error of a request, as what it means to the caller: aborted by the signal (its reason), or nobody there. */
export function requestFailure(options: Pick<SocketRequest, 'socket' | 'signal'>, error: Error): FilareError {
  if (options.signal?.aborted === true) return abortFailure(options.signal);
  const code = 'code' in error && typeof error.code === 'string' ? error.code : error.message;
  return new DaemonUnreachable(options.socket, code, error);
}

/** Why a signal was aborted: the failure it was aborted with, else `interrupted` with the reason as its cause. */
export function abortFailure(signal: AbortSignal): FilareError {
  const reason: unknown = signal.reason;
  if (reason instanceof FilareError) return reason;
  return new FilareError({ code: 'interrupted', message: 'interrupted', cause: reason });
}

/** `/v1/sessions/:ref` with its parameters and query filled in and escaped. */
function fillPath(path: string, params: Readonly<Record<string, string>>, query: QueryValues): string {
  const filled = path.replace(/:([a-z_]+)/g, (_, name: string) => {
    const value = params[name] ?? '';
    if (value === '') throw new FilareError({ code: 'usage', message: 'an id cannot be empty' });
    return encodeURIComponent(value);
  });
  const search = new URLSearchParams();
  for (const [name, value] of Object.entries(query)) {
    if (value !== undefined) search.set(name, String(value));
  }
  return search.size === 0 ? filled : `${filled}?${search.toString()}`;
}

/** The whole body as text; more than `max_bytes` is `limit_exceeded`. */
export async function readText(response: IncomingMessage, max_bytes: number): Promise<string> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of response as AsyncIterable<Buffer>) {
    size += chunk.length;
    if (size > max_bytes) {
      response.destroy();
      throw new FilareError({
        code: 'limit_exceeded',
        message: `the daemon's answer is longer than ${max_bytes} bytes`,
      });
    }
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString('utf8');
}

/** The failure in an error response. A body that is none of ours becomes `unexpected` with its beginning. */
export function failureFromBody(text: string, status: number): FilareError {
  const body = parseOrUndefined(text);
  const failure = isRecord(body) ? body['error'] : undefined;
  if (isRecord(failure) && typeof failure['message'] === 'string') return failureFrom(failure, failure['message']);
  return new FilareError({ code: 'unexpected', message: `the daemon answered ${status}: ${text.slice(0, 200)}` });
}

function failureFrom(failure: Readonly<Record<string, unknown>>, message: string): FilareError {
  return new FilareError({
    code: isErrorCode(failure['code']) ? failure['code'] : 'unexpected',
    message,
    ...(typeof failure['hint'] === 'string' ? { hint: failure['hint'] } : {}),
    ...(failure['details'] === undefined ? {} : { details: failure['details'] }),
  });
}

function isErrorCode(value: unknown): value is ErrorCode {
  return ERROR_CODES.some((code) => code === value);
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function parseOrUndefined(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

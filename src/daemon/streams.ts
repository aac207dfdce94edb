import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Duplex } from 'node:stream';
import { existsSync } from 'node:fs';
import { open } from 'node:fs/promises';
import { z } from 'zod';
import { asFilareError, FilareError, HTTP_STATUS } from '../contract/errors.js';
import type { Attachments } from '../attach/attachments.js';
import { buildImage } from '../image/image.js';
import { DEFAULT_IMAGE } from '../image/wanted.js';
import type { Fleet } from '../fleet/fleet.js';
import { startOfData } from '../channel/journal-room.js';
import { JournalFile } from '../channel/journal-file.js';
import { attemptPaths } from '../channel/attempt-files.js';
import { attemptFolder } from '../session/attempt-folder.js';
import { fleetEvents, sessionEvents } from './session-feed.js';
import { openTerminal } from './open-terminal.js';
import type { Terminals } from './terminals.js';

/** What streams work with. */
export interface StreamContext {
  readonly fleet: Fleet;
  readonly terminals: Terminals;
  readonly attachments: Attachments;
  /** Ends when the daemon does. */
  readonly ending: AbortSignal;
}

/** Serves the streaming half of the control API; false when the request is not one of its routes. */
export function serveStream(context: StreamContext, request: IncomingMessage, response: ServerResponse): boolean {
  // Nothing that a client sends may end the daemon: what is no address is no route either.
  const url = urlOf(request);
  if (url === null) return false;
  try {
    const served = route(context, request, response, url);
    if (served === null) return false;
    served.catch((failure: unknown) => {
      refuse(response, failure);
    });
  } catch (failure) {
    refuse(response, failure);
  }
  return true;
}

function urlOf(request: IncomingMessage): URL | null {
  const asked = request.url ?? '/';
  return URL.canParse(asked, 'http://daemon') ? new URL(asked, 'http://daemon') : null;
}

/** What a client put into a path, decoded. */
function decoded(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch (cause) {
    throw new FilareError({ code: 'usage', message: `${part} is not a well-formed part of a path`, cause });
  }
}

/** Answers a request with a failure, where headers have not gone yet; else ends it. */
function refuse(response: ServerResponse, failure: unknown): void {
  if (response.headersSent) {
    response.destroy();
    return;
  }
  const known = asFilareError(failure);
  response.writeHead(HTTP_STATUS[known.code], { 'content-type': 'application/json' });
  response.end(JSON.stringify({ error: known.toBody() }));
}

function route(
  context: StreamContext,
  request: IncomingMessage,
  response: ServerResponse,
  url: URL,
): Promise<void> | null {
  if (request.method === 'GET' && url.pathname === '/v1/events') return fleetEvents(context, response);
  if (request.method === 'POST' && url.pathname === '/v1/image/build') return imageBuild(context, request, response);
  const terminal = /^\/v1\/terminals\/([^/]+)$/.exec(url.pathname)?.[1];
  if (request.method === 'GET' && terminal !== undefined) {
    return context.terminals.exitCode(terminal).then((exit_code) => {
      response.writeHead(200, { 'content-type': 'application/json' });
      response.end(JSON.stringify({ exit_code }));
    });
  }
  const [, ref, kind] = /^\/v1\/sessions\/([^/]+)\/(events|journal|homecoming)$/.exec(url.pathname) ?? [];
  if (request.method !== 'GET' || ref === undefined) return null;
  const name = decoded(ref);
  if (kind === 'homecoming') return homecomingSteps(context, name, response);
  return kind === 'events'
    ? sessionEvents(context, name, request, response, url.searchParams)
    : journal(context, name, response, url.searchParams);
}

async function homecomingSteps(context: StreamContext, ref: string, response: ServerResponse): Promise<void> {
  const { home } = context.fleet;
  const { session_id } = await home.homecomer(ref);
  if (response.closed) return;
  response.writeHead(200, { 'content-type': 'application/x-ndjson' }).flushHeaders();
  const leave = home.steps.watch(session_id, (step) => {
    response.write(`${JSON.stringify({ step })}\n`);
  });
  const end = (): void => void response.end();
  context.ending.addEventListener('abort', end, { once: true });
  response.on('close', () => {
    leave();
    context.ending.removeEventListener('abort', end);
  });
}

async function journal(
  context: StreamContext,
  ref: string,
  response: ServerResponse,
  query: URLSearchParams,
): Promise<void> {
  const found = context.fleet.find(ref);
  const { folder, attempt } =
    found.live === null
      ? { folder: found.folder, attempt: found.row.attempt }
      : { folder: found.live.folder, attempt: found.live.state.attempt };
  const path = attemptPaths(attemptFolder(folder, attempt).folder).out;
  if (!existsSync(path))
    throw new FilareError({
      code: 'bad_state',
      message: `no attempt of ${ref} has a journal yet`,
      hint: `filare-agents describe ${ref}`,
    });
  const from = await startOfLastLines(path, Number(query.get('last') ?? '0'));
  const ending = new AbortController();
  response.on('close', () => {
    ending.abort();
  });
  if (response.closed) return;
  found.live?.finished.then(
    () => {
      ending.abort();
    },
    () => {
      ending.abort();
    },
  );
  response.writeHead(200, { 'content-type': 'application/x-ndjson' });
  const signal = AbortSignal.any([ending.signal, context.ending]);
  for await (const lines of new JournalFile(path).read({ from, follow: query.get('follow') === '1', signal })) {
    if (!response.write(`${lines.map((line) => line.text).join('\n')}\n`)) await drained(response);
  }
  response.end();
}

/** Byte offset at which the last `lines` lines of a journal begin; 0 lines: what is left of it. */
async function startOfLastLines(path: string, lines: number): Promise<number> {
  const beginning = await startOfData(path);
  if (lines <= 0) return beginning;
  const file = await open(path, 'r');
  try {
    const { size } = await file.stat();
    const chunk = Buffer.alloc(64 * 1024);
    let seen = 0;
    for (let end = size; end > beginning;) {
      const begin = Math.max(beginning, end - chunk.length);
      const { bytesRead } = await file.read(chunk, 0, end - begin, begin);
      for (let i = bytesRead - 1; i >= 0; i -= 1) {
        if (chunk[i] !== 0x0a || begin + i === size - 1) continue;
        seen += 1;
        if (seen === lines) return begin + i + 1;
      }
      end = begin;
    }
    return beginning;
  } finally {
    await file.close();
  }
}

async function imageBuild(context: StreamContext, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const { force, image } = await buildRequest(request);
  if (image !== undefined && image !== DEFAULT_IMAGE && image !== `${DEFAULT_IMAGE}:latest`) {
    throw new FilareError({
      code: 'unsupported',
      message: `${image} is not an image that filare-agents builds`,
      hint: `only ${DEFAULT_IMAGE} is; build an image of your own yourself, and name it in the manifest`,
    });
  }
  const ending = new AbortController();
  response.on('close', () => {
    ending.abort();
  });
  response.writeHead(200, { 'content-type': 'application/x-ndjson' });
  const say = (line: unknown): void => {
    response.write(`${JSON.stringify(line)}\n`);
  };
  try {
    const done = await buildImage(context.fleet.surroundings.engine, {
      force,
      onProgress: say,
      signal: AbortSignal.any([ending.signal, context.ending]),
    });
    say({ done });
  } catch (failure) {
    say({ error: asFilareError(failure).toBody() });
  }
  response.end();
}

const buildRequestSchema = z.strictObject({ image: z.string().optional(), force: z.boolean().optional() });

async function buildRequest(
  request: IncomingMessage,
): Promise<{ readonly image: string | undefined; readonly force: boolean }> {
  let body = '';
  for await (const chunk of request) {
    body += String(chunk);
    if (body.length > 10_000) throw new FilareError({ code: 'limit_exceeded', message: 'the body is too large' });
  }
  try {
    const { image, force } = buildRequestSchema.parse(JSON.parse(body === '' ? '{}' : body));
    return { image, force: force === true };
  } catch (cause) {
    throw new FilareError({ code: 'usage', message: 'the body is not {image?, force?} as JSON', cause });
  }
}

/** Serves `Upgrade: filare-terminal`; see open-terminal.ts. */
export async function serveTerminal(context: StreamContext, request: IncomingMessage, socket: Duplex): Promise<void> {
  // From the first moment on: a client may leave at any time, and an error that nobody hears ends the daemon.
  socket.on('error', () => undefined);
  try {
    const url = urlOf(request);
    const ref = /^\/v1\/sessions\/([^/]+)\/terminal$/.exec(url?.pathname ?? '')?.[1];
    if (url === null || ref === undefined || request.headers.upgrade !== 'filare-terminal')
      throw new FilareError({ code: 'not_found', message: 'no such terminal route' });
    const session = context.fleet.live(decoded(ref));
    const terminal = await openTerminal(context, session, url.searchParams);
    if (socket.destroyed) {
      terminal.stream.destroy();
      return;
    }
    const name = context.terminals.add(terminal);
    socket.write(
      `HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: filare-terminal\r\nfilare-terminal: ${name}\r\n\r\n`,
    );
    const end = (): void => {
      terminal.stream.destroy();
      socket.end();
    };
    socket.on('error', end).on('close', end);
    terminal.stream.on('error', end).on('close', () => socket.end());
    // Without a terminal the end of what is typed is the end of the command's input; with one it is a key.
    socket.pipe(terminal.stream, { end: !('resize' in terminal) });
    terminal.stream.pipe(socket);
    const leave = (): void => {
      terminal.stream.destroy();
      socket.destroy();
    };
    context.ending.addEventListener('abort', leave, { once: true });
    socket.on('close', () => {
      context.ending.removeEventListener('abort', leave);
    });
  } catch (failure) {
    const known = asFilareError(failure);
    const text = JSON.stringify({ error: known.toBody() });
    socket.end(
      `HTTP/1.1 ${String(HTTP_STATUS[known.code])} refused\r\ncontent-type: application/json\r\ncontent-length: ${String(Buffer.byteLength(text))}\r\nconnection: close\r\n\r\n${text}`,
    );
  }
}

function drained(response: ServerResponse): Promise<void> {
  if (response.closed || response.destroyed) return Promise.resolve();
  return new Promise((resolve) => {
    const done = (): void => {
      response.off('drain', done);
      response.off('close', done);
      resolve();
    };
    response.on('drain', done);
    response.on('close', done);
  });
}

import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { Duplex } from 'node:stream';
import { readConversation } from './conversation.js';
import { chooseScene, type Speaker } from './cue.js';
import { perform } from './perform.js';
import { isRecord, type Plan } from './plan.js';
import { BadRequest, readJsonBody } from './request-body.js';
import { ResponseStream, sendJson } from './response-stream.js';
import { Tally } from './tally.js';

/**
 * The rehearsal server: speaks as much of the OpenAI Responses API as Codex uses, and plays a plan.
 *
 * - `POST …/v1/responses` answers with server-sent events; `GET …/v1/models` lists one model; `GET /healthz` says that it runs.
 * - It keeps nothing but a count of played failures: what to say follows from the request (conversation.ts), who asks from its headers.
 * - No request can end it: whatever is wrong with one is answered as JSON with a status.
 * - A client that goes away ends what was done for it.
 */
export interface RehearsalServer {
  /** The TCP port that it listens on, or undefined with a socket only. */
  readonly port: number | undefined;
  /** Ends every answer and stops listening. */
  close(): Promise<void>;
}

/** One request that was answered, without a word of what was said. `status` 499 is a client that went away. */
export interface RequestRecord {
  readonly time: string;
  readonly agent: string;
  readonly role: string;
  readonly turn: number;
  readonly step: number;
  /** Kinds of the steps played in this answer. */
  readonly steps: readonly string[];
  /** The part that played: `file:line`, or `echo`. */
  readonly part: string;
  readonly status: number;
  readonly ms: number;
}

/** Where to listen (a port, a unix socket or both) and who hears of each request. */
export interface ServerOptions {
  readonly plan: Plan;
  readonly port?: number | undefined;
  readonly host?: string | undefined;
  readonly socket?: string | undefined;
  readonly log?: ((record: RequestRecord) => void) | undefined;
}

/** Idle connections are kept longer than Codex keeps them, so that it never writes into a closing one. */
const KEEP_CONNECTION_MS = 120_000;
/** Codex describes its turn in a header of several kilobytes. */
const MAX_HEADER_BYTES = 256 * 1024;
const CLIENT_GONE = 499;

/** Starts listening. Rejects with Node's error if an address cannot be had. */
export async function startRehearsalServer(options: ServerOptions): Promise<RehearsalServer> {
  const tally = new Tally();
  const create = (): Server => {
    const server = createServer(
      { maxHeaderSize: MAX_HEADER_BYTES, keepAliveTimeout: KEEP_CONNECTION_MS },
      (request, http) => {
        void answer({ options, tally }, request, http);
      },
    );
    server.on('upgrade', refuseUpgrade);
    server.on('clientError', (_error, socket) => refuse(socket, '400 Bad Request'));
    return server;
  };
  const servers: Server[] = [];
  const close = async (): Promise<void> => {
    await Promise.all(servers.map(closeServer));
  };
  try {
    let port: number | undefined;
    if (options.port !== undefined) {
      const server = create();
      await listen(server, { port: options.port, host: options.host ?? '127.0.0.1' });
      servers.push(server);
      const address = server.address();
      port = typeof address === 'object' && address ? address.port : options.port;
    }
    if (options.socket !== undefined) {
      const server = create();
      await listen(server, { path: options.socket });
      servers.push(server);
    }
    return { port, close };
  } catch (error) {
    await close();
    throw error;
  }
}

interface Desk {
  readonly options: ServerOptions;
  readonly tally: Tally;
}

async function answer(desk: Desk, request: IncomingMessage, http: ServerResponse): Promise<void> {
  const gone = new AbortController();
  http.once('close', () => gone.abort());
  http.on('error', () => gone.abort());
  try {
    await route(desk, request, http, gone.signal);
  } catch (error) {
    if (http.headersSent || gone.signal.aborted) {
      http.destroy();
      return;
    }
    if (!request.complete) http.setHeader('connection', 'close');
    if (error instanceof BadRequest) sendError(http, error.status, error.message);
    else sendError(http, 500, 'the rehearsal server failed');
  }
}

async function route(desk: Desk, request: IncomingMessage, http: ServerResponse, signal: AbortSignal): Promise<void> {
  const path = (request.url ?? '/').replace(/[?#].*$/s, '');
  const routes: readonly (readonly [string, boolean, () => unknown])[] = [
    ['POST', path.endsWith('/v1/responses'), () => respond(desk, request, http, signal)],
    [
      'GET',
      path.endsWith('/v1/models'),
      () => sendJson(http, 200, { object: 'list', data: [{ id: 'rehearsal', object: 'model' }], models: [] }),
    ],
    ['GET', path === '/healthz', () => sendJson(http, 200, { ok: true, parts: desk.options.plan.parts.length })],
  ];
  const found = routes.find(([, fits]) => fits);
  if (!found)
    throw new BadRequest(404, 'the rehearsal server has POST …/v1/responses, GET …/v1/models and GET /healthz');
  const [method, , run] = found;
  if (request.method !== method) throw new BadRequest(405, `this path takes ${method}`);
  await run();
}

async function respond(desk: Desk, request: IncomingMessage, http: ServerResponse, signal: AbortSignal): Promise<void> {
  const began = performance.now();
  const speaker = { agent: header(request, 'x-filare-agent'), role: header(request, 'x-filare-role') };
  const body = await readJsonBody(request);
  const conversation = readConversation(body);
  if (!conversation) throw new BadRequest(400, 'a Responses request has a list `input`');
  const { plan, log } = desk.options;
  const scene = chooseScene(plan, speaker, conversation);
  const note = (status: number, steps: readonly string[]): void => {
    const { turn, step } = conversation;
    const ms = Math.round(performance.now() - began);
    log?.({ time: new Date().toISOString(), ...speaker, turn, step, steps, part: scene?.source ?? 'none', status, ms });
  };
  if (!scene) {
    note(400, []);
    throw new BadRequest(
      400,
      `no part of the script fits message ${conversation.turn} of agent ${speaker.agent || '(unnamed)'}, and it is strict`,
    );
  }
  const model = isRecord(body) && typeof body['model'] === 'string' ? body['model'] : 'rehearsal';
  const stream = new ResponseStream(http, signal, { id: responseId(speaker, conversation), model });
  try {
    const steps = await perform(
      { scene, conversation, tally: desk.tally, key: tallyKey(speaker, conversation) },
      stream,
    );
    note(http.statusCode, steps);
  } catch (error) {
    note(signal.aborted ? CLIENT_GONE : 500, []);
    throw error;
  }
}

function tallyKey(speaker: Speaker, conversation: { readonly thread: string; readonly turn: number }): string {
  return `${speaker.agent} ${conversation.thread} ${conversation.turn}`;
}

function responseId(speaker: Speaker, { turn, step }: { readonly turn: number; readonly step: number }): string {
  return `resp_${speaker.agent.replace(/\W/g, '') || 'agent'}_t${turn}_s${step}`;
}

function header(request: IncomingMessage, name: string): string {
  const value = request.headers[name];
  return (typeof value === 'string' ? value : '').slice(0, 128);
}

function sendError(http: ServerResponse, status: number, message: string): void {
  sendJson(http, status, { error: { message, type: 'rehearsal_error', code: `rehearsal_${status}` } });
}

/** Codex may ask for a Responses WebSocket; it then goes on with plain requests. */
function refuseUpgrade(_request: IncomingMessage, socket: Duplex): void {
  refuse(socket, '426 Upgrade Required');
}

function refuse(socket: Duplex, status: string): void {
  socket.on('error', () => socket.destroy());
  if (socket.writable) socket.end(`HTTP/1.1 ${status}\r\nConnection: close\r\nContent-Length: 0\r\n\r\n`);
  else socket.destroy();
}

async function listen(
  server: Server,
  where: { readonly port?: number; readonly host?: string; readonly path?: string },
): Promise<void> {
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(where, () => {
      server.off('error', reject);
      resolve();
    });
  });
}

async function closeServer(server: Server): Promise<void> {
  await new Promise<void>((resolve) => {
    server.close(() => resolve());
    server.closeAllConnections();
  });
}

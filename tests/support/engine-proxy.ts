import { createServer, request, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { connect, type Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { rm } from 'node:fs/promises';

const ENGINE_SOCKET = '/var/run/docker.sock';

/** What happens to a call on its way to the engine. */
export const ENGINE_FAULTS = [
  /** The daemon is killed; the engine never hears of it. */
  'kill before',
  /** The engine does it; the daemon is killed before it learns so. */
  'kill after',
  /** The engine does it; the connection is cut before the answer. */
  'drop',
  /** The engine refuses, and nothing was done. */
  'error',
  /** The engine does it, and says that it failed. */
  'error after',
] as const;
/** What happens to a call on its way to the engine. */
export type EngineFault = (typeof ENGINE_FAULTS)[number];

/** A Docker Engine behind a socket of ours: every call goes through, but for the one that is to go wrong. */
export class EngineProxy implements AsyncDisposable {
  readonly socket: string;
  readonly #server: Server;
  readonly #connections = new Set<Duplex>();
  readonly #held: (() => void)[] = [];
  #stalled = false;
  #fault: { readonly call: string; readonly n: number; readonly how: EngineFault; readonly kill: () => void } | null =
    null;
  /** Calls so far, by what they do: `POST containers/create`, `DELETE networks/*`. */
  readonly calls = new Map<string, number>();
  /** The fault has happened. */
  struck = false;

  private constructor(socket: string) {
    this.socket = socket;
    this.#server = createServer((incoming, answer) => void this.#pass(incoming, answer));
    this.#server.on('connection', (one: Socket) => this.#keep(one));
    this.#server.on('upgrade', (incoming, socket, head) => this.#tunnel(incoming, socket, head));
  }

  /** Listens at the path. */
  static async listen(socket: string): Promise<EngineProxy> {
    const proxy = new EngineProxy(socket);
    await rm(socket, { force: true });
    await new Promise<void>((resolve) => proxy.#server.listen(socket, resolve));
    return proxy;
  }

  /** From now on, the `n`th call of that kind goes wrong; counting begins anew. */
  plan(
    fault: { readonly call: string; readonly n: number; readonly how: EngineFault; readonly kill: () => void } | null,
  ): void {
    this.#fault = fault;
    this.struck = false;
    this.calls.clear();
  }

  /** Every call is taken and none is answered, until `release`. */
  stall(): void {
    this.#stalled = true;
  }

  /** What was held goes through. */
  release(): void {
    this.#stalled = false;
    for (const go of this.#held.splice(0)) go();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.release();
    for (const one of this.#connections) one.destroy();
    await new Promise<void>((resolve) => this.#server.close(() => resolve()));
    await rm(this.socket, { force: true });
  }

  #keep(one: Duplex): void {
    this.#connections.add(one);
    one.on('close', () => this.#connections.delete(one));
    one.on('error', () => undefined);
  }

  /** Counts the call; answers with what is to happen to it. */
  #strike(incoming: IncomingMessage): EngineFault | null {
    const call = callOf(incoming);
    const n = (this.calls.get(call) ?? 0) + 1;
    this.calls.set(call, n);
    const fault = this.#fault;
    if (fault === null || this.struck || fault.call !== call || fault.n !== n) return null;
    this.struck = true;
    return fault.how;
  }

  async #pass(incoming: IncomingMessage, answer: ServerResponse): Promise<void> {
    if (this.#stalled) await new Promise<void>((resolve) => this.#held.push(resolve));
    const how = this.#strike(incoming);
    const kill = this.#fault?.kill;
    if (how === 'kill before') {
      kill?.();
      incoming.socket.destroy();
      return;
    }
    if (how === 'error') {
      incoming.resume();
      refuse(answer);
      return;
    }
    const sent = request(
      { socketPath: ENGINE_SOCKET, method: incoming.method, path: incoming.url, headers: incoming.headers },
      (reply) => {
        if (how === null) {
          answer.writeHead(reply.statusCode ?? 500, reply.headers);
          answer.flushHeaders();
          reply.pipe(answer);
          return;
        }
        reply.resume().on('end', () => {
          if (how === 'kill after') kill?.();
          if (how === 'error after') refuse(answer);
          else incoming.socket.destroy();
        });
      },
    );
    sent.on('error', () => incoming.socket.destroy());
    // The call outlives its caller where it changes something; a stream that nobody reads any more does not.
    answer.on('close', () => {
      if (how === null && incoming.method === 'GET') sent.destroy();
    });
    incoming.pipe(sent);
  }

  /** A connection that becomes a plain byte stream: handed through as it is. */
  #tunnel(incoming: IncomingMessage, socket: Duplex, head: Buffer): void {
    const engine = connect(ENGINE_SOCKET);
    this.#keep(engine);
    const lines = [`${incoming.method ?? 'POST'} ${incoming.url ?? '/'} HTTP/1.1`];
    for (let at = 0; at < incoming.rawHeaders.length; at += 2)
      lines.push(`${incoming.rawHeaders[at] ?? ''}: ${incoming.rawHeaders[at + 1] ?? ''}`);
    engine.write(`${lines.join('\r\n')}\r\n\r\n`);
    engine.write(head);
    socket.pipe(engine).pipe(socket);
    socket.on('error', () => engine.destroy());
    engine.on('error', () => socket.destroy());
  }
}

/** `POST containers/create`, with `*` for ids and names, without version and query. */
function callOf({ method, url }: IncomingMessage): string {
  const path = (url ?? '/')
    .replace(/\?.*/, '')
    .replace(/^\/v[\d.]+/, '')
    .replace(/^\//, '');
  const [first = '', second = '', ...rest] = path.split('/');
  const fixed = ['create', 'json', 'build', 'load', 'prune'].includes(second) || second === '';
  return `${method ?? 'GET'} ${[first, ...(fixed ? [second] : ['*']), ...rest].filter((part) => part !== '').join('/')}`;
}

function refuse(answer: ServerResponse): void {
  answer.writeHead(500, { 'content-type': 'application/json' });
  answer.end(JSON.stringify({ message: 'injected: the engine failed' }));
}

import { chown, rm } from 'node:fs/promises';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { Duplex } from 'node:stream';
import { JournalFile } from '../channel/journal-file.js';
import type { Session } from '../session/session.js';
import { CLOSE } from './frames.js';
import { RelayClient } from './relay-client.js';
import { WebSocketConnection } from './web-socket.js';

/** Terminals of one attachment: one, and another while it connects again. */
const MAX_CLIENTS = 4;
/** Connections of all kinds: those terminals, who waits for the relay's end, and some to spare. The daemon has only so many descriptors. */
const MAX_CONNECTIONS = 16;
/** How long a refusal is why a terminal ended, in milliseconds. */
const REFUSAL_MS = 10_000;

/** What is asked at this path is not answered while the relay lives: whoever waits for it knows when it ends. */
export const ALIVE_PATH = '/alive';

/** What a relay works with. */
export interface RelayContext {
  readonly session: Session;
  readonly thread_id: string;
  /** Path of the socket; its folder exists. */
  readonly socket: string;
  /** Who may connect. */
  readonly owner: { readonly uid: number; readonly gid: number };
  /** Unique among all that asks this Codex. */
  readonly id_prefix: string;
  /** The journal cannot be followed any more. */
  readonly broken: (failure: unknown) => void;
}

/** A unix socket at which Codex's terminal interface finds the session's thread, as if an app-server listened there. Ends with `close`. */
export class Relay {
  readonly #context: RelayContext;
  readonly #server: Server;
  readonly #clients = new Map<RelayClient, WebSocketConnection>();
  readonly #ending = new AbortController();
  #count = 0;
  #refusal: { readonly message: string; readonly at_ms: number } | null = null;
  #reading: Promise<void> = Promise.resolve();

  private constructor(context: RelayContext) {
    this.#context = context;
    this.#server = createServer((request, response) => {
      serve(request, response);
    });
    this.#server.requestTimeout = 0;
    this.#server.maxConnections = MAX_CONNECTIONS;
    this.#server.on('upgrade', (request, socket, head) => {
      this.#accept(request, socket, head);
    });
  }

  /** Listens, with mode 0600 from the first moment on, and follows the journal from where the session stands. */
  static async open(context: RelayContext): Promise<Relay> {
    const relay = new Relay(context);
    const before = process.umask(0o177);
    try {
      await new Promise<void>((resolve, reject) => {
        relay.#server.once('error', reject);
        relay.#server.listen(context.socket, resolve);
      });
    } finally {
      process.umask(before);
    }
    if (process.getuid?.() === 0) await chown(context.socket, context.owner.uid, context.owner.gid);
    relay.#reading = relay.#read();
    return relay;
  }

  /** What was refused a moment ago: some refusals end the terminal, which does not show why. */
  get lastRefusal(): string | null {
    const refusal = this.#refusal;
    return refusal !== null && performance.now() - refusal.at_ms < REFUSAL_MS ? refusal.message : null;
  }

  /** Ends every connection and the socket. Harmless when it was called before. */
  async close(reason: string): Promise<void> {
    this.#ending.abort();
    for (const connection of [...this.#clients.values()]) connection.close(CLOSE.going_away, reason);
    this.#server.close();
    this.#server.closeAllConnections();
    await this.#reading;
    await rm(this.#context.socket, { force: true });
  }

  #accept(request: IncomingMessage, socket: Duplex, head: Buffer): void {
    const { session, thread_id, id_prefix } = this.#context;
    this.#count += 1;
    const client: RelayClient = new RelayClient({
      session,
      thread_id,
      id_prefix: `${id_prefix}-${String(this.#count)}`,
      say: (message) => this.#clients.get(client)?.send(JSON.stringify(message)),
      refused: (sentence) => {
        this.#refusal = { message: sentence, at_ms: performance.now() };
      },
      signal: this.#ending.signal,
    });
    const connection = WebSocketConnection.accept(request, socket, {
      text: (text) => {
        client.takeText(text);
      },
      closed: () => {
        client.close();
        this.#clients.delete(client);
      },
    });
    if (connection === undefined) return;
    this.#clients.set(client, connection);
    if (this.#clients.size > MAX_CLIENTS || this.#ending.signal.aborted)
      connection.close(CLOSE.try_again_later, 'too many terminals');
    else connection.begin(head);
  }

  async #read(): Promise<void> {
    const { session, broken } = this.#context;
    const { signal } = this.#ending;
    const { attempt } = session.state;
    try {
      const journal = new JournalFile(session.journalPath);
      for await (const lines of journal.read({ from: session.memory.offset, follow: true, signal })) {
        for (const line of lines) {
          // Nothing is shown that the session does not know.
          await session.until((state) => session.memory.offset >= line.end || state.attempt !== attempt, signal);
          for (const client of this.#clients.keys()) client.takeLine(line);
        }
      }
    } catch (failure) {
      if (!signal.aborted) broken(failure);
    }
  }
}

function serve(request: IncomingMessage, response: ServerResponse): void {
  response.on('error', () => undefined);
  if (request.url === ALIVE_PATH) response.writeHead(200).flushHeaders();
  else response.writeHead(404).end();
}

import { createHash } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import { CLOSE, closeFrame, encodeFrame, FrameFault, FrameReader, OPCODE } from './frames.js';

/** What may wait unsent for a client that does not read, in bytes: more than one answer with a whole thread in it. */
export const MAX_UNSENT_BYTES = 64 * 1024 * 1024;
/** How long a client may take to hear that it is over, in milliseconds. */
const CLOSING_MS = 1000;
/** From RFC 6455, 1.3. */
const KEY_SUFFIX = '258EAFA5-E914-47DA-95CA-C5AB0DC85B11';

/** What happens on a connection. */
export interface WebSocketEvents {
  readonly text: (text: string) => void;
  /** Once, however it ends. */
  readonly closed: () => void;
}

/**
 * The server's side of one WebSocket (RFC 6455): text, no extensions. A client that breaks the protocol, sends too much or does not read is closed
 * with the code that says so; nothing that it sends throws.
 */
export class WebSocketConnection {
  readonly #socket: Duplex;
  readonly #events: WebSocketEvents;
  readonly #reader = new FrameReader();
  #over = false;

  private constructor(socket: Duplex, events: WebSocketEvents) {
    this.#socket = socket;
    this.#events = events;
  }

  /** Answers the request to become a WebSocket; undefined, and refused, when it is none. Nothing is read before `begin`. */
  static accept(request: IncomingMessage, socket: Duplex, events: WebSocketEvents): WebSocketConnection | undefined {
    socket.on('error', () => undefined);
    const key = request.headers['sec-websocket-key'];
    const wanted =
      request.headers.upgrade?.toLowerCase() === 'websocket' && request.headers['sec-websocket-version'] === '13';
    if (!wanted || key === undefined) {
      socket.end('HTTP/1.1 400 Bad Request\r\nconnection: close\r\ncontent-length: 0\r\n\r\n');
      return undefined;
    }
    const accept = createHash('sha1').update(`${key}${KEY_SUFFIX}`).digest('base64');
    socket.write(
      `HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: ${accept}\r\n\r\n`,
    );
    return new WebSocketConnection(socket, events);
  }

  /** Begins to read; `head` came with the request. */
  begin(head: Buffer): void {
    this.#socket.on('data', (chunk: Buffer) => {
      this.#take(chunk);
    });
    this.#socket.on('close', () => {
      this.#end();
    });
    this.#socket.on('end', () => {
      this.#socket.end();
      this.#end();
    });
    if (head.length > 0) this.#take(head);
  }

  /** Sends a text. One that the client is too slow for ends the connection. */
  send(text: string): void {
    if (this.#over) return;
    if (this.#socket.writableLength > MAX_UNSENT_BYTES) {
      this.close(CLOSE.try_again_later, 'it does not read what it is sent');
      return;
    }
    this.#socket.write(encodeFrame(OPCODE.text, Buffer.from(text)));
  }

  /** Says why, and ends it. Harmless on one that is over. */
  close(code: number, reason: string): void {
    if (this.#over) return;
    this.#socket.end(closeFrame(code, reason));
    // One that never answers, or never reads, must not stay.
    this.#socket.resume();
    setTimeout(() => this.#socket.destroy(), CLOSING_MS).unref();
    this.#end();
  }

  #take(chunk: Buffer): void {
    if (this.#over) return;
    try {
      for (const incoming of this.#reader.push(chunk)) {
        if (this.#isOver()) return;
        if (incoming.kind === 'text') this.#events.text(incoming.text);
        else if (incoming.kind === 'ping') this.#socket.write(encodeFrame(OPCODE.pong, incoming.payload));
        else if (incoming.kind === 'close') this.close(CLOSE.normal, '');
      }
    } catch (failure) {
      if (!(failure instanceof FrameFault)) throw failure;
      this.close(failure.close_code, failure.message);
    }
  }

  /** Asked anew each time: what is said may end it. */
  #isOver(): boolean {
    return this.#over;
  }

  #end(): void {
    if (this.#over) return;
    this.#over = true;
    this.#events.closed();
  }
}

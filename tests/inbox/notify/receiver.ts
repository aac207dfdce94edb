import { createServer, type IncomingHttpHeaders, type ServerResponse } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';

/** A request that a receiver was sent. */
export interface Received {
  readonly method: string | undefined;
  readonly url: string | undefined;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
}

/** A receiver of webhooks on 127.0.0.1 that answers as told, the last answer for all further requests. */
export class Receiver {
  readonly received: Received[] = [];
  readonly #sockets = new Set<Socket>();
  readonly #server;
  port = 0;

  private constructor(answers: readonly ((response: ServerResponse) => void)[]) {
    this.#server = createServer((request, response) => {
      let body = '';
      request.setEncoding('utf8').on('data', (text: string) => (body += text));
      request.on('end', () => {
        const { method, url, headers } = request;
        const answer = answers[Math.min(this.received.length, answers.length - 1)];
        this.received.push({ method, url, headers, body });
        answer?.(response);
      });
    });
    this.#server.on('connection', (socket: Socket) => {
      this.#sockets.add(socket);
      socket.on('error', () => undefined).on('close', () => this.#sockets.delete(socket));
    });
  }

  static async start(...answers: ((response: ServerResponse) => void)[]): Promise<Receiver> {
    const receiver = new Receiver(answers);
    await new Promise<void>((resolve) => receiver.#server.listen(0, '127.0.0.1', resolve));
    receiver.port = (receiver.#server.address() as AddressInfo).port;
    return receiver;
  }

  get url(): string {
    return `http://127.0.0.1:${this.port}/hook/canary-path?key=canary-query`;
  }

  /** Connections that are open now. */
  get connections(): number {
    return this.#sockets.size;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    await new Promise((resolve) => this.#server.close(resolve));
  }
}

/** Answers with a status, and these headers. */
export function status(code: number, headers: Record<string, string> = {}, body = 'canary-body') {
  return (response: ServerResponse): void => {
    response.writeHead(code, headers);
    response.end(body);
  };
}

/** Never answers. */
export function hang(): void {
  // The deadline of whoever asked is what ends it.
}

/** Closes the connection instead of answering. */
export function hangUp(response: ServerResponse): void {
  response.socket?.destroy();
}

import type { ServerResponse } from 'node:http';

/** Bytes that may wait for a reader before it is told what it missed. */
export const MAX_FEED_BYTES = 4 * 1024 * 1024;
const KEEP_ALIVE_MS = 15_000;

/** One reader of server-sent events: bounded, told what it missed, never waited for. */
export class EventFeed {
  readonly #response: ServerResponse;
  readonly #alive: NodeJS.Timeout;
  #missed = 0;
  #after = 0;
  #closed = false;

  constructor(response: ServerResponse) {
    this.#response = response;
    response.writeHead(200, {
      'content-type': 'text/event-stream',
      'cache-control': 'no-store',
      connection: 'keep-alive',
      'x-content-type-options': 'nosniff',
    });
    response.flushHeaders();
    this.#alive = setInterval(() => this.#write(': alive\n\n'), KEEP_ALIVE_MS);
    response.on('close', () => {
      this.end();
    });
    response.on('drain', () => {
      this.#catchUp();
    });
  }

  /** It missed something and has not been told yet. */
  get behind(): boolean {
    return this.#missed > 0;
  }

  /** The last seq before what it missed; telling it again from there makes it whole. Calling this ends the missing. */
  get missedAfter(): number {
    return this.#after;
  }

  /** What was missed is sent again by the caller. */
  forgive(): void {
    this.#missed = 0;
  }

  get closed(): boolean {
    return this.#closed;
  }

  /** Sends events; `text` is whole `event:`/`data:` blocks, `count` how many entries are in it, `after` the seq before the first of them. False: dropped, the reader is told. */
  send(text: string, count: number, after: number): boolean {
    if (this.#closed) return false;
    if (this.#missed > 0 || this.#response.writableLength > MAX_FEED_BYTES) {
      if (this.#missed === 0 && count > 0) this.#after = after;
      this.#missed += count;
      return false;
    }
    this.#write(text);
    return true;
  }

  /** Waits until the reader has room. Rejects nothing: a closed feed has room. */
  room(): Promise<void> {
    if (this.#closed || !this.#response.writableNeedDrain) return Promise.resolve();
    return new Promise((resolve) => {
      const done = (): void => {
        this.#response.off('drain', done);
        this.#response.off('close', done);
        resolve();
      };
      this.#response.on('drain', done);
      this.#response.on('close', done);
    });
  }

  /** Ends the stream. */
  end(): void {
    if (this.#closed) return;
    this.#closed = true;
    clearInterval(this.#alive);
    this.#response.end();
  }

  #catchUp(): void {
    if (this.#missed === 0 || this.#closed) return;
    const text = eventBlock('resync', { after: this.#after, missed: this.#missed });
    this.#missed = 0;
    this.#write(text);
  }

  #write(text: string): void {
    if (!this.#closed) this.#response.write(text);
  }
}

/** One server-sent event. */
export function eventBlock(event: string, data: unknown, id?: number): string {
  return `${id === undefined ? '' : `id: ${String(id)}\n`}event: ${event}\ndata: ${JSON.stringify(data)}\n\n`;
}

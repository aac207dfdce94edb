/**
 * The one door to the Docker Engine's HTTP API. Every call is dialled through dockerode's modem with a deadline and a signal, on a
 * connection of its own that is closed when the call ends: an aborted call leaves no socket behind.
 *
 * The modem is used for its transport only. Bodies are read here, because the modem never calls back when the engine dies in the middle
 * of an answer; and requests are written here, because dockerode's createContainer repeats the whole body in the URL.
 */
import { IncomingMessage } from 'node:http';
import { Socket } from 'node:net';
import { addAbortSignal, finished, Readable } from 'node:stream';
import { z } from 'zod';
import { FilareError } from '../../contract/errors.js';
import type { Endpoint } from './connect.js';
import { refusal, socketFailure } from './errors.js';
import type { CallSite } from './errors.js';
import { withLimit } from './limit.js';
import type { Limit } from './limit.js';
import { EVERY_STATUS, openModem } from './modem.js';
import type { Modem } from './modem.js';

/** One request. `path` is encoded already; `what` says it to people ("start container x"). */
export interface Call extends Limit {
  readonly what: string;
  readonly method: 'GET' | 'POST' | 'DELETE';
  readonly path: string;
  readonly query?: Readonly<Record<string, string>>;
  readonly body?: object;
  /** A tar to send; destroyed when the call ends. */
  readonly upload?: NodeJS.ReadableStream;
}

/** Longest answer that is read into memory. */
const MAX_ANSWER_BYTES = 64 * 1024 * 1024;
const FIRST_REFUSAL_STATUS = 400;

/** Calls to one engine. */
export class Caller {
  readonly endpoint: string;
  readonly #modem: Modem;

  constructor(endpoint: Endpoint) {
    this.endpoint = endpoint.address;
    this.#modem = openModem(endpoint);
  }

  /** Where a call stands, for messages. */
  site(what: string): CallSite {
    return { what, endpoint: this.endpoint };
  }

  /** Sends the call and hands its answer, once the status is below 400, to `read`. The connection is closed afterwards. */
  async exchange<T>(call: Call, read: (answer: IncomingMessage) => Promise<T>): Promise<T> {
    return withLimit(this.site(call.what), call, async (signal) => {
      let answer: IncomingMessage | undefined;
      try {
        answer = await this.#answer(call, signal);
        addAbortSignal(signal, answer);
        return await read(answer);
      } finally {
        answer?.destroy();
        if (call.upload instanceof Readable) call.upload.destroy();
      }
    });
  }

  /** The call's JSON answer, checked against `schema`. */
  async json<T>(call: Call, schema: z.ZodType<T>): Promise<T> {
    return this.exchange(call, async (answer) => this.#parse(await this.text(answer, call.what), schema, call.what));
  }

  /** For calls whose answer says nothing but that it is done. */
  async done(call: Call): Promise<void> {
    await this.exchange(call, (answer) => this.text(answer, call.what));
  }

  /** An answer that goes on: resolves with its head within the limits; afterwards only the call's signal ends it. The caller destroys it. */
  async stream(call: Call): Promise<IncomingMessage> {
    const answer = await withLimit(this.site(call.what), call, (signal) => this.#answer(call, signal));
    if (call.signal) addAbortSignal(call.signal, answer);
    return answer;
  }

  /** Turns the connection into a plain byte stream both ways; limits as for {@link stream}. The caller destroys it. */
  async upgrade(call: Call): Promise<Socket> {
    const socket = await withLimit(this.site(call.what), call, async (signal) => {
      const dialled = await this.#dial(call, signal, true);
      if (dialled instanceof Socket) {
        // The request's own signal has no hold on the socket once it is upgraded.
        if (signal.aborted) dialled.destroy();
        return dialled;
      }
      try {
        await this.#refuse(dialled, call.what);
      } finally {
        dialled.destroy();
      }
      throw new FilareError({
        code: 'unsupported',
        message: `${call.what}: the engine at ${this.endpoint} does not upgrade the connection`,
        hint: 'use Docker Engine 20.10 or newer',
      });
    });
    if (call.signal) addAbortSignal(call.signal, socket);
    return socket;
  }

  /** The bytes of an answer as they come; a connection that breaks is `engine_unavailable`. */
  async *chunks(answer: Readable, what: string): AsyncGenerator<Buffer, void> {
    try {
      for await (const chunk of answer as AsyncIterable<Buffer>) yield chunk;
    } catch (error) {
      throw socketFailure(error, this.site(what));
    }
  }

  /** The whole answer as text. */
  async text(answer: IncomingMessage, what: string): Promise<string> {
    const parts: Buffer[] = [];
    let size = 0;
    for await (const chunk of this.chunks(answer, what)) {
      size += chunk.length;
      if (size > MAX_ANSWER_BYTES) {
        throw new FilareError({
          code: 'unexpected',
          message: `${what}: the engine's answer is over ${MAX_ANSWER_BYTES} bytes`,
        });
      }
      parts.push(chunk);
    }
    return Buffer.concat(parts).toString('utf8');
  }

  async #answer(call: Call, signal: AbortSignal): Promise<IncomingMessage> {
    const answer = await this.#dial(call, signal, false);
    if (answer instanceof Socket) throw new Error(`${call.what}: upgraded without being asked`);
    await this.#refuse(answer, call.what);
    return answer;
  }

  /** Throws when the answer's status is a refusal; its body carries the engine's words. */
  async #refuse(answer: IncomingMessage, what: string): Promise<void> {
    const status = answer.statusCode ?? 0;
    if (status < FIRST_REFUSAL_STATUS) return;
    try {
      throw refusal(status, refusalWords(await this.text(answer, what)), this.site(what));
    } finally {
      answer.destroy();
    }
  }

  #parse<T>(text: string, schema: z.ZodType<T>, what: string): T {
    let value: unknown;
    try {
      value = JSON.parse(text);
    } catch (error) {
      throw new FilareError({ code: 'unexpected', message: `${what}: the engine's answer is not JSON`, cause: error });
    }
    const parsed = schema.safeParse(value);
    if (parsed.success) return parsed.data;
    throw new FilareError({
      code: 'unexpected',
      message: `${what}: the engine's answer is not understood: ${z.prettifyError(parsed.error)}`,
      cause: parsed.error,
    });
  }

  #dial(call: Call, signal: AbortSignal, hijack: boolean): Promise<IncomingMessage | Socket> {
    const torn = new AbortController();
    return new Promise((resolve, reject) => {
      if (call.upload) {
        // The modem would wait for ever for the end of a tar that was destroyed; its error is the caller's own.
        finished(call.upload, { writable: false }, (error) => {
          if (!error) return;
          reject(error);
          torn.abort();
        });
      }
      this.#modem.dial(
        {
          path: call.query ? `${call.path}?` : call.path,
          method: call.method,
          options: { _query: call.query ?? {}, _body: call.body ?? {} },
          file: call.upload,
          headers: call.upload ? { 'Content-Type': 'application/x-tar' } : {},
          isStream: true,
          hijack,
          abortSignal: AbortSignal.any([signal, torn.signal]),
          statusCodes: EVERY_STATUS,
        },
        (error, answer) => {
          if (answer instanceof IncomingMessage || answer instanceof Socket) resolve(answer);
          else reject(socketFailure(error, this.site(call.what)));
        },
      );
    });
  }
}

const Refusal = z.object({ message: z.string() });

function refusalWords(text: string): string {
  try {
    const parsed = Refusal.safeParse(JSON.parse(text));
    if (parsed.success) return parsed.data.message.trim();
  } catch {
    // Not JSON: a proxy in between, or an engine in trouble. Its text is all there is.
  }
  return text.trim();
}

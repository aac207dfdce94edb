import { close, constants, fstat, open } from 'node:fs';
import { Socket } from 'node:net';
import { promisify } from 'node:util';

import { FilareError } from '../contract/errors.js';
import { asciiLine } from './ascii-line.js';
import { MAX_SEND_BYTES, MAX_UNSENT_BYTES, MAX_UNSENT_LINES } from './channel.js';
import type { ChannelWriter } from './channel.js';

interface WaitingLine {
  readonly text: string;
  readonly resolve: () => void;
  readonly reject: (failure: FilareError) => void;
}

/**
 * The one writer of an attempt's FIFO. Lines go in one at a time, so that a resolved `write` means: this line, whole, is in the pipe.
 *
 * - `write` rejects with `limit_exceeded` when the line or what waits is too much, `ended` after closing or a broken pipe. An `ended` says in
 *   details.in_pipe whether the agent may still get the line: `no`, or `perhaps` for the one that was on its way.
 * - An empty line goes before the first one: it ends what a killed writer left half written. (A line that lacked only its newline is thereby
 *   delivered: ask the agent something harmless first, and look at the journal before sending anything again.)
 * - The kernel forgets what is in a pipe that nobody has open: keep the writer open until the agent has come.
 * - An open writer does not keep the process alive.
 */
export class FifoWriter implements ChannelWriter, AsyncDisposable {
  readonly #path: string;
  readonly #socket: Socket;
  readonly #closed: Promise<void>;
  readonly #lines: WaitingLine[] = [];
  #bytes = 0;
  #isWriting = false;
  #isFresh = true;
  #ending: { readonly message: string; readonly cause?: unknown } | undefined;

  private constructor(path: string, fd: number) {
    this.#path = path;
    this.#socket = new Socket({ fd, readable: false, writable: true });
    this.#closed = new Promise((resolve) => this.#socket.once('close', () => resolve()));
    this.#socket.on('error', (error) =>
      this.#end({ message: `the pipe ${path} broke: ${error.message}`, cause: error }),
    );
  }

  /** Opens the FIFO at `path`, whether or not an agent has it open. `bad_state` when it is missing or no FIFO. */
  static async open(path: string): Promise<FifoWriter> {
    // O_RDWR: with O_WRONLY it fails until the agent is there. The descriptor belongs to the socket from the constructor on.
    const flags = constants.O_RDWR | constants.O_NONBLOCK | constants.O_NOFOLLOW;
    const fd = await promisify(open)(path, flags).catch((error: unknown) => {
      throw notAPipe(path, 'cannot be opened', error);
    });
    try {
      if (!(await promisify(fstat)(fd)).isFIFO()) throw notAPipe(path, 'is no named pipe');
      return new FifoWriter(path, fd);
    } catch (error) {
      await promisify(close)(fd);
      throw error;
    }
  }

  get unsent(): { readonly bytes: number; readonly lines: number } {
    return { bytes: this.#bytes, lines: this.#lines.length };
  }

  async write(line: string): Promise<void> {
    if (line.includes('\n')) throw new Error('a line for the pipe holds a newline');
    if (this.#ending !== undefined) throw this.#ended('no');
    // ASCII is never shorter than the text: spares escaping what is refused anyway.
    if (line.length >= MAX_SEND_BYTES) throw tooLong(line.length);
    const text = `${asciiLine(line)}\n`;
    if (text.length > MAX_SEND_BYTES) throw tooLong(text.length);
    if (this.#bytes + text.length > MAX_UNSENT_BYTES || this.#lines.length >= MAX_UNSENT_LINES) throw this.#full();
    await new Promise<void>((resolve, reject) => {
      this.#lines.push({ text, resolve, reject });
      this.#bytes += text.length;
      this.#pump();
    });
  }

  async close(): Promise<void> {
    this.#end({ message: `the channel to ${this.#path} was closed` });
    await this.#closed;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  #pump(): void {
    const [next] = this.#lines;
    if (next === undefined || this.#isWriting || this.#ending !== undefined) return;
    const text = this.#isFresh ? `\n${next.text}` : next.text;
    this.#isWriting = true;
    this.#isFresh = false;
    this.#socket.write(text, 'latin1', (error) => {
      this.#isWriting = false;
      if (error instanceof Error) {
        this.#end({ message: `the pipe ${this.#path} broke: ${error.message}`, cause: error });
        return;
      }
      if (this.#lines[0] !== next) return;
      this.#lines.shift();
      this.#bytes -= next.text.length;
      next.resolve();
      this.#pump();
    });
  }

  /** The first cause of an ending wins; every line that waits is rejected. */
  #end(ending: { readonly message: string; readonly cause?: unknown }): void {
    if (this.#ending !== undefined) return;
    this.#ending = ending;
    const wasWriting = this.#isWriting;
    const waiting = this.#lines.splice(0);
    this.#bytes = 0;
    waiting.forEach((line, at) => line.reject(this.#ended(at === 0 && wasWriting ? 'perhaps' : 'no')));
    this.#socket.destroy();
  }

  #ended(in_pipe: 'no' | 'perhaps'): FilareError {
    return new FilareError({
      code: 'ended',
      message: this.#ending?.message ?? `the channel to ${this.#path} ended`,
      hint: 'the agent does not run any more, or the daemon stops; the message can be sent to the next attempt',
      details: { in_pipe },
      cause: this.#ending?.cause,
    });
  }

  #full(): FilareError {
    return new FilareError({
      code: 'limit_exceeded',
      message: `the agent does not read its input: ${this.#lines.length} lines (${this.#bytes} bytes) wait for it already`,
      hint: 'restart the agent; it hangs, or it was paused from outside',
      details: { unsent_lines: this.#lines.length, unsent_bytes: this.#bytes },
    });
  }
}

function tooLong(bytes: number): FilareError {
  return new FilareError({
    code: 'limit_exceeded',
    message: `a message of ${bytes} bytes is too long; ${MAX_SEND_BYTES} bytes are the most that can be sent`,
    hint: 'put the text into a file of the workspace and name that file in the message',
    details: { bytes, max_bytes: MAX_SEND_BYTES },
  });
}

function notAPipe(path: string, what: string, cause?: unknown): FilareError {
  return new FilareError({
    code: 'bad_state',
    message: `the agent's input ${path} ${what}`,
    hint: 'the attempt cannot be reached any more: restart the agent',
    cause,
  });
}

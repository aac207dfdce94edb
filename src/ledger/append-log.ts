/**
 * Append-only records on disk, one JSON object a line.
 *
 * Contract of the room:
 * - `append` resolves when the record is durable (written and fdatasync'ed); what waits together shares one write and one fdatasync; order is the
 *   order of the calls; no hole: when one fails, all that waits behind it fails too, and a call made after that tries again from there;
 * - after a failure nothing of what was refused stays in the file: it is cut back to its last good size, at the latest before the next write. A failed
 *   fdatasync is never repeated and believed: the file is opened again and the data written again by whoever still wants it;
 * - opening cuts off what a crash left of the last write; damage before that is reported and left in place, never rewritten;
 * - one process writes a log (the project's lock sees to that). Files are 0600.
 * Errors: `no_space` (disk or quota full), `limit_exceeded`, `ended` (closed), `bad_state` (damaged or cut by somebody else), `unexpected`.
 */
import { isUtf8 } from 'node:buffer';

import { ZodError } from 'zod';

import { FilareError } from '../contract/errors.js';
import { FILE_IO, diskFailure, openLogFile } from './log-file.js';
import type { LogHandle, LogIo } from './log-file.js';
import { eachLine } from './log-lines.js';
import type { LogLine } from './log-lines.js';
import { endOfLastRecord } from './torn-tail.js';

/** One record, or what one call appends, may be this long, in bytes; no write is longer. With a record before it, a torn write fits MAX_TAIL_BYTES. */
export const MAX_RECORD_BYTES = 32 * 1024 * 1024;
/** What is shorter is written on this thread: the kernel copies it in less time than another thread takes to wake. In bytes. */
const SMALL_WRITE_BYTES = 64 * 1024;
/** Bytes that may wait to be written. */
export const MAX_WAITING_BYTES = 128 * 1024 * 1024;

/** A line that is no record, with good ones after it. `line` counts from 1 where reading began, `offset` is in bytes. */
export interface LogDamage {
  readonly line: number;
  readonly offset: number;
  readonly reason: string;
}

/** Turns parsed JSON into a record or throws: a zod schema, or a function. */
export type RecordParser<T> = { parse(value: unknown): T } | ((value: unknown) => T);

/** What opening takes. */
export interface OpenOptions {
  readonly signal?: AbortSignal | undefined;
  /** Where reading begins, in bytes: the start of a line, 0 when absent. `bad_state` when the log ends before it. */
  readonly from?: number | undefined;
}

/** A log as it was found. */
export interface OpenedLog<T> {
  readonly log: AppendLog;
  readonly records: T[];
  readonly damage: LogDamage[];
  /** Bytes of an unfinished write that were cut off. */
  readonly cut_bytes: number;
}

interface Waiting {
  readonly bytes: Buffer;
  readonly isSynced: boolean;
  readonly resolve: () => void;
  readonly reject: (failure: FilareError) => void;
}

/** A log that is open for appending. See the top of this file for the contract. */
export class AppendLog implements AsyncDisposable {
  readonly path: string;
  readonly #io: LogIo;
  /** Absent after a failure, until the next write opens it again. */
  #file: LogHandle | undefined;
  #bytes: number;
  readonly #queue: Waiting[] = [];
  #waitingBytes = 0;
  #draining: Promise<void> | undefined;
  #isClosed = false;

  private constructor(path: string, file: LogHandle, bytes: number, io: LogIo) {
    this.path = path;
    this.#file = file;
    this.#bytes = bytes;
    this.#io = io;
  }

  /** Opens or makes the log, repairs its tail, and gives its records back as `parse` makes them; a line that it refuses is damage. */
  static open<T>(
    path: string,
    options: OpenOptions & { readonly parse: RecordParser<T> },
    io?: LogIo,
  ): Promise<OpenedLog<T>>;
  static open(path: string, options?: OpenOptions, io?: LogIo): Promise<OpenedLog<unknown>>;
  static async open(
    path: string,
    options: OpenOptions & { readonly parse?: RecordParser<unknown> } = {},
    io: LogIo = FILE_IO,
  ): Promise<OpenedLog<unknown>> {
    const records: unknown[] = [];
    const damage: LogDamage[] = [];
    let line = 0;
    const visit = ({ bytes, offset }: LogLine) => {
      line += 1;
      const read = readRecord(bytes, options.parse);
      if ('reason' in read) damage.push({ line, offset, reason: read.reason });
      else records.push(read.record);
    };
    return { ...(await AppendLog.openLines(path, visit, options, io)), records, damage };
  }

  /** As `open`, for a log too large to hold: shows its lines to `visit` instead, with one at a time in memory. */
  static async openLines(
    path: string,
    visit: (line: LogLine) => void,
    options: OpenOptions = {},
    io: LogIo = FILE_IO,
  ): Promise<{ readonly log: AppendLog; readonly cut_bytes: number }> {
    options.signal?.throwIfAborted();
    let file: LogHandle | undefined;
    try {
      file = await openLogFile(path, io);
      const { size } = await file.stat();
      const end = await endOfLastRecord(file, size, path);
      const { from = 0 } = options;
      if (end < from) throw tooShort(path, from, end);
      if (end < size) {
        await file.truncate(end);
        await file.datasync();
      }
      await eachLine(file, { from, to: end, signal: options.signal }, (line) => {
        visit(line);
        return 'go on';
      });
      return { log: new AppendLog(path, file, end, io), cut_bytes: size - end };
    } catch (error) {
      await file?.close();
      throw options.signal?.aborted === true ? error : diskFailure(error, path);
    }
  }

  /** Bytes of the file that hold confirmed records. */
  get bytes(): number {
    return this.#bytes;
  }

  /** Resolves when the record is on the disk. */
  async append(record: object): Promise<void> {
    await this.#enqueue(`${JSON.stringify(record)}\n`, true);
  }

  /** Resolves when the lines (JSON objects, without newlines) are written, in one write; a power failure may lose them. For what can be derived again. */
  async appendUnsynced(lines: readonly string[]): Promise<void> {
    if (lines.some((line) => line.includes('\n'))) throw new Error(`a line for ${this.path} holds a newline`);
    if (lines.length > 0) await this.#enqueue(`${lines.join('\n')}\n`, false);
  }

  /** Resolves when everything that was appended, unsynced or not, is on the disk. */
  async flush(): Promise<void> {
    await this.#enqueue('', true);
  }

  /** Waits for what was appended, then closes the file. Later appends are refused with `ended`. Closing twice is harmless. */
  async close(): Promise<void> {
    this.#isClosed = true;
    await this.#draining;
    const file = this.#file;
    this.#file = undefined;
    await file?.close();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  async #enqueue(text: string, isSynced: boolean): Promise<void> {
    if (this.#isClosed) throw new FilareError({ code: 'ended', message: `${this.path} is closed` });
    const bytes = Buffer.from(text);
    if (bytes.length > MAX_RECORD_BYTES || this.#waitingBytes + bytes.length > MAX_WAITING_BYTES) {
      throw new FilareError({
        code: 'limit_exceeded',
        message: `${bytes.length} bytes more cannot wait to be written to ${this.path}: ${this.#waitingBytes} bytes wait already`,
        hint: 'the disk is slower than what is to be recorded; try again later',
      });
    }
    this.#waitingBytes += bytes.length;
    await new Promise<void>((resolve, reject) => {
      this.#queue.push({ bytes, isSynced, resolve, reject });
      this.#draining ??= this.#drain();
    });
  }

  async #drain(): Promise<void> {
    // So that all calls of this turn of the event loop share the first write.
    await Promise.resolve();
    while (this.#queue.length > 0) {
      const batch = this.#takeBatch();
      const failure = await this.#commit(batch).then(
        () => undefined,
        (error: unknown) => diskFailure(error, this.path),
      );
      if (failure !== undefined) {
        await this.#goBack();
        batch.push(...this.#queue.splice(0));
      }
      for (const item of batch) {
        this.#waitingBytes -= item.bytes.length;
        if (failure === undefined) item.resolve();
        else item.reject(failure);
      }
    }
    this.#draining = undefined;
  }

  #takeBatch(): Waiting[] {
    let bytes = 0;
    const beyond = this.#queue.findIndex((item) => (bytes += item.bytes.length) > MAX_RECORD_BYTES);
    return this.#queue.splice(0, beyond === -1 ? this.#queue.length : beyond);
  }

  async #commit(batch: readonly Waiting[]): Promise<void> {
    const file = (this.#file ??= await this.#reopen());
    const bytes = Buffer.concat(batch.map((item) => item.bytes));
    for (let done = 0; done < bytes.length;) {
      const rest = [bytes, done, bytes.length - done, this.#bytes + done] as const;
      const { bytesWritten } = bytes.length < SMALL_WRITE_BYTES ? file.writeNow(...rest) : await file.write(...rest);
      if (bytesWritten === 0) throw new Error('the disk took no bytes');
      done += bytesWritten;
    }
    if (batch.some((item) => item.isSynced)) await file.datasync();
    this.#bytes += bytes.length;
  }

  /** Opens the file after a failure, and cuts off what the failed write may have left. */
  async #reopen(): Promise<LogHandle> {
    const file = await openLogFile(this.path, this.#io);
    try {
      const { size } = await file.stat();
      if (size < this.#bytes) throw tooShort(this.path, this.#bytes, size);
      if (size > this.#bytes) await file.truncate(this.#bytes);
      return file;
    } catch (error) {
      await file.close();
      throw error;
    }
  }

  async #goBack(): Promise<void> {
    const file = this.#file;
    this.#file = undefined;
    // What cannot be cut now is cut when the file is opened again.
    await file?.truncate(this.#bytes).catch(() => undefined);
    await file?.close().catch(() => undefined);
  }
}

function tooShort(path: string, expected: number, found: number): FilareError {
  return new FilareError({
    code: 'bad_state',
    message: `${path} has ${found} bytes; ${expected} were written and confirmed`,
    hint: 'nothing but the daemon may write there; bring back a good copy of the file and restart the daemon',
    details: { expected, found },
  });
}

function readRecord(
  line: Buffer,
  parse: RecordParser<unknown> | undefined,
): { readonly record: unknown } | { readonly reason: string } {
  if (!isUtf8(line)) return { reason: 'not UTF-8' };
  let value: unknown;
  try {
    value = JSON.parse(line.toString('utf8'));
  } catch {
    // The error's own words quote the line, which may hold what does not belong into a message.
    return { reason: 'not JSON' };
  }
  try {
    if (parse === undefined) return { record: value };
    return { record: typeof parse === 'function' ? parse(value) : parse.parse(value) };
  } catch (error) {
    if (error instanceof ZodError) {
      const [issue] = error.issues;
      return { reason: `${issue?.path.join('.') ?? ''}: ${issue?.message ?? 'invalid'}` };
    }
    return { reason: error instanceof Error ? error.message : String(error) };
  }
}

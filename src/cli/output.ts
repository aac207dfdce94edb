/**
 * The one way out of the command line. Contract:
 * - data on standard output, talk on standard error; `-q` silences the talk, never the data or a failure;
 * - whatever is written as text is made safe for a terminal first (agents' output is hostile), and coloured only by us;
 * - JSON is written with every character that a terminal could obey as `\uXXXX`: the same value, harmless;
 * - a reader that goes away (EPIPE) is no failure: what follows is dropped, and `gone` tells those that would write for ever.
 */
import type { Writable } from 'node:stream';
import { sanitize } from '../transcript/sanitize.js';
import { paint, type Span } from './style.js';

/** A stream to write to, as far as it is used. */
export interface Sink extends Writable {
  readonly isTTY?: boolean;
  readonly columns?: number;
  readonly rows?: number;
}

/** What an output is made of. */
export interface OutputOptions {
  readonly stdout: Sink;
  readonly stderr: Sink;
  readonly color_out: boolean;
  readonly color_err: boolean;
  /** Asked at each note, for options are known only after parsing. */
  readonly quiet: () => boolean;
}

/** Size of a terminal that does not say, or says nought. */
const DEFAULT_COLUMNS = 80;
const DEFAULT_ROWS = 24;

/** See the top of this file. */
export class Output {
  readonly #options: OutputOptions;
  readonly #gone = new AbortController();

  constructor(options: OutputOptions) {
    this.#options = options;
    for (const sink of [options.stdout, options.stderr]) {
      sink.on('error', (error: NodeJS.ErrnoException) => {
        if (error.code !== 'EPIPE' && error.code !== 'EIO' && error.code !== 'ERR_STREAM_DESTROYED') throw error;
        if (sink === options.stdout) this.#gone.abort();
      });
    }
  }

  /** Aborted when nobody reads standard output any more. */
  get gone(): AbortSignal {
    return this.#gone.signal;
  }

  /** Standard output is a terminal that can be redrawn. */
  get is_terminal(): boolean {
    return this.#options.stdout.isTTY === true;
  }

  /** Standard error is a terminal that can be redrawn. */
  get talks_to_terminal(): boolean {
    return this.#options.stderr.isTTY === true;
  }

  /** Size of the terminal, in characters. */
  get size(): { readonly columns: number; readonly rows: number } {
    const { stdout, stderr } = this.#options;
    const { columns = 0, rows = 0 } = stdout.isTTY === true ? stdout : stderr;
    return { columns: columns > 0 ? columns : DEFAULT_COLUMNS, rows: rows > 0 ? rows : DEFAULT_ROWS };
  }

  /** One line of data. */
  line(...spans: readonly Span[]): void {
    this.write(`${this.render(spans, 'stdout')}\n`);
  }

  /** One line of talk; nothing with `-q`. */
  note(...spans: readonly Span[]): void {
    if (!this.#options.quiet()) this.complain(...spans);
  }

  /** One line on standard error, also with `-q`: failures. */
  complain(...spans: readonly Span[]): void {
    this.writeError(`${this.render(spans, 'stderr')}\n`);
  }

  /** A value as one JSON document: indented on a terminal, on one line elsewhere. */
  json(value: unknown): void {
    this.write(`${safeJson(value, this.is_terminal ? 2 : 0)}\n`);
  }

  /** A value as one line of NDJSON. */
  jsonLine(value: unknown): void {
    this.write(`${safeJson(value, 0)}\n`);
  }

  /** A value as one line of JSON on standard error. */
  jsonError(value: unknown): void {
    this.writeError(`${safeJson(value, 0)}\n`);
  }

  /** Spans as text that a terminal can be given: every text made safe, then styled where colour is wanted. */
  render(spans: readonly Span[], to: 'stdout' | 'stderr'): string {
    const color = to === 'stdout' ? this.#options.color_out : this.#options.color_err;
    return spans
      .map((span) => {
        if (typeof span === 'string') return sanitize(span);
        const safe = sanitize(span.text);
        return color && safe !== '' ? paint(span.style, safe) : safe;
      })
      .join('');
  }

  /** Text that is safe already, or bytes that were asked for as they are. */
  write(safe: string | Uint8Array): void {
    if (!this.#gone.signal.aborted) this.#options.stdout.write(safe);
  }

  /** As `write`, and answers once the reader took it: back-pressure for what has no end. */
  async writeAll(safe: string | Uint8Array): Promise<void> {
    if (this.#gone.signal.aborted) return;
    await new Promise<void>((done) => this.#options.stdout.write(safe, () => done()));
  }

  /** As `writeAll`, to standard error. */
  async writeErrorAll(bytes: Uint8Array): Promise<void> {
    if (this.#options.stderr.destroyed) return;
    await new Promise<void>((done) => this.#options.stderr.write(bytes, () => done()));
  }

  /** Text that is safe already, to standard error. */
  writeError(safe: string): void {
    if (!this.#options.stderr.destroyed) this.#options.stderr.write(safe);
  }
}

/** Everything that a terminal obeys, or that makes text look other than it is: DEL and C1, soft hyphen, zero-width and bidirectional marks, line separators, tags, variation selectors. */
const UNSAFE_IN_JSON =
  /[\u007f-\u009f\u00ad\u061c\u180e\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb]|\udb40[\udc00-\udfff]/g;

/** JSON of a value in which no character is dangerous to show; parsing it gives the value. */
export function safeJson(value: unknown, indent: number): string {
  return JSON.stringify(value, null, indent).replace(UNSAFE_IN_JSON, (found) =>
    Array.from({ length: found.length }, (_, at) => `\\u${found.charCodeAt(at).toString(16).padStart(4, '0')}`).join(
      '',
    ),
  );
}

import { FilareError } from '../contract/errors.js';

/** One server-sent event. `id` is null where the event had none. */
export interface ServerEvent {
  readonly event: string;
  readonly id: string | null;
  readonly data: string;
}

/** Most characters of one event; a longer one ends the stream with `limit_exceeded`. */
const MAX_EVENT_CHARS = 64 * 1024 * 1024;

/** Takes the text of a stream in pieces of any size and gives the events that are complete. Comments and unknown fields are skipped. */
export class ServerEventParser {
  /** Text of the line that has not ended yet, in the pieces it came in. */
  #rest: string[] = [];
  #rest_chars = 0;
  #event = 'message';
  #id: string | null = null;
  #data: string[] = [];
  #data_chars = 0;

  /** The events that this piece completes, in order. */
  push(text: string): ServerEvent[] {
    const complete: ServerEvent[] = [];
    let start = 0;
    for (let end = text.indexOf('\n'); end !== -1; end = text.indexOf('\n', start)) {
      this.#rest.push(text.slice(start, end));
      const line = this.#rest.join('');
      this.#rest = [];
      this.#rest_chars = 0;
      start = end + 1;
      const event = this.#line(line.endsWith('\r') ? line.slice(0, -1) : line);
      if (event !== undefined) complete.push(event);
    }
    if (start < text.length) {
      this.#rest.push(text.slice(start));
      this.#rest_chars += text.length - start;
      this.#bound(this.#rest_chars);
    }
    return complete;
  }

  #line(line: string): ServerEvent | undefined {
    if (line === '') return this.#dispatch();
    if (line.startsWith(':')) return undefined;
    const colon = line.indexOf(':');
    const field = colon === -1 ? line : line.slice(0, colon);
    const raw = colon === -1 ? '' : line.slice(colon + 1);
    const value = raw.startsWith(' ') ? raw.slice(1) : raw;
    if (field === 'event') this.#event = value;
    else if (field === 'id') this.#id = value;
    else if (field === 'data') {
      this.#data_chars += value.length;
      this.#bound(this.#data_chars);
      this.#data.push(value);
    }
    return undefined;
  }

  #dispatch(): ServerEvent | undefined {
    const event =
      this.#data.length === 0 ? undefined : { event: this.#event, id: this.#id, data: this.#data.join('\n') };
    this.#event = 'message';
    this.#id = null;
    this.#data = [];
    this.#data_chars = 0;
    return event;
  }

  #bound(chars: number): void {
    if (chars > MAX_EVENT_CHARS) {
      throw new FilareError({
        code: 'limit_exceeded',
        message: `an event of the daemon is longer than ${MAX_EVENT_CHARS} characters`,
      });
    }
  }
}

import { once } from 'node:events';
import type { ServerResponse } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import { tokensIn } from './conversation.js';
import type { Pace } from './plan.js';
import type { CallItem } from './tool-call.js';

/** How often a silent answer says that it is still in progress, in milliseconds. */
const KEEP_ALIVE_MS = 10_000;

/** One answer of the Responses API as server-sent events. Nothing is sent, and the status is still free, until the first event. A client
 * that goes away ends every wait with an AbortError. */
export class ResponseStream {
  readonly #http: ServerResponse;
  readonly #signal: AbortSignal;
  readonly #head: Readonly<Record<string, unknown>>;
  readonly #output: unknown[] = [];
  #sequence = 0;
  #started = false;
  #outputCharacters = 0;
  #reasoningCharacters = 0;

  /** `id` names the response, `model` is said back as Codex sent it. */
  constructor(http: ServerResponse, signal: AbortSignal, head: { readonly id: string; readonly model: string }) {
    this.#http = http;
    this.#signal = signal;
    this.#head = { id: head.id, object: 'response', model: head.model };
  }

  /** Whether anything was sent, so that an HTTP status can no longer say that the request failed. */
  get started(): boolean {
    return this.#started;
  }

  /** A message of the agent, streamed. `commentary` goes on working afterwards, `final_answer` ends the turn. */
  async message(id: string, text: string, pace: Pace, phase: 'commentary' | 'final_answer'): Promise<void> {
    const item = { type: 'message', id, role: 'assistant', phase, status: 'in_progress', content: [] as unknown[] };
    const index = await this.#add(item);
    const place = { item_id: id, output_index: index, content_index: 0 };
    await this.#send('response.content_part.added', { ...place, part: textPart('') });
    await this.#deltas('response.output_text.delta', place, text, pace);
    await this.#send('response.output_text.done', { ...place, text });
    await this.#send('response.content_part.done', { ...place, part: textPart(text) });
    this.#outputCharacters += text.length;
    await this.#done(index, { ...item, status: 'completed', content: [textPart(text)] });
  }

  /** The beginning of a message that never ends: the caller cuts the connection after it. */
  async brokenMessage(id: string, text: string, pace: Pace): Promise<void> {
    const index = await this.#add({ type: 'message', id, role: 'assistant', status: 'in_progress', content: [] });
    await this.#deltas(
      'response.output_text.delta',
      { item_id: id, output_index: index, content_index: 0 },
      text,
      pace,
    );
  }

  /** A summary of reasoning, streamed. */
  async reasoning(id: string, text: string, pace: Pace): Promise<void> {
    const item = { type: 'reasoning', id, summary: [] as unknown[] };
    const index = await this.#add(item);
    const place = { item_id: id, output_index: index, summary_index: 0 };
    const part = { type: 'summary_text', text };
    await this.#send('response.reasoning_summary_part.added', { ...place, part: { ...part, text: '' } });
    await this.#deltas('response.reasoning_summary_text.delta', place, text, pace);
    await this.#send('response.reasoning_summary_text.done', { ...place, text });
    this.#outputCharacters += text.length;
    this.#reasoningCharacters += text.length;
    await this.#done(index, { ...item, summary: [part] });
  }

  /** A tool call. */
  async call(item: CallItem): Promise<void> {
    const index = await this.#add(item.type === 'function_call' ? { ...item, arguments: '' } : { ...item, input: '' });
    this.#outputCharacters += item.name.length + (item.type === 'function_call' ? item.arguments : item.input).length;
    await this.#done(index, { ...item, status: 'completed' });
  }

  /** Lets time pass while the client sees that the answer goes on. */
  async wait(ms: number): Promise<void> {
    await this.#start();
    for (let left = ms; left > 0; left -= KEEP_ALIVE_MS) {
      await sleep(Math.min(left, KEEP_ALIVE_MS), undefined, { signal: this.#signal });
      await this.#send('response.in_progress', { response: { ...this.#head, status: 'in_progress' } });
    }
  }

  /** Lets time pass in silence. `null` waits until the client goes away. */
  async silence(ms: number | null): Promise<void> {
    if (ms !== null) await sleep(ms, undefined, { signal: this.#signal });
    else if (!this.#signal.aborted) await once(this.#signal, 'abort');
    this.#signal.throwIfAborted();
  }

  /** Ends the answer as complete, with the usage that its texts add up to. */
  async complete(tokens: { readonly input: number; readonly cached: number }): Promise<void> {
    const output = tokensIn(this.#outputCharacters);
    const usage = {
      input_tokens: tokens.input,
      input_tokens_details: { cached_tokens: tokens.cached },
      output_tokens: output,
      output_tokens_details: { reasoning_tokens: tokensIn(this.#reasoningCharacters) },
      total_tokens: tokens.input + output,
    };
    await this.#send('response.completed', {
      response: { ...this.#head, status: 'completed', output: this.#output, usage },
    });
    this.#http.end();
  }

  /** Ends the answer as failed: as the status while it is free, else as an event, which has no place for `retryAfterMs`. */
  async fail(status: number, message: string, retryAfterMs?: number): Promise<void> {
    const code = status === 429 ? 'rate_limit_exceeded' : status < 500 ? 'invalid_prompt' : 'server_error';
    if (!this.#started) {
      if (retryAfterMs !== undefined) this.#http.setHeader('retry-after', Math.ceil(retryAfterMs / 1000));
      sendJson(this.#http, status, { error: { message, type: code, code } });
      return;
    }
    await this.#send('response.failed', { response: { ...this.#head, status: 'failed', error: { code, message } } });
    this.#http.end();
  }

  /** Breaks the connection after what was said so far has left. */
  async cut(): Promise<void> {
    await this.#start();
    await new Promise<void>((resolve) => this.#http.write('', () => resolve()));
    this.#http.destroy();
  }

  async #add(item: unknown): Promise<number> {
    const index = this.#output.push(item) - 1;
    await this.#send('response.output_item.added', { output_index: index, item });
    return index;
  }

  async #done(index: number, item: unknown): Promise<void> {
    this.#output[index] = item;
    await this.#send('response.output_item.done', { output_index: index, item });
  }

  async #deltas(type: string, place: Readonly<Record<string, unknown>>, text: string, pace: Pace): Promise<void> {
    const characters = Array.from(text);
    for (let from = 0; from < characters.length; from += pace.chunk) {
      if (from > 0 && pace.delay_ms > 0) await sleep(pace.delay_ms, undefined, { signal: this.#signal });
      await this.#send(type, { ...place, delta: characters.slice(from, from + pace.chunk).join('') });
    }
  }

  async #start(): Promise<void> {
    if (this.#started) return;
    this.#started = true;
    this.#http.writeHead(200, { 'content-type': 'text/event-stream', 'cache-control': 'no-cache' });
    const response = { ...this.#head, status: 'in_progress' };
    await this.#event('response.created', { response });
    await this.#event('response.in_progress', { response });
  }

  async #send(type: string, body: Readonly<Record<string, unknown>>): Promise<void> {
    await this.#start();
    await this.#event(type, body);
  }

  async #event(type: string, body: Readonly<Record<string, unknown>>): Promise<void> {
    this.#signal.throwIfAborted();
    const data = JSON.stringify({ type, sequence_number: this.#sequence++, ...body });
    if (!this.#http.write(`event: ${type}\ndata: ${data}\n\n`))
      await once(this.#http, 'drain', { signal: this.#signal });
  }
}

/** Answers with JSON and ends. */
export function sendJson(http: ServerResponse, status: number, body: unknown): void {
  const bytes = Buffer.from(`${JSON.stringify(body)}\n`);
  http.writeHead(status, { 'content-type': 'application/json', 'content-length': bytes.length });
  http.end(bytes);
}

function textPart(text: string): unknown {
  return { type: 'output_text', text, annotations: [] };
}

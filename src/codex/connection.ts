import type { ChannelWriter } from '../channel/channel.js';
import type { AgentEvent } from '../contract/agent-event.js';
import { FilareError } from '../contract/errors.js';
import { DEADLINES_MS, RESULTS, type ClientMethod, type ClientMethods, type ClientResult } from './protocol.js';
import { userInput, type OutgoingMessage } from './thread-params.js';

const CLIENT = { name: 'filare-agents', title: null, version: '0.1.0' };

/** What a request may be given beside its parameters. */
export interface RequestOptions {
  /** Milliseconds; that of DEADLINES_MS when absent. */
  readonly deadline_ms?: number;
  readonly signal?: AbortSignal;
}

/** What came in that nothing waited for. */
export interface StrayResponses {
  /** Ids that were never ours: another hold's, or made up. */
  readonly unknown: number;
  /** Ids of ours that were answered, or given up, before. */
  readonly late: number;
}

interface Pending {
  readonly settle: (event: ResponseEvent) => void;
  readonly fail: (cause: Error) => void;
}
type ResponseEvent = Extract<AgentEvent, { type: 'response' }>;

/**
 * Requests and answers over one channel. Answers arrive through `take`, which the reader of the journal feeds. Ids are
 * `<id_prefix>-<n>`: the prefix must be unique per hold on the attempt, so that an answer to a request of an earlier daemon is nobody's.
 */
export class CodexConnection {
  readonly #writer: ChannelWriter;
  readonly #prefix: string;
  readonly #pending = new Map<string, Pending>();
  #count = 0;
  #unknown = 0;
  #late = 0;
  #closed: Error | null = null;

  constructor(options: { readonly writer: ChannelWriter; readonly id_prefix: string }) {
    this.#writer = options.writer;
    this.#prefix = `${options.id_prefix}-`;
  }

  /** Responses that nothing waited for, so far. */
  get stray(): StrayResponses {
    return { unknown: this.#unknown, late: this.#late };
  }

  /** Greets a fresh app-server: `initialize`, then `initialized`. Once per process of Codex. */
  async initialize(options: RequestOptions = {}): Promise<ClientResult<'initialize'>> {
    const capabilities = { experimentalApi: true, requestAttestation: false };
    const result = await this.request('initialize', { clientInfo: CLIENT, capabilities }, options);
    await this.notify('initialized');
    return result;
  }

  /** Begins a turn with a message; its id comes back in `message_shown`. While a turn runs Codex would merge it without a word: use `steerTurn`. */
  async startTurn(
    thread_id: string,
    message: OutgoingMessage,
    options: RequestOptions = {},
  ): Promise<ClientResult<'turn/start'>> {
    return await this.request(
      'turn/start',
      { threadId: thread_id, clientUserMessageId: message.message_id, input: userInput(message) },
      options,
    );
  }

  /** Adds a message to the running turn; refused by Codex when another turn, or none, runs. */
  async steerTurn(
    thread_id: string,
    turn_id: string,
    message: OutgoingMessage,
    options: RequestOptions = {},
  ): Promise<ClientResult<'turn/steer'>> {
    const params = {
      threadId: thread_id,
      expectedTurnId: turn_id,
      clientUserMessageId: message.message_id,
      input: userInput(message),
    };
    return await this.request('turn/steer', params, options);
  }

  /**
   * Sends a request and resolves with the parsed answer. Rejects with `bad_state` when Codex refuses, `timeout` at the deadline,
   * `version_mismatch` when the answer is not what this version reads, the signal's reason, the write's failure, or the cause of closing.
   */
  async request<M extends ClientMethod>(
    method: M,
    params: ClientMethods[M]['params'],
    options: RequestOptions = {},
  ): Promise<ClientResult<M>> {
    if (this.#closed !== null) throw this.#closed;
    options.signal?.throwIfAborted();
    const id = `${this.#prefix}${(this.#count += 1)}`;
    const event = await this.#roundTrip(id, method, params, options);
    if (event.error !== undefined) {
      throw new FilareError({
        code: 'bad_state',
        message: `Codex refused ${method}: ${event.error.message}`,
        details: { method, codex_code: event.error.code },
      });
    }
    const parsed = RESULTS[method].safeParse(event.result);
    if (parsed.success) return parsed.data as ClientResult<M>;
    throw new FilareError({
      code: 'version_mismatch',
      message: `Codex answered ${method} in a way that this version does not read: ${parsed.error.message}`,
      hint: 'rebuild the image with the pinned Codex: filare-agents image build',
    });
  }

  /** Sends a notification. */
  async notify(method: 'initialized'): Promise<void> {
    await this.#write({ method });
  }

  /** Asks for somebody else, under an id that they gave; the answer is theirs to find in the journal. */
  async pass(id: string, method: string, params: Readonly<Record<string, unknown>>): Promise<void> {
    await this.#write({ id, method, params });
  }

  /** Answers a request of Codex. Answering twice is harmless: Codex takes the first. */
  async respond(request_id: string | number, result: unknown): Promise<void> {
    await this.#write({ id: request_id, result });
  }

  /** Answers a request of Codex with a JSON-RPC error. */
  async respondError(
    request_id: string | number,
    error: { readonly code: number; readonly message: string },
  ): Promise<void> {
    await this.#write({ id: request_id, error });
  }

  /** Takes in a response from the journal; one that nothing waits for is counted and otherwise ignored. */
  take(event: ResponseEvent): void {
    const id = String(event.id);
    const pending = this.#pending.get(id);
    if (pending !== undefined) pending.settle(event);
    else if (id.startsWith(this.#prefix)) this.#late += 1;
    else this.#unknown += 1;
  }

  /** Rejects everything that waits, and all that comes later, with the cause. The first cause stays. */
  close(cause: Error): void {
    this.#closed ??= cause;
    for (const pending of [...this.#pending.values()]) pending.fail(this.#closed);
  }

  #roundTrip(id: string, method: ClientMethod, params: unknown, options: RequestOptions): Promise<ResponseEvent> {
    const deadline_ms = options.deadline_ms ?? DEADLINES_MS[method];
    return new Promise((resolve, reject) => {
      const finish = (): void => {
        clearTimeout(timer);
        options.signal?.removeEventListener('abort', onAbort);
        this.#pending.delete(id);
      };
      const fail = (cause: Error): void => {
        finish();
        reject(cause);
      };
      const onAbort = (): void => {
        const reason: unknown = options.signal?.reason;
        fail(
          reason instanceof Error
            ? reason
            : new FilareError({ code: 'interrupted', message: `waiting for ${method} was given up` }),
        );
      };
      const timer = setTimeout(() => {
        fail(
          new FilareError({
            code: 'timeout',
            message: `Codex did not answer ${method} within ${deadline_ms / 1000} s`,
          }),
        );
      }, deadline_ms);
      options.signal?.addEventListener('abort', onAbort, { once: true });
      this.#pending.set(id, {
        fail,
        settle: (event) => {
          finish();
          resolve(event);
        },
      });
      this.#write({ id, method, params }).catch((cause: unknown) => {
        fail(cause instanceof Error ? cause : new Error(String(cause)));
      });
    });
  }

  async #write(message: unknown): Promise<void> {
    if (this.#closed !== null) throw this.#closed;
    await this.#writer.write(asciiJson(message));
  }
}

/** JSON in ASCII only: half a character in a pipe that a killed daemon leaves behind would end app-server. */
function asciiJson(value: unknown): string {
  return JSON.stringify(value).replaceAll(
    /[\u007f-\uffff]/g,
    (char) => `\\u${char.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
}

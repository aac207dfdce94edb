import type { JournalLine } from '../channel/channel.js';
import { isShownToClients, readClientAnswer } from '../codex/client-answer.js';
import { readClientLine, type ClientLine } from '../codex/client-line.js';
import { readClientRequest, type ClientAction } from '../codex/client-request.js';
import { clientWarning, shownNotification, shownRequest, turnStarted, turnSteered } from '../codex/client-view.js';
import { isRecord } from '../codex/fields.js';
import { parseLine } from '../codex/parse-line.js';
import { asFilareError, unreachable } from '../contract/errors.js';
import { asksPerson } from '../session/next-prompt.js';
import type { Session } from '../session/session.js';

/** Who decides and writes in an attached terminal, as records say. */
export const BY_ATTACH = 'operator (attach)';
/** How long Codex may take over a question of a client, in milliseconds. */
export const PASS_MS = 60_000;
/** Questions of one client that may wait for Codex at once. */
export const MAX_PASSED = 128;
const INTERRUPT_MS = 30_000;
/** From the range that JSON-RPC leaves to servers. */
const REFUSED = -32_000;

type Fields = Readonly<Record<string, unknown>>;
type RequestLine = Extract<ClientLine, { kind: 'request' }>;

/** What a client needs of the session that it is attached to. */
export type AttachedSession = Pick<Session, 'state' | 'decide' | 'send' | 'interrupt' | 'pass'>;

/** What a client works with. */
export interface RelayClientContext {
  readonly session: AttachedSession;
  readonly thread_id: string;
  /** Unique among all that asks this Codex. */
  readonly id_prefix: string;
  /** Sends a message to the client. */
  readonly say: (message: unknown) => void;
  /** Told of what was refused, in a sentence. */
  readonly refused: (message: string) => void;
  /** Ends with the attachment. */
  readonly signal: AbortSignal;
}

interface Passed {
  readonly client_id: string | number;
  readonly method: string;
  readonly timer: NodeJS.Timeout;
}

interface Shown {
  readonly prompt_id: string;
  readonly revision: string;
  readonly params: Fields;
}

/**
 * One terminal interface of Codex that is attached to a session's thread. What it asks to read goes to Codex under an id of ours; what it decides, says
 * or interrupts becomes a decision, message or interrupt of the session, as if the operator had used a command; all else is refused
 * (codex/client-request.ts). It hears what stands in the journal, and only what the session has taken in. Nothing that it sends throws.
 */
export class RelayClient {
  readonly #context: RelayClientContext;
  readonly #passed = new Map<string, Passed>();
  readonly #shown = new Map<string | number, Shown>();
  #settings: Fields | null = null;
  #count = 0;

  constructor(context: RelayClientContext) {
    this.#context = context;
  }

  /** Takes in what the client sent. */
  takeText(text: string): void {
    const line = readClientLine(text);
    switch (line.kind) {
      case 'request':
        this.#takeRequest(line);
        return;
      case 'answer':
        void this.#takeAnswer(line.id, line.result);
        return;
      // All that it tells us is that it has been greeted.
      case 'notification':
      case 'garbage':
        return;
      default:
        unreachable(line);
    }
  }

  /** Takes in a line of the journal that the session has taken in before. */
  takeLine(line: JournalLine): void {
    const { thread_id, say } = this.#context;
    const message = parseLine(line);
    switch (message.kind) {
      case 'notification': {
        if (message.method === 'serverRequest/resolved') this.#forget(message.params['requestId']);
        const shown = shownNotification(message, thread_id);
        if (shown !== null) say(shown);
        return;
      }
      case 'request':
        this.#ask(message.id, message.params);
        return;
      case 'response':
        this.#answered(message.id, message.result, message.error);
        return;
      case 'blank':
      case 'unparsed':
        return;
      default:
        unreachable(message);
    }
  }

  /** It has gone: nothing waits for it any more. */
  close(): void {
    for (const { timer } of this.#passed.values()) clearTimeout(timer);
    this.#passed.clear();
    this.#shown.clear();
  }

  #takeRequest({ id, method, params }: RequestLine): void {
    const { session, thread_id } = this.#context;
    const agent_id = session.state.agent.id;
    const action = readClientRequest(method, params, { thread_id, agent_id, settings: this.#settings });
    switch (action.do) {
      case 'answer':
        this.#respond(id, action.result);
        return;
      case 'refuse':
        this.#refuse(id, action.message);
        return;
      case 'wave_off':
        this.#respond(id, action.result);
        this.#warn(action.message);
        return;
      case 'pass':
        void this.#pass(id, method, action.params);
        return;
      case 'message':
        void this.#doing(id, () => this.#send(id, action));
        return;
      case 'interrupt':
        void this.#doing(id, async () => {
          const late = AbortSignal.timeout(INTERRUPT_MS);
          await session.interrupt(BY_ATTACH, AbortSignal.any([this.#context.signal, late]));
          this.#respond(id, {});
        });
        return;
      default:
        unreachable(action);
    }
  }

  async #pass(client_id: string | number, method: string, params: Fields): Promise<void> {
    if (this.#passed.size >= MAX_PASSED) {
      this.#refuse(client_id, 'too many questions at once');
      return;
    }
    // It begins anew: Codex will say again what is open, and so do we.
    if (method === 'thread/resume') this.#shown.clear();
    this.#count += 1;
    const id = `${this.#context.id_prefix}-${String(this.#count)}`;
    const timer = setTimeout(() => {
      this.#passed.delete(id);
      this.#refuse(client_id, `Codex did not answer ${method} within ${String(PASS_MS / 1000)} s`);
    }, PASS_MS);
    timer.unref();
    this.#passed.set(id, { client_id, method, timer });
    try {
      await this.#context.session.pass(id, method, params);
    } catch (failure) {
      clearTimeout(timer);
      if (this.#passed.delete(id)) this.#refuse(client_id, asFilareError(failure).message);
    }
  }

  #answered(
    id: string | number,
    result: unknown,
    error: { readonly code: number; readonly message: string } | null,
  ): void {
    const passed = this.#passed.get(String(id));
    if (passed === undefined) return;
    this.#passed.delete(String(id));
    clearTimeout(passed.timer);
    if (passed.method === 'thread/resume' && isRecord(result)) this.#settings = result;
    if (error === null) this.#respond(passed.client_id, result);
    else this.#context.say({ id: passed.client_id, error });
  }

  async #send(id: string | number, { text, key, steers }: Extract<ClientAction, { do: 'message' }>): Promise<void> {
    const { session, signal } = this.#context;
    const { paused, stage, agent } = session.state;
    if (paused !== null) {
      this.#fail(id, `${agent.id} is held by ${paused.by} and takes no messages: filare-agents resume ${agent.id}`);
      return;
    }
    const turn_id = stage.phase === 'running' ? (stage.turn?.turn_id ?? null) : null;
    if (steers !== null && steers !== turn_id) {
      this.#fail(id, 'that turn is over: send it again');
      return;
    }
    const taken = await session.send({
      text,
      images: [],
      mode: steers === null ? 'default' : 'steer',
      from: BY_ATTACH,
      wait_ms: undefined,
      ...(key === null ? {} : { key }),
      signal,
    });
    if (steers !== null) this.#respond(id, turnSteered(steers));
    else if (taken.turn_id !== undefined) this.#respond(id, turnStarted(taken.turn_id));
    else this.#fail(id, `kept as ${taken.message_id}: it goes to ${agent.id} when the running turn has ended`);
  }

  /** Shows a request that waits for a person; one that the policy decides, or that was shown already, is not. */
  #ask(request_id: string | number, params: Fields): void {
    const open = this.#find(request_id);
    if (open === undefined || open.decision !== null || this.#shown.has(request_id)) return;
    if (!isShownToClients(open.request.method) || !asksPerson(open)) return;
    this.#shown.set(request_id, { prompt_id: open.prompt_id, revision: open.revision, params });
    this.#context.say(shownRequest(open.request, params));
  }

  async #takeAnswer(request_id: string | number, result: unknown): Promise<void> {
    const shown = this.#shown.get(request_id);
    const open = this.#find(request_id);
    if (shown === undefined || open === undefined) return;
    const { prompt_id, revision } = shown;
    try {
      const read = readClientAnswer(open.request, result);
      if (read.choice === null) {
        this.#askAgain(request_id, `${read.why}; it is asked again`);
        return;
      }
      const decision = { choice: read.choice, reason: null, by: BY_ATTACH, revision, remember: null };
      await this.#context.session.decide(prompt_id, decision);
      if (read.narrowed)
        this.#warn(
          `approved for this once; "always" is a rule: filare-agents feedback approve ${prompt_id} --for-session`,
        );
    } catch (failure) {
      // An answer that is nested too deep to be written is one of them.
      this.#askAgain(request_id, asFilareError(failure).message);
    }
  }

  /** What it answered was not taken: says why, and asks once more where it is still to be decided. */
  #askAgain(request_id: string | number, why: string): void {
    this.#warn(why);
    const shown = this.#shown.get(request_id);
    const open = this.#find(request_id);
    if (shown !== undefined && open?.decision === null) this.#context.say(shownRequest(open.request, shown.params));
  }

  #find(request_id: string | number) {
    return this.#context.session.state.requests.find((open) => open.request.request_id === request_id);
  }

  #forget(request_id: unknown): void {
    if (typeof request_id === 'string' || typeof request_id === 'number') this.#shown.delete(request_id);
  }

  /** Carries out what answers by itself; its failure is the answer. */
  async #doing(id: string | number, work: () => Promise<void>): Promise<void> {
    try {
      await work();
    } catch (failure) {
      const { message, hint } = asFilareError(failure);
      this.#fail(id, hint === undefined ? message : `${message} (${hint})`);
    }
  }

  #respond(id: string | number, result: unknown): void {
    this.#context.say({ id, result });
  }

  #refuse(id: string | number, message: string): void {
    this.#context.refused(message);
    this.#context.say({ id, error: { code: REFUSED, message } });
  }

  /** As #refuse, and says why: the client shows only that it was refused. */
  #fail(id: string | number, message: string): void {
    this.#refuse(id, message);
    this.#warn(message);
  }

  #warn(message: string): void {
    this.#context.say(clientWarning(this.#context.thread_id, message));
  }
}

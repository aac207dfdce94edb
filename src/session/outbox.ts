import { asFilareError } from '../contract/errors.js';
import type { AttemptLink } from './attempt-link.js';
import { IN_CONTAINER } from './container-request.js';
import type { SessionMemory } from './session-memory.js';
import type { Sight } from './sight.js';
import type { OutboxMessage, SessionState } from './state.js';
import type { SessionSurroundings } from './surroundings.js';

const PROBE_DEADLINE_MS = 30_000;
const MAX_RESENDS = 3;

/** What sending needs of the session. */
export interface OutboxContext {
  readonly around: SessionSurroundings;
  readonly memory: SessionMemory;
  readonly sight: Sight;
  readonly link: () => AttemptLink | null;
  readonly nudge: () => void;
}

/** Puts messages into the agent's pipe, and finds out which of them were taken: only a message that Codex shows was. */
export class Outbox {
  readonly #context: OutboxContext;
  readonly #resends = new Map<string, number>();

  constructor(context: OutboxContext) {
    this.#context = context;
  }

  /** Messages that were sent and are not shown have to be looked up before anything else is sent. */
  lookUpSent(): void {
    this.#context.sight.see({ probed: !this.#state.outbox.some((m) => m.sent) });
  }

  /** Sends a message: begins a turn with it, or steers the one that runs. What Codex says of it comes later. */
  async send(message: OutboxMessage): Promise<void> {
    const { memory } = this.#context;
    const link = this.#context.link();
    const { stage, thread_id } = this.#state;
    if (link === null || thread_id === null || stage.phase !== 'running') return;
    const turn_id = stage.turn?.turn_id ?? null;
    const outgoing = {
      message_id: message.message_id,
      text: message.text,
      images: message.images.map((name) => `${IN_CONTAINER.images}/${name}`),
    };
    await memory.commit({ type: 'sent', message_id: message.message_id, turn_id });
    const taken =
      turn_id === null ? link.codex.startTurn(thread_id, outgoing) : link.codex.steerTurn(thread_id, turn_id, outgoing);
    taken.catch((failure: unknown) => this.#notTaken(message.message_id, turn_id, failure));
  }

  /** Round trip that cannot overtake what lies unread in the pipe: afterwards a message that was neither shown nor accepted by a turn was not taken. */
  async probe(signal: AbortSignal): Promise<void> {
    const link = this.#context.link();
    const { thread_id } = this.#state;
    if (link !== null && thread_id !== null) {
      await link.codex.request(
        'thread/read',
        { threadId: thread_id, includeTurns: false },
        { deadline_ms: PROBE_DEADLINE_MS, signal },
      );
    }
    const { stage } = this.#state;
    // A turn may yet show what it took (it has not begun, or a command keeps it busy): its end asks again.
    const not_shown = stage.phase === 'running' && stage.turn === null ? this.#state.outbox : [];
    const lost = not_shown.filter((m) => m.sent && m.accepted_by === null);
    for (const { message_id } of lost) {
      const resends = (this.#resends.get(message_id) ?? 0) + 1;
      this.#resends.set(message_id, resends);
      const again = resends <= MAX_RESENDS;
      await this.#context.memory.commit({ type: 'not_taken', message_id, reason: 'Codex has not shown it', again });
    }
    this.#context.sight.see({ probed: true });
  }

  #notTaken(message_id: string, turn_id: string | null, failure: unknown): void {
    const { memory, nudge, around } = this.#context;
    const known = asFilareError(failure);
    // When the attempt ends, its end says what becomes of the message.
    if (known.code === 'ended' || !this.#state.outbox.some((m) => m.message_id === message_id)) return;
    if (known.code === 'timeout' || known.code === 'version_mismatch') {
      // No refusal: it may have been taken, and what is sent twice is delivered twice. The journal knows.
      this.lookUpSent();
      nudge();
      return;
    }
    memory
      .commit({ type: 'not_taken', message_id, reason: known.message, again: turn_id !== null })
      .then(nudge)
      .catch((again: unknown) => {
        const { session_id } = this.#state;
        around.log.error({ session_id, err: again }, 'a refused message cannot be written down');
      });
  }

  get #state(): SessionState {
    return this.#context.memory.state;
  }
}

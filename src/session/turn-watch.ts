import type { AgentEvent } from '../contract/agent-event.js';

/** How a turn ended, with its last reply. */
export interface TurnOutcome {
  readonly turn_id: string;
  readonly status: 'completed' | 'interrupted' | 'failed';
  readonly error: string | null;
  readonly reply: string | null;
}

const MAX_REMEMBERED_TURNS = 32;

/** Watches turns go by for those who wait for one: which message a turn took, its last reply, its end. */
export class TurnWatch {
  readonly #turnOfMessage = new Map<string, string>();
  readonly #replies = new Map<string, string>();
  readonly #outcomes = new Map<string, TurnOutcome>();

  /** Takes in what the agent did. */
  take(event: AgentEvent): void {
    if (event.type === 'message_shown' && event.message_id !== null)
      remember(this.#turnOfMessage, event.message_id, event.turn_id);
    if (event.type === 'item_done' && event.item.kind === 'reply')
      remember(this.#replies, event.turn_id, event.item.text);
    if (event.type === 'turn_ended') {
      const { turn_id, status, error } = event;
      remember(this.#outcomes, turn_id, { turn_id, status, error, reply: null });
    }
  }

  /** The turn that took the message, once Codex has shown it. */
  turnOf(message_id: string): string | undefined {
    return this.#turnOfMessage.get(message_id);
  }

  /** How the turn ended, once it has. */
  outcome(turn_id: string): TurnOutcome | undefined {
    const outcome = this.#outcomes.get(turn_id);
    return outcome === undefined ? undefined : { ...outcome, reply: this.#replies.get(turn_id) ?? null };
  }
}

function remember<V>(map: Map<string, V>, key: string, value: V): void {
  map.delete(key);
  map.set(key, value);
  if (map.size <= MAX_REMEMBERED_TURNS * 4) return;
  const oldest = map.keys().next();
  if (oldest.done !== true) map.delete(oldest.value);
}

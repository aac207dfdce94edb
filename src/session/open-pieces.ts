import type { AgentEvent } from '../contract/agent-event.js';
import type { Piece } from '../contract/transcript.js';

/** More text of one open item is not kept, in characters. */
const MAX_OPEN_TEXT = 1024 * 1024;

/** What was shown of items that are not finished, each from its start: for who comes to watch now. */
export class OpenPieces {
  readonly #open: Map<string, Piece>;

  constructor(pieces: readonly Piece[] = []) {
    this.#open = new Map(pieces.map((piece) => [piece.item_id, piece]));
  }

  /** All of them. */
  get all(): readonly Piece[] {
    return [...this.#open.values()];
  }

  /** Takes in new pieces, and lets go of items that the events end. */
  take(pieces: readonly Piece[], events: readonly AgentEvent[]): void {
    for (const piece of pieces) {
      const before = this.#open.get(piece.item_id);
      const text = (before?.text ?? '') + piece.text;
      if (text.length <= MAX_OPEN_TEXT) this.#open.set(piece.item_id, { ...piece, offset: 0, text });
    }
    if (this.#open.size === 0) return;
    for (const event of events) {
      if (event.type === 'item_done') this.#open.delete(event.item.item_id);
      if (event.type === 'turn_ended') this.#open.clear();
    }
  }
}

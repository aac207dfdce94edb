import type { AgentEvent, AgentItem } from '../contract/agent-event.js';
import type { Piece } from '../contract/transcript.js';
import { MAX_ENTRY_TEXT } from './clean-data.js';
import type { Masker, StreamMask } from './mask.js';

interface OpenItem {
  readonly turn_id: string;
  /** As it began; null where only pieces of it were seen. */
  item: AgentItem | null;
  readonly kind: Piece['kind'] | null;
  readonly mask: StreamMask;
  /** Text shown so far, masked. */
  shown: string;
}

/** An open item, as it can be stored. */
export interface OpenItemSnapshot {
  readonly item_id: string;
  readonly turn_id: string;
  readonly item: AgentItem | null;
  readonly kind: Piece['kind'] | null;
  readonly held: string;
  readonly shown: string;
}

/** More items than this at once are no agent's work: the oldest are let go. */
const MAX_OPEN_ITEMS = 1000;

/** Items that have begun and not ended: their pieces as they may be shown, and what is left of them when their end never comes. */
export class OpenItems {
  readonly #masker: Masker;
  readonly #open = new Map<string, OpenItem>();

  constructor(masker: Masker) {
    this.#masker = masker;
  }

  /** The open items, to be stored; `held` is unmasked. */
  snapshot(): readonly OpenItemSnapshot[] {
    return [...this.#open].map(([item_id, { turn_id, item, kind, mask, shown }]) => {
      return { item_id, turn_id, item, kind, held: mask.held, shown };
    });
  }

  /** Goes on with items that were stored. */
  restore(stored: readonly OpenItemSnapshot[]): void {
    for (const { item_id, held, ...open } of stored)
      this.#open.set(item_id, { ...open, mask: this.#masker.stream(held) });
  }

  /** An item began. */
  begin(item: AgentItem, turn_id: string): void {
    const open = this.#open.get(item.item_id);
    if (open === undefined)
      this.#remember(item.item_id, { turn_id, item, kind: null, mask: this.#masker.stream(), shown: '' });
    else open.item = item;
  }

  /** A piece of an item came: what may be shown of it now; null when that is nothing. */
  grow(session_id: string, event: Extract<AgentEvent, { type: 'item_piece' }>): Piece | null {
    const { item_id, kind, turn_id } = event;
    let open = this.#open.get(item_id);
    if (open === undefined) {
      open = { turn_id, item: null, kind, mask: this.#masker.stream(), shown: '' };
      this.#remember(item_id, open);
    }
    const offset = open.shown.length;
    if (offset > MAX_ENTRY_TEXT) return null;
    const text = open.mask.push(event.text);
    open.shown += text;
    return text === '' ? null : { session_id, item_id, kind, offset, text };
  }

  /** An item ended; its entry says all of it. */
  end(item_id: string): void {
    this.#open.delete(item_id);
  }

  /** Ends all: what was said or done of each without its end, in the order they began. A killed command is in no history but ours. */
  abandon(): readonly { readonly item: AgentItem; readonly turn_id: string }[] {
    if (this.#open.size === 0) return [];
    const left = [...this.#open].flatMap(([item_id, open]) => {
      const item = unfinished(item_id, open);
      return item === null ? [] : [{ item, turn_id: open.turn_id }];
    });
    this.#open.clear();
    return left;
  }

  #remember(item_id: string, open: OpenItem): void {
    const oldest = this.#open.size < MAX_OPEN_ITEMS ? undefined : this.#open.keys().next().value;
    if (oldest !== undefined) this.#open.delete(oldest);
    this.#open.set(item_id, open);
  }
}

function unfinished(item_id: string, open: OpenItem): AgentItem | null {
  const text = open.shown + open.mask.end();
  const { item } = open;
  if (item === null) return open.kind === null || text === '' ? null : { item_id, kind: open.kind, text, data: {} };
  if (item.kind === 'command') return { ...item, data: { ...item.data, output: text } };
  const said = text === '' ? item.text : text;
  return said === '' ? null : { ...item, text: said };
}

import type { AgentEvent, AgentItem } from '../contract/agent-event.js';
import { withItem } from '../codex/request.js';

/** File changes of the running turn: an approval of one names its item, and the changes were said when that item began. */
export class FileChanges {
  readonly #items: Map<string, AgentItem>;

  constructor(items: readonly AgentItem[] = []) {
    this.#items = new Map(items.map((item) => [item.item_id, item]));
  }

  /** All of them. */
  get all(): readonly AgentItem[] {
    return [...this.#items.values()];
  }

  /** The event, completed by what is known of the item it names. */
  complete(event: AgentEvent): AgentEvent {
    if (event.type === 'item_started' && event.item.kind === 'file_change')
      this.#items.set(event.item.item_id, event.item);
    if (event.type === 'turn_ended') this.#items.clear();
    if (event.type !== 'request' || event.request.item_id === null) return event;
    const item = this.#items.get(event.request.item_id);
    return item === undefined ? event : { ...event, request: withItem(event.request, item) };
  }
}

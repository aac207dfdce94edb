/**
 * A subscriber in a process of its own: follows every session of a project through the library, counts what comes, and holds it against itself:
 * the pieces of an item must make up what its entry says. Told by its parent how many entries to wait for; says when it has them.
 */
import { Fleet } from '../src/client/fleet.js';
import type { TailEvent } from '../src/client/session-tail.js';
import { OUTPUT_PIECE_CHARS, TEXT_PIECE_CHARS } from './journal-mix.js';
import { askSchema, type Counted } from './subscriber-words.js';

class Follower {
  pieces = 0;
  entries = 0;
  events = 0;
  /** Items whose pieces are not what their entry says, and entries out of order. */
  wrong = 0;
  last_ms = 0;
  #seq = 0;
  readonly #open = new Map<string, string>();

  take(event: TailEvent): void {
    this.events += 1;
    if (event.type === 'piece') {
      const { item_id, kind, offset, text } = event.piece;
      const before = this.#open.get(item_id) ?? '';
      if (offset === before.length)
        this.pieces += text.length / (kind === 'command' ? OUTPUT_PIECE_CHARS : TEXT_PIECE_CHARS);
      this.#open.set(item_id, before + text);
    }
    if (event.type !== 'entry') return;
    const { entry } = event;
    if (this.#seq !== 0 && entry.seq !== this.#seq + 1) this.wrong += 1;
    this.#seq = entry.seq;
    this.entries += 1;
    this.last_ms = performance.timeOrigin + performance.now();
    const item_id = entry.data?.['item_id'];
    if (typeof item_id !== 'string') return;
    const streamed = this.#open.get(item_id);
    this.#open.delete(item_id);
    if (streamed === undefined || entry.kind === 'reasoning') return;
    const whole = entry.kind === 'command' ? entry.data?.['output'] : entry.text;
    if (typeof whole !== 'string' || !whole.startsWith(streamed)) this.wrong += 1;
  }
}

const [root = '', ...ids] = process.argv.slice(2);
const fleet = await Fleet.open({ project: root, start_daemon: false });
const followers = new Map(ids.map((id) => [id, new Follower()]));
let wanted = 0;

process.on('message', (message) => {
  wanted = askSchema.parse(message).entries_each;
  for (const one of followers.values()) Object.assign(one, { pieces: 0, entries: 0, events: 0, wrong: 0 });
});
process.on('disconnect', () => process.exit());

let ready = 0;
await Promise.all([...followers].map(([id, follower]) => follow(id, follower)));

async function follow(id: string, follower: Follower): Promise<void> {
  let is_first = true;
  for await (const event of fleet.tail(id, { last: 0, follow: true })) {
    if (is_first) {
      is_first = false;
      ready += 1;
      if (ready === followers.size) process.send?.({ ready: true });
      continue;
    }
    follower.take(event);
    if (event.type === 'entry' && wanted > 0 && follower.entries === wanted) tellWhenAll();
  }
}

function tellWhenAll(): void {
  const all = [...followers.values()];
  if (!all.every((one) => one.entries >= wanted)) return;
  wanted = 0;
  const sum = (of: (one: Follower) => number): number => all.reduce((total, one) => total + of(one), 0);
  process.send?.({
    pieces: sum((one) => one.pieces),
    entries: sum((one) => one.entries),
    events: sum((one) => one.events),
    wrong: sum((one) => one.wrong),
    at_ms: Math.max(...all.map((one) => one.last_ms)),
  } satisfies Counted);
}

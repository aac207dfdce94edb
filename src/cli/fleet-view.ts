import { setTimeout as sleep } from 'node:timers/promises';
import type { Fleet } from '../client/fleet.js';
import type { FleetEvent } from '../client/fleet-watch.js';
import { DaemonUnreachable } from '../client/http-request.js';
import type { SessionRow } from '../contract/session.js';

/** One change of a view: the row that changed, `all` when every row was read anew, `lost` when the daemon went away (until `all`), `tick` when only time went by. */
export type ViewChange = SessionRow | 'all' | 'lost' | 'tick';

/** How often a daemon that does not answer for long is tried, in milliseconds. */
const RETRY_MS = 2000;

/** When a view ends, and how often it ticks. */
interface ChangesOptions {
  readonly signal: AbortSignal;
  readonly tick_ms: number;
  /** Somebody looks on: a daemon that stays away is waited for, however long. Otherwise that is a failure, as for every stream. */
  readonly patient?: boolean;
}

/** The rows of the fleet as they are now, kept up to date. A row that ended stays in view as it ended. */
export class FleetView {
  readonly #fleet: Fleet;
  readonly #all: boolean;
  readonly #rows = new Map<string, SessionRow>();

  private constructor(fleet: Fleet, all: boolean) {
    this.#fleet = fleet;
    this.#all = all;
  }

  /** A view that begins with what is there; with `all` also sessions that ended before. */
  static async open(fleet: Fleet, all: boolean): Promise<FleetView> {
    const view = new FleetView(fleet, all);
    await view.#readAll();
    return view;
  }

  /** The rows, oldest first. */
  get rows(): SessionRow[] {
    return [...this.#rows.values()].sort(
      (a, b) => a.started_at.localeCompare(b.started_at) || a.session_id.localeCompare(b.session_id),
    );
  }

  /** Every change from now on, `all` first. Ends quietly with the signal; the failure of the stream is thrown. */
  async *changes(options: ChangesOptions): AsyncGenerator<ViewChange, void, undefined> {
    let is_lost = false;
    for (;;) {
      try {
        if (is_lost) await this.#readAll();
        is_lost = false;
        for await (const change of this.#connected(options)) {
          // Once is enough: it is tried again and again.
          if (change === 'lost' && is_lost) continue;
          is_lost = change === 'lost' || (is_lost && change === 'tick');
          yield change;
        }
        return;
      } catch (error) {
        if (options.signal.aborted) return;
        if (options.patient !== true || !(error instanceof DaemonUnreachable)) throw error;
        if (!is_lost) yield 'lost';
        is_lost = true;
        await sleep(RETRY_MS, undefined, { signal: options.signal }).catch(() => undefined);
      }
    }
  }

  async *#connected(options: ChangesOptions): AsyncGenerator<ViewChange, void, undefined> {
    const ending = new AbortController();
    const events = this.#fleet.watch({ signal: AbortSignal.any([options.signal, ending.signal]) });
    const advance = (): ReturnType<typeof events.next> => {
      const next = events.next();
      // It may fail while the consumer is busy; it is awaited then.
      next.catch(() => undefined);
      return next;
    };
    let next = advance();
    try {
      yield 'all';
      for (;;) {
        const got = await orTick(next, options.tick_ms);
        if (got === 'tick') {
          yield 'tick';
          continue;
        }
        if (got.done === true) return;
        next = advance();
        yield* this.#take(got.value);
      }
    } finally {
      ending.abort();
    }
  }

  async *#take(event: FleetEvent): AsyncGenerator<ViewChange, void, undefined> {
    if (event.type === 'lost') yield 'lost';
    if (event.type === 'reconnected') {
      await this.#readAll();
      yield 'all';
    }
    if (event.type !== 'row') return;
    const before = this.#rows.get(event.row.session_id);
    this.#rows.set(event.row.session_id, event.row);
    if (before === undefined || JSON.stringify(before) !== JSON.stringify(event.row)) yield event.row;
  }

  async #readAll(): Promise<void> {
    const rows = await this.#fleet.sessions({ all: this.#all || this.#rows.size > 0 });
    const known = new Set(this.#rows.keys());
    for (const row of rows) {
      if (this.#all || row.ended_at === null || known.size === 0 || known.has(row.session_id)) {
        this.#rows.set(row.session_id, row);
      }
    }
  }
}

/** The next event, or `tick` when it takes longer than `tick_ms`. */
async function orTick<T>(next: Promise<T>, tick_ms: number): Promise<T | 'tick'> {
  let timer: NodeJS.Timeout | undefined;
  const tick = new Promise<'tick'>((settle) => {
    timer = setTimeout(() => settle('tick'), tick_ms);
  });
  try {
    return await Promise.race([next, tick]);
  } finally {
    clearTimeout(timer);
  }
}

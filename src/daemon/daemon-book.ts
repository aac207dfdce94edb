import type { ProjectLedger, ResourceIntent } from '../ledger/project-ledger.js';

/** The daemon's own things in the project's book: its process, its lock, its socket. */
export class DaemonBook {
  readonly #resources: ProjectLedger;
  readonly #entries: string[] = [];

  private constructor(resources: ProjectLedger) {
    this.#resources = resources;
  }

  /** Books this process and its lock, and closes what a dead daemon left open: the lock is ours, so it is gone. */
  static async open(
    resources: ProjectLedger,
    own: { readonly pid: number; readonly lock: string },
  ): Promise<DaemonBook> {
    for (const entry of resources.open())
      if (entry.kind === 'process' || entry.kind === 'socket')
        await resources.closed(entry.entry, 'its daemon is gone');
    const book = new DaemonBook(resources);
    await book.add({ kind: 'process', name: String(own.pid), detail: { what: 'daemon' } });
    await book.add({ kind: 'socket', name: own.lock });
    return book;
  }

  /** Books something that is there already (this process), or is about to be made (a socket). */
  async add(intent: ResourceIntent): Promise<void> {
    const entry = await this.#resources.intend(intent);
    this.#entries.push(entry);
    await this.#resources.opened(entry);
  }

  /** The daemon ends: what is its own goes with it. The last records of a daemon. */
  async close(): Promise<void> {
    for (const entry of this.#entries) await this.#resources.closed(entry, 'the daemon has ended');
  }
}

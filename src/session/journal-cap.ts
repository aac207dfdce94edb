import { stat } from 'node:fs/promises';

/** What an attempt's journal may take of the disk; what was given back of it does not count. In bytes. */
export const JOURNAL_MAX_BYTES = 1024 * 1024 * 1024;
/** From here on it is said. */
export const JOURNAL_WARN_BYTES = JOURNAL_MAX_BYTES / 4;
/** How often it is looked at, in milliseconds: a flood fills a disk sooner than anybody looks at an agent's health. */
export const JOURNAL_LOOK_MS = 1_000;

const DISK_BLOCK_BYTES = 512;

/** What was found: `large` once, `full` each time. */
export type JournalFinding = { readonly size: 'ok' } | { readonly size: 'large' | 'full'; readonly bytes: number };

/** Looks at what the files that an agent writes by itself (its journal, its standard error) take of the disk. Nobody can make it wait: it has to end. */
export class JournalCap {
  readonly #paths: readonly string[];
  readonly #limits: { readonly warn_bytes: number; readonly max_bytes: number };
  #warned = false;

  constructor(
    paths: readonly string[],
    limits: { readonly warn_bytes: number; readonly max_bytes: number } = {
      warn_bytes: JOURNAL_WARN_BYTES,
      max_bytes: JOURNAL_MAX_BYTES,
    },
  ) {
    this.#paths = paths;
    this.#limits = limits;
  }

  /** Looks now. A file that is missing takes nothing. */
  async look(): Promise<JournalFinding> {
    const sizes = await Promise.all(
      this.#paths.map((path) =>
        stat(path).then(
          ({ blocks }) => blocks * DISK_BLOCK_BYTES,
          () => 0,
        ),
      ),
    );
    const bytes = sizes.reduce((sum, size) => sum + size, 0);
    if (bytes >= this.#limits.max_bytes) return { size: 'full', bytes };
    if (bytes < this.#limits.warn_bytes || this.#warned) return { size: 'ok' };
    this.#warned = true;
    return { size: 'large', bytes };
  }
}

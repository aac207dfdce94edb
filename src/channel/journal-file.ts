import { constants, lstatSync, readSync, watch } from 'node:fs';
import type { FSWatcher, Stats } from 'node:fs';
import { lstat, open, type FileHandle } from 'node:fs/promises';
import { setImmediate } from 'node:timers/promises';

import { FilareError } from '../contract/errors.js';
import type { JournalLine, JournalReader } from './channel.js';
import { JournalLines } from './journal-lines.js';

/** How often the size of a journal is looked at, besides what the kernel reports, in milliseconds. */
export const JOURNAL_POLL_MS = 100;
/** The same of a journal to which nothing is added, where the kernel has reported all that was: fifty idle agents cost little. */
export const JOURNAL_IDLE_POLL_MS = 1_000;
/** Growth that polling found first, so often in a row: the kernel does not report it. One may be a race of the two. */
const MOST_MISSED = 3;
/** How much of a journal is read at once, in bytes. */
export const JOURNAL_CHUNK_BYTES = 256 * 1024;

/** The same of one that was written just now: what it takes to go through it is how long everybody else waits at least. */
const WARM_CHUNK_BYTES = 64 * 1024;

/** How long reading goes on before everything else of this process gets a turn, in milliseconds. */
const MOST_TURN_MS = 1;

/** How a journal is read. */
export interface JournalFileOptions {
  /** JOURNAL_POLL_MS when absent. */
  readonly poll_ms?: number;
  /** JOURNAL_CHUNK_BYTES when absent. */
  readonly chunk_bytes?: number;
  /** False: do not ask the kernel for changes, only poll. */
  readonly watch?: boolean;
}

/** Somebody cut, replaced or removed a journal: what was written to it since it was last read is lost. */
export class JournalDamage extends FilareError {}

/** What a journal was, or is now: `null` where there is none. */
interface JournalState {
  readonly device: number;
  readonly inode: number;
  readonly bytes: number;
}

/**
 * Reads the journal at a path, several times if wanted. Start at 0 or at the `end` of a line. Aborting ends an iteration quietly, with whatever
 * was delivered. A journal that is gone, is another file, or is shorter than it ever was to this reader, is JournalDamage (`bad_state`): looked at whenever
 * the end is reached, which with `follow` is at least every second (JOURNAL_IDLE_POLL_MS).
 */
export class JournalFile implements JournalReader {
  readonly #path: string;
  readonly #options: Required<JournalFileOptions>;
  #known: JournalState | undefined;

  constructor(path: string, options: JournalFileOptions = {}) {
    this.#path = path;
    this.#options = { poll_ms: JOURNAL_POLL_MS, chunk_bytes: JOURNAL_CHUNK_BYTES, watch: true, ...options };
  }

  async *read(options: {
    readonly from: number;
    readonly follow: boolean;
    readonly signal: AbortSignal;
  }): AsyncGenerator<readonly JournalLine[], void, undefined> {
    const { from, follow, signal } = options;
    if (signal.aborted) return;
    const file = await open(this.#path, constants.O_RDONLY | constants.O_NOFOLLOW).catch((error: unknown) => {
      throw this.#damaged(null, from, error);
    });
    const bell = new Doorbell();
    const ring = () => bell.ring();
    let watcher: FSWatcher | undefined;
    try {
      signal.addEventListener('abort', ring);
      const size = await this.#size(from, () => file.stat());
      // Before the first read: what is written from here on rings.
      if (follow && this.#options.watch) watcher = watchFile(this.#path, ring);
      const chunk = Buffer.allocUnsafeSlow(this.#options.chunk_bytes);
      const cutter = new JournalLines(from);
      let at = from;
      let wasQuiet = false;
      let isWarm = false;
      let turned_ms = performance.now();
      let poll_ms = this.#options.poll_ms;
      let missed = 0;
      while (!signal.aborted) {
        const most = isWarm ? Math.min(chunk.length, WARM_CHUNK_BYTES) : chunk.length;
        const wanted = follow ? most : Math.min(most, size - at);
        const bytesRead = wasQuiet || wanted === 0 ? 0 : await readAt(file, chunk, wanted, at, isWarm);
        if (bytesRead > 0) {
          at += bytesRead;
          const lines = cutter.push(chunk.subarray(0, bytesRead));
          if (lines.length > 0) yield lines;
          // What is warm is read without leaving this thread: an agent that floods must not keep it from everybody else.
          if (performance.now() - turned_ms > MOST_TURN_MS) {
            await setImmediate();
            turned_ms = performance.now();
          }
          continue;
        }
        const look = isWarm ? () => lstatSync(this.#path) : () => lstat(this.#path);
        const grown = (await this.#size(at, look)) > at;
        if (grown && wasQuiet) missed += 1;
        if (grown || watcher === undefined || missed >= MOST_MISSED) poll_ms = this.#options.poll_ms;
        else if (wasQuiet) poll_ms = Math.max(this.#options.poll_ms, Math.min(poll_ms * 2, JOURNAL_IDLE_POLL_MS));
        wasQuiet = false;
        // What comes from here on was written a moment ago.
        isWarm = follow;
        if (grown && follow) continue;
        if (!follow) return;
        wasQuiet = (await bell.wait(poll_ms)) === 'quiet';
        if (wasQuiet) continue;
        missed = 0;
        poll_ms = this.#options.poll_ms;
      }
    } finally {
      signal.removeEventListener('abort', ring);
      watcher?.close();
      await file.close();
    }
  }

  /** The present size; throws when this is not the journal that it was, or it ends before `at`. */
  async #size(at: number, stat: () => Stats | Promise<Stats>): Promise<number> {
    // Before the look: another reader of the same journal may see it longer meanwhile.
    const known = this.#known;
    let now: Stats;
    try {
      now = await stat();
    } catch (error) {
      throw this.#damaged(null, at, error);
    }
    const found = { device: now.dev, inode: now.ino, bytes: now.size };
    const isOther = known !== undefined && (known.inode !== found.inode || known.device !== found.device);
    if (isOther || found.bytes < Math.max(at, known?.bytes ?? 0) || !now.isFile()) throw this.#damaged(found, at);
    this.#known = { ...found, bytes: Math.max(found.bytes, this.#known?.bytes ?? 0) };
    return found.bytes;
  }

  #damaged(found: JournalState | null, at: number, cause?: unknown): JournalDamage {
    const expected = { ...this.#known, bytes: Math.max(at, this.#known?.bytes ?? 0) };
    let what = 'is shorter than it was';
    if (found === null) what = 'cannot be read any more';
    else if (this.#known !== undefined && found.inode !== this.#known.inode) what = 'was replaced by another file';
    return new JournalDamage({
      code: 'bad_state',
      message: `the journal ${this.#path} ${what}`,
      hint: 'nothing but the agent may write there; restart the agent, and keep other programs away from the folder',
      details: { expected, found },
      cause,
    });
  }
}

/**
 * Reads up to `bytes` at `at`. `isWarm`: those bytes were written just now, so they are in memory, and asking the pool of threads for them would take
 * many times as long as copying them does.
 */
async function readAt(file: FileHandle, into: Buffer, bytes: number, at: number, isWarm: boolean): Promise<number> {
  return isWarm ? readSync(file.fd, into, 0, bytes, at) : (await file.read(into, 0, bytes, at)).bytesRead;
}

/** A hint only: where the kernel has no watch left, polling does. */
function watchFile(path: string, ring: () => void): FSWatcher | undefined {
  try {
    const watcher = watch(path, { persistent: false }, ring);
    watcher.on('error', () => watcher.close());
    return watcher;
  } catch {
    return undefined;
  }
}

/** Remembers a ring until somebody waits. */
class Doorbell {
  #isRung = false;
  #wake: (() => void) | undefined;

  ring(): void {
    this.#isRung = true;
    this.#wake?.();
  }

  async wait(most_ms: number): Promise<'rung' | 'quiet'> {
    if (!this.#isRung) {
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, most_ms);
        this.#wake = () => {
          clearTimeout(timer);
          resolve();
        };
      });
      this.#wake = undefined;
    }
    const outcome = this.#isRung ? 'rung' : 'quiet';
    this.#isRung = false;
    return outcome;
  }
}

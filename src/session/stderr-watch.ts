import { open } from 'node:fs/promises';
import { historyFailure } from '../codex/history-failure.js';

/** So much of what is new is read at once, in bytes: of a flood only the end. */
export const STDERR_LOOK_BYTES = 64 * 1024;
/** What Codex wrote there so shortly before it was last seen is about what it does now, in milliseconds. */
const RECENT_MS = 5_000;

/**
 * Reads what an attempt's Codex newly wrote on its standard error, for what it says nowhere else: that it cannot keep its history. The file may be
 * missing, cut or replaced: that is never an error here.
 */
export class StderrWatch {
  readonly #path: string;
  #at: number;

  private constructor(path: string, at: number) {
    this.#path = path;
    this.#at = at;
  }

  /** Watches the file of an attempt that begins now: all of it is new. */
  static ofBeginning(path: string): StderrWatch {
    return new StderrWatch(path, 0);
  }

  /** Watches the file of an attempt that was taken up: what is older than the agent's last sign is past. */
  static async ofRunning(path: string, last_seen_ms: number): Promise<StderrWatch> {
    const found = await sizeOf(path);
    const is_recent = found !== null && found.mtime_ms >= last_seen_ms - RECENT_MS;
    return new StderrWatch(path, is_recent ? 0 : (found?.bytes ?? 0));
  }

  /** Why Codex cannot keep its history, as what is new says; null where it says nothing of it. */
  async look(): Promise<string | null> {
    try {
      await using file = await open(this.#path, 'r');
      const { size } = await file.stat();
      if (size < this.#at) this.#at = 0;
      const from = Math.max(this.#at, size - STDERR_LOOK_BYTES);
      const { buffer, bytesRead } = await file.read(Buffer.alloc(size - from), 0, size - from, from);
      this.#at = from + bytesRead;
      return historyFailure(buffer.subarray(0, bytesRead).toString('utf8'));
    } catch {
      return null;
    }
  }
}

async function sizeOf(path: string): Promise<{ readonly bytes: number; readonly mtime_ms: number } | null> {
  try {
    await using file = await open(path, 'r');
    const { size, mtimeMs } = await file.stat();
    return { bytes: size, mtime_ms: mtimeMs };
  } catch {
    return null;
  }
}

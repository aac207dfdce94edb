import { readFileSync } from 'node:fs';

/** A step of the wall clock against the monotonic one that is more than its slow correction, in milliseconds. */
const JUMP_MS = 2_000;

/** What the clock is read from. */
export interface ClockSources {
  readonly wall_ms: () => number;
  /** Does not run while the machine sleeps. */
  readonly monotonic_ms: () => number;
  /** Runs on while the machine sleeps: since its start, in milliseconds; null where it cannot be known. */
  readonly uptime_ms: () => number | null;
}

const SOURCES: ClockSources = {
  wall_ms: () => Date.now(),
  monotonic_ms: () => performance.now(),
  uptime_ms: () => {
    try {
      return Number(readFileSync('/proc/uptime', 'utf8').split(' ')[0]) * 1000;
    } catch {
      return null;
    }
  },
};

/**
 * The time of day that deadlines, back-off and records go by: the wall clock as it was when the daemon began, and the time that has really passed since. Somebody
 * who sets the clock a year ahead ends no deadline by it; a machine that slept for a night is a night later.
 */
export function steadyClock(onJump: (by_ms: number) => void, sources: ClockSources = SOURCES): () => number {
  const begun = { wall_ms: sources.wall_ms(), uptime_ms: sources.uptime_ms() };
  let base_ms = begun.wall_ms - sources.monotonic_ms();
  /** How far the wall clock is known to be off. */
  let off_ms = 0;
  return () => {
    const now_ms = base_ms + sources.monotonic_ms();
    const apart_ms = sources.wall_ms() - off_ms - now_ms;
    if (Math.abs(apart_ms) < JUMP_MS) return Math.round(now_ms);
    const uptime_ms = sources.uptime_ms();
    const true_ms =
      uptime_ms === null || begun.uptime_ms === null ? now_ms : begun.wall_ms + uptime_ms - begun.uptime_ms;
    base_ms += true_ms - now_ms;
    off_ms = sources.wall_ms() - true_ms;
    if (Math.abs(off_ms) >= JUMP_MS) onJump(Math.round(off_ms));
    return Math.round(true_ms);
  };
}

import { spawn } from 'node:child_process';
import { setTimeout as wait } from 'node:timers/promises';

/** What notifiers take from the machine around them. */
export interface Surroundings {
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly platform: NodeJS.Platform;
  readonly spawn: typeof spawn;
  readonly fetch: typeof fetch;
  /** Milliseconds since the epoch. */
  readonly now: () => number;
  /** From 0 to 1. */
  readonly random: () => number;
  /** Waits; rejects when the signal ends. */
  readonly sleep: (ms: number, signal: AbortSignal) => Promise<void>;
}

/** This machine. */
export function thisMachine(): Surroundings {
  return {
    env: process.env,
    platform: process.platform,
    spawn,
    fetch,
    now: Date.now,
    random: Math.random,
    sleep: async (ms, signal) => {
      await wait(ms, undefined, { signal });
    },
  };
}

import { setMaxListeners } from 'node:events';
import type { NotifyWay } from '../../contract/agent-spec.js';
import { commandTelling } from './command.js';
import { desktopTelling } from './desktop.js';
import { inTries } from './in-tries.js';
import type { Notification } from './notification.js';
import { GivenUp, type NotifyOutcome, type Telling } from './outcome.js';
import { thisMachine, type Surroundings } from './surroundings.js';
import type { Turns } from './turns.js';
import { webhookTelling } from './webhook.js';

/** How long one try may take, in milliseconds. */
export interface TryLimits {
  readonly desktop_ms: number;
  readonly webhook_ms: number;
  readonly command_ms: number;
  /** So long after its deadline a command is killed. */
  readonly kill_after_ms: number;
}

/** The limits that docs/notifications.md tells. */
export const TRY_LIMITS: TryLimits = {
  desktop_ms: 5000,
  webhook_ms: 10_000,
  command_ms: 30_000,
  kill_after_ms: 2000,
};

/** All tries of one notification, waits and turns together, end after so many milliseconds. */
export const NOTIFY_DEADLINE_MS = 600_000;

/** Where, and until when, a notification is told. */
export interface NotifyOptions {
  /** The folder commands run in. */
  readonly project_root: string;
  readonly signal: AbortSignal;
  /** NOTIFY_DEADLINE_MS when absent. */
  readonly deadline_ms?: number | undefined;
  readonly limits?: TryLimits | undefined;
  /** Each try waits for a turn; tries that go the same way are in one lane. */
  readonly turns?: Turns | undefined;
}

/** The ways of these that this notification goes: a desktop is not told what its user has just decided, only what nobody decided in time. */
export function waysFor(made: Notification, ways: readonly NotifyWay[]): NotifyWay[] {
  const on_desktop = made.type !== 'prompt.closed' || made.decision?.outcome === 'timed_out';
  return ways.filter((way) => !('desktop' in way) || (way.desktop && on_desktop));
}

/** Names a way for comparing. It holds secrets: never shown. */
export function laneOf(way: NotifyWay): string {
  return JSON.stringify(way);
}

/** Tells the operator in every way of `waysFor`, each by itself and all at the same time; the outcomes are in that order. Never rejects. */
export async function notifyAll(
  made: Notification,
  ways: readonly NotifyWay[],
  options: NotifyOptions,
  around: Surroundings = thisMachine(),
): Promise<readonly NotifyOutcome[]> {
  const over = new AbortController();
  // Each way listens to it.
  setMaxListeners(0, over.signal);
  const deadline_ms = options.deadline_ms ?? NOTIFY_DEADLINE_MS;
  const late = new GivenUp('timeout', `was given up after ${deadline_ms / 1000} s`);
  const timer = setTimeout(() => over.abort(late), deadline_ms);
  const onAbort = (): void => over.abort(options.signal.reason);
  options.signal.addEventListener('abort', onAbort, { once: true });
  if (options.signal.aborted) onAbort();
  try {
    return await Promise.all(
      waysFor(made, ways).map((way) => {
        const turn = options.turns === undefined ? undefined : { turns: options.turns, lane: laneOf(way) };
        return inTries(tellingOf(way, options, around), made, { signal: over.signal, turn }, around);
      }),
    );
  } finally {
    clearTimeout(timer);
    options.signal.removeEventListener('abort', onAbort);
  }
}

function tellingOf(way: NotifyWay, options: NotifyOptions, around: Surroundings): Telling {
  const limits = options.limits ?? TRY_LIMITS;
  if ('webhook' in way) return webhookTelling(way, limits.webhook_ms, around);
  if ('desktop' in way) return desktopTelling(limits.desktop_ms, around);
  return commandTelling(
    way.command,
    { cwd: options.project_root, deadline_ms: limits.command_ms, kill_after_ms: limits.kill_after_ms },
    around,
  );
}

import type { Notification } from './notification.js';
import { GivenUp, type NotifyOutcome, type Telling, type Try } from './outcome.js';
import type { Surroundings } from './surroundings.js';
import type { Turns } from './turns.js';

/** When tries are made, and until when. */
export interface TryOptions {
  /** Ends everything; a GivenUp as its reason is what the outcome says. */
  readonly signal: AbortSignal;
  /** Each try waits for a turn; waiting for the next try takes none. */
  readonly turn?: { readonly turns: Turns; readonly lane: string } | undefined;
}

/** Tells in one way, again after a failure that may pass, with the waits that the way asks for. Does not reject. */
export async function inTries(
  telling: Telling,
  made: Notification,
  options: TryOptions,
  around: Pick<Surroundings, 'random' | 'sleep'>,
): Promise<NotifyOutcome> {
  const { way, target, max_tries } = telling;
  const { signal } = options;
  const isOver = (): boolean => signal.aborted;
  let tries = 0;
  let last: Try | undefined;
  try {
    while (!isOver()) {
      const release = await options.turn?.turns.take(options.turn.lane, signal);
      try {
        if (isOver()) break;
        tries += 1;
        last = await telling.attempt(made, signal);
      } finally {
        release?.();
      }
      if (last.outcome === 'sent') return { way, target, outcome: 'sent', tries };
      if (last.outcome === 'unavailable' || !last.again || tries >= max_tries || isOver()) break;
      const wait_ms = Math.max(telling.backOffMs(tries, around.random()), last.wait_ms ?? 0);
      await around.sleep(wait_ms, signal);
    }
  } catch (error) {
    if (!isOver()) return { way, target, outcome: 'failed', tries, ...unexpected(error) };
  }
  if (isOver()) return { way, target, outcome: 'failed', tries, ...givenUp(signal, last) };
  if (last === undefined || last.outcome === 'sent') throw new Error('unreachable: no try was made');
  return { way, target, outcome: last.outcome, tries, error: last.error, error_kind: last.error_kind };
}

/** What the outcome of something given up says; with what went wrong before that, if anything did. */
function givenUp(signal: AbortSignal, last: Try | undefined): { error: string; error_kind: string } {
  const reason: unknown = signal.reason;
  const why = reason instanceof GivenUp ? reason : new GivenUp('aborted', 'was stopped');
  const before = last?.outcome === 'failed' && last.error_kind !== 'aborted' ? `; before that it ${last.error}` : '';
  return { error: `${why.message}${before}`, error_kind: why.kind };
}

/** A mistake of ours; its message may hold anything, so only its name is told. */
function unexpected(error: unknown): { error: string; error_kind: string } {
  return {
    error: `failed unexpectedly (${error instanceof Error ? error.name : typeof error})`,
    error_kind: 'unexpected',
  };
}

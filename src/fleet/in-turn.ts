import type PQueue from 'p-queue';

/** Runs work when its turn comes. The signal ends the wait alone: work that has begun looks at it itself, and is never left running unseen. */
export async function inTurn<T>(queue: PQueue, work: () => Promise<T>, signal: AbortSignal): Promise<T> {
  const waiting = new AbortController();
  const leave = (): void => {
    waiting.abort(signal.reason);
  };
  signal.addEventListener('abort', leave, { once: true });
  if (signal.aborted) leave();
  try {
    return await queue.add(
      () => {
        signal.removeEventListener('abort', leave);
        return work();
      },
      { signal: waiting.signal },
    );
  } finally {
    signal.removeEventListener('abort', leave);
  }
}

/** Runs something with a signal that ends with `signal`, when the deadline (milliseconds) is over, and in any case when it has run: nothing of it goes on. */
export async function withDeadline<T>(
  deadline_ms: number,
  signal: AbortSignal,
  run: (signal: AbortSignal, late: () => boolean) => Promise<T>,
): Promise<T> {
  const over = new AbortController();
  let late = false;
  const timer = setTimeout(() => {
    late = true;
    over.abort();
  }, deadline_ms);
  const onAbort = (): void => over.abort(signal.reason);
  signal.addEventListener('abort', onAbort, { once: true });
  if (signal.aborted) onAbort();
  try {
    return await run(over.signal, () => late);
  } finally {
    clearTimeout(timer);
    signal.removeEventListener('abort', onAbort);
    over.abort();
  }
}

/** One deadline and one signal over some work, which may be several engine calls. */
import { FilareError } from '../../contract/errors.js';
import { ENGINE_CALL_MS } from '../engine.js';
import type { CallOptions } from '../engine.js';
import type { CallSite } from './errors.js';

/** When to stop waiting. No `deadline_ms` means none. */
export interface Limit {
  readonly deadline_ms: number | undefined;
  readonly signal: AbortSignal | undefined;
}

/** The limits of a call: what the caller gave, else `default_ms`, else the ordinary deadline. */
export function limitOf(options: CallOptions | undefined, default_ms: number = ENGINE_CALL_MS): Limit {
  return { deadline_ms: options?.deadline_ms ?? default_ms, signal: options?.signal };
}

/**
 * Runs `work` and rejects as soon as the deadline passes (`timeout`) or the signal ends (`interrupted`, or the signal's reason when that is
 * a FilareError), even when the work never settles. The signal given to `work` ends then: whatever it opened must close on it.
 */
export async function withLimit<T>(
  site: CallSite,
  { deadline_ms, signal }: Limit,
  work: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  if (signal?.aborted) throw interruption(signal, site);
  const controller = new AbortController();
  let timer: NodeJS.Timeout | undefined;
  let onAbort: (() => void) | undefined;
  const ended = new Promise<never>((_, reject) => {
    const end = (failure: FilareError): void => {
      // First the rejection, then the sockets: what a closing socket throws must not win over the cause.
      reject(failure);
      controller.abort(failure);
    };
    if (deadline_ms !== undefined) timer = setTimeout(() => end(lateness(deadline_ms, site)), deadline_ms);
    if (signal) {
      onAbort = () => end(interruption(signal, site));
      signal.addEventListener('abort', onAbort, { once: true });
    }
  });
  try {
    return await Promise.race([work(controller.signal), ended]);
  } finally {
    clearTimeout(timer);
    if (onAbort) signal?.removeEventListener('abort', onAbort);
  }
}

function lateness(deadline_ms: number, site: CallSite): FilareError {
  return new FilareError({
    code: 'timeout',
    message: `${site.what}: the Docker Engine at ${site.endpoint} was not done within ${deadline_ms} ms`,
    hint: 'look whether the engine hangs with `docker info`; restart it if it does',
    details: { deadline_ms },
  });
}

function interruption(signal: AbortSignal, site: CallSite): FilareError {
  if (signal.reason instanceof FilareError) return signal.reason;
  return new FilareError({ code: 'interrupted', message: `${site.what}: no longer waited for`, cause: signal.reason });
}

import { FilareError } from '../contract/errors.js';
import type { SessionMemory } from './session-memory.js';
import type { SessionState } from './state.js';

/** Resolves when the test holds for what is remembered; rejects with the signal's reason when it ends. */
export async function until(
  memory: SessionMemory,
  test: (state: SessionState) => boolean,
  signal: AbortSignal,
): Promise<void> {
  if (test(memory.state)) return;
  await new Promise<void>((resolve, reject) => {
    const unwatch = memory.watch(() => {
      if (!test(memory.state)) return;
      finish();
      resolve();
    });
    const onAbort = (): void => {
      finish();
      reject(
        signal.reason instanceof Error
          ? signal.reason
          : new FilareError({ code: 'timeout', message: 'the wait was ended' }),
      );
    };
    const finish = (): void => {
      unwatch();
      signal.removeEventListener('abort', onAbort);
    };
    signal.addEventListener('abort', onAbort, { once: true });
    if (signal.aborted) onAbort();
  });
}

import { setTimeout as sleep } from 'node:timers/promises';
import { asFilareError, type FilareError } from '../contract/errors.js';
import { closeContainer } from './booking.js';
import type { SessionSurroundings } from './surroundings.js';

/** Waits between the tries of a removal that the engine refuses, in milliseconds. */
export const REMOVE_AGAIN_MS: readonly number[] = [200, 500, 1000];

/** What a removal works with. */
export type RemovalSurroundings = Pick<SessionSurroundings, 'engine' | 'resources' | 'log'>;

/**
 * Removes a container and closes it in the book. Where the engine refuses, again and again: a container that has ended is left, open in the
 * book and named in the log, for the next cleanup (false); for one that may still run, or an engine that does not answer, that is thrown.
 */
export async function removeContainer(
  around: RemovalSurroundings,
  container: { readonly id: string; readonly name: string },
  reason = 'removed',
): Promise<boolean> {
  for (let tries = 0; ; tries += 1) {
    try {
      await around.engine.remove(container.id);
      await closeContainer(around.resources, container.name, reason);
      return true;
    } catch (thrown) {
      const failure = asFilareError(thrown);
      if (failure.code === 'engine_unavailable' || failure.code === 'timeout') throw failure;
      const wait_ms = REMOVE_AGAIN_MS[tries];
      if (wait_ms !== undefined) {
        await sleep(wait_ms);
        continue;
      }
      await refuseIfItMayRun(around, container, failure);
      around.log.error(
        { container: container.name, err: failure },
        'the engine does not remove a container that has ended; the next cleanup tries again',
      );
      return false;
    }
  }
}

async function refuseIfItMayRun(
  around: RemovalSurroundings,
  container: { readonly id: string },
  failure: FilareError,
): Promise<void> {
  const found = await around.engine.inspect(container.id).catch(() => null);
  if (found === null) throw failure;
  if (found !== undefined && !['created', 'exited', 'dead', 'removing'].includes(found.state)) throw failure;
}

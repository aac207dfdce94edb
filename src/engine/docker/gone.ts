/** What is gone already is not an error: the two readings of the engine's "no such …". */
import { z } from 'zod';
import { FilareError } from '../../contract/errors.js';

/** Does it, answering `gone` when the engine has no such thing. */
export async function orGone<T extends string>(done: T, act: () => Promise<void>): Promise<T | 'gone'> {
  return (await unlessMissing(() => act().then(() => done))) ?? 'gone';
}

/** Asks, answering `undefined` when the engine has no such thing. */
export async function unlessMissing<T>(ask: () => Promise<T>): Promise<T | undefined> {
  try {
    return await ask();
  } catch (error) {
    if (error instanceof FilareError && (error.code === 'not_found' || isMissingImage(error))) return undefined;
    throw error;
  }
}

const NOT_FOUND_STATUS = 404;

/** The engine's own 404 for an image; an impossible image name has the same code but no status. */
function isMissingImage(error: FilareError): boolean {
  const details = z.object({ status: z.number() }).safeParse(error.details);
  return error.code === 'image_unavailable' && details.success && details.data.status === NOT_FOUND_STATUS;
}

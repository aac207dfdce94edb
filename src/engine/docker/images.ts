/** Images the engine has: find, list, remove. */
import type { CallOptions, ImageView } from '../engine.js';
import type { Caller } from './call.js';
import { orGone, unlessMissing } from './gone.js';
import { limitOf } from './limit.js';
import { imagePath, labelFilter } from './names.js';
import { ImageAnswer, ImageListAnswer, imageView } from './views.js';

/** The image, or `undefined` when the engine has none of that tag or id. */
export async function findImage(
  caller: Caller,
  reference: string,
  options?: CallOptions,
): Promise<ImageView | undefined> {
  return unlessMissing(async () => {
    const path = `/images/${imagePath(reference)}/json`;
    const call = { ...limitOf(options), what: `inspect image ${reference}`, method: 'GET', path } as const;
    return imageView(await caller.json(call, ImageAnswer));
  });
}

/** Images with every label. */
export async function listImages(
  caller: Caller,
  labels: Readonly<Record<string, string>>,
  options?: CallOptions,
): Promise<readonly ImageView[]> {
  const query = { filters: JSON.stringify({ label: labelFilter(labels) }) };
  return caller.json(
    { ...limitOf(options), what: 'list images', method: 'GET', path: '/images/json', query },
    ImageListAnswer,
  );
}

/** Removes the tag, and the image with its last tag; `conflict` while a container uses it. */
export async function removeImage(
  caller: Caller,
  reference: string,
  options?: CallOptions,
): Promise<'removed' | 'gone'> {
  const path = `/images/${imagePath(reference)}`;
  return orGone('removed', () =>
    caller.done({ ...limitOf(options), what: `remove image ${reference}`, method: 'DELETE', path }),
  );
}

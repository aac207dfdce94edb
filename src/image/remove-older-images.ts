import type { Engine } from '../engine/engine.js';
import { INPUTS_LABEL } from './inputs.js';
import type { OnProgress } from './progress.js';

/** Removes images of ours that no tag names and no container uses, except `keep`. One that cannot be removed now stays for the next time. */
export async function removeOlderImages(
  engine: Engine,
  keep: string | undefined,
  onProgress: OnProgress,
  call: { signal?: AbortSignal },
): Promise<void> {
  const ours = await engine.listImages({ [INPUTS_LABEL]: '' }, call);
  const untagged = ours.filter((view) => view.id !== keep && view.tags.every((tag) => tag === '<none>:<none>'));
  if (untagged.length === 0) return;
  // A container carries the labels of its image.
  const used = new Set((await engine.list({ [INPUTS_LABEL]: '' }, call)).map((container) => container.image_id));
  for (const view of untagged) {
    if (used.has(view.id)) continue;
    // Another build may be removing it too, or a container may have come just now: then it stays for the next time.
    const removed = await engine.removeImage(view.id, call).catch(() => 'in use' as const);
    if (removed === 'removed') onProgress({ step: 'tidy', text: `removed the older image ${view.id}` });
  }
}

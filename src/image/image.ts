/**
 * The image that agents run in: build it, say whether it is current, insist that it is there.
 *
 * Contract:
 * - an image is current when its label `filare.image.inputs` equals the hash of this installation's inputs (docker/, the layout, versions, the
 *   engine's processor); nothing else decides, so the same installation says the same for every user;
 * - `buildImage` does nothing when the image is current;
 * - nothing is removed but untagged images that carry our label and that no container uses;
 * - what comes from npm is brought by the user's npm on the host; the build itself needs the distribution's package mirror only.
 */
import { FilareError } from '../contract/errors.js';
import type { Engine, ImageView } from '../engine/engine.js';
import { ensureBase } from './base.js';
import { INPUTS_DIR } from './inputs.js';
import { packCacheDir, packedArchives } from './npm-pack.js';
import type { OnProgress } from './progress.js';
import { removeOlderImages } from './remove-older-images.js';
import { runBuild } from './run-build.js';
import { DEFAULT_IMAGE, isDefault, stateOf, wantedImage } from './wanted.js';
import type { ImageState } from './wanted.js';

/** Where the parts come from; tests hand in folders of their own. */
export interface ImageSources {
  readonly inputs_dir?: string;
  readonly pack_cache_dir?: string;
}

/** Looks at the image called `image`. An image that is not ours is present and current: what is in it is its owner's business. */
export async function imageStatus(
  engine: Engine,
  request: ImageSources & { readonly image?: string; readonly signal?: AbortSignal } = {},
): Promise<ImageState> {
  const image = request.image ?? DEFAULT_IMAGE;
  const call = request.signal === undefined ? {} : { signal: request.signal };
  const view = await engine.image(image, call);
  const inputsDir = request.inputs_dir ?? INPUTS_DIR;
  return stateOf(image, view, await wantedImage(engine, inputsDir, call));
}

/**
 * Builds the image when it is not current (always with `force`). The result says whether anything was built. Fails with `image_unavailable`
 * (what is missing and what would help, or the build's last lines in `details`), `no_space`, `engine_unavailable`, `timeout` or `interrupted`.
 */
export async function buildImage(
  engine: Engine,
  request: ImageSources & {
    readonly image?: string;
    readonly force?: boolean;
    readonly onProgress: OnProgress;
    readonly signal?: AbortSignal;
  },
): Promise<ImageState & { readonly built: boolean }> {
  const image = request.image ?? DEFAULT_IMAGE;
  const { onProgress, signal } = request;
  const call = signal === undefined ? {} : { signal };
  const inputsDir = request.inputs_dir ?? INPUTS_DIR;
  const want = await wantedImage(engine, inputsDir, call);
  const before = await engine.image(image, call);
  const state = stateOf(image, before, want);
  if (state.current && request.force !== true) return { ...state, built: false };

  await ensureBase(engine, want.versions.base, want.versions.suite, { onProgress, signal });
  const archives = await packedArchives(want.versions, want.architecture, request.pack_cache_dir ?? packCacheDir(), {
    onLine: (text) => onProgress({ step: 'download', text }),
    signal,
  });
  await runBuild(engine, { image, inputsDir, want, archives, onProgress, signal });
  const after = await engine.image(image, call);
  await removeOlderImages(engine, after?.id, onProgress, call);
  return { ...stateOf(image, after, want), built: true };
}

/** Fails with `image_unavailable` when the engine has no image called `image`; otherwise what the engine says of it. */
export async function requireImage(engine: Engine, image: string, signal?: AbortSignal): Promise<ImageView> {
  const view = await engine.image(image, signal === undefined ? {} : { signal });
  if (view !== undefined) return view;
  throw new FilareError({
    code: 'image_unavailable',
    message: `the engine has no image called ${image}`,
    hint: isDefault(image)
      ? 'Make it: filare-agents image build'
      : `Check "image" in the manifest, then build that image or get it with: docker pull ${image}`,
    details: { image },
  });
}

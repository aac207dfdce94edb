import { FilareError } from '../contract/errors.js';
import type { Engine, ImageView } from '../engine/engine.js';
import { CODEX_LABEL, INPUTS_LABEL, inputsHash } from './inputs.js';
import { architectureOf, readVersions } from './versions.js';
import type { Architecture, Versions } from './versions.js';

/** The image an agent gets when its manifest names none. */
export const DEFAULT_IMAGE = 'filare-codex';

/** True for the default image, with or without its tag. */
export function isDefault(image: string): boolean {
  return image === DEFAULT_IMAGE || image === `${DEFAULT_IMAGE}:latest`;
}

/** What there is to know of an image; `reasons` says in sentences why it is not current. */
export interface ImageState {
  readonly image: string;
  readonly present: boolean;
  readonly current: boolean;
  readonly reasons: readonly string[];
  readonly id: string | null;
  readonly codex_version: string | null;
}

/** What the image should be. */
export interface WantedImage {
  readonly versions: Versions;
  readonly architecture: Architecture;
  readonly hash: string;
}

/** What an image of this installation would be, on this engine. Fails with `unsupported` on a processor that Codex is not made for. */
export async function wantedImage(
  engine: Engine,
  inputsDir: string,
  call: { signal?: AbortSignal },
): Promise<WantedImage> {
  const { architecture: word } = await engine.info(call);
  const architecture = architectureOf(word);
  if (architecture === undefined) {
    throw new FilareError({
      code: 'unsupported',
      message: `the engine's processor is ${word}; Codex exists for x86-64 and arm64`,
      hint: 'Use an engine on one of these, or name an image of your own in the manifest.',
    });
  }
  const [versions, hash] = await Promise.all([readVersions(inputsDir), inputsHash(inputsDir, architecture)]);
  return { versions, architecture, hash };
}

/** The state of `image`, as the engine sees it, against what it should be. */
export function stateOf(image: string, view: ImageView | undefined, want: WantedImage): ImageState {
  if (view === undefined) {
    return { image, present: false, current: false, reasons: ['it has not been built'], id: null, codex_version: null };
  }
  const has = view.labels[INPUTS_LABEL];
  const codex = view.labels[CODEX_LABEL] ?? null;
  const wants = want.versions.packages.codex.version;
  const reasons: string[] = [];
  if (has === undefined && isDefault(image)) reasons.push('it was not built by filare-agents');
  if (has !== undefined && codex !== wants)
    reasons.push(`it has Codex ${codex ?? 'of no known version'}; this is for ${wants}`);
  if (has !== undefined && has !== want.hash && reasons.length === 0)
    reasons.push('what it is built from has changed since');
  return { image, present: true, current: reasons.length === 0, reasons, id: view.id, codex_version: codex };
}

import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { DOCKERFILE, INPUT_FILES, layoutText } from './layout.js';
import type { Architecture } from './versions.js';

/** The folder with the image's inputs in this installation. */
export const INPUTS_DIR = fileURLToPath(new URL('../../docker', import.meta.url));

/** Label that carries the hash of the inputs an image was built from; it marks an image as ours. */
export const INPUTS_LABEL = 'filare.image.inputs';

/** Label that carries the version of Codex in the image. */
export const CODEX_LABEL = 'filare.image.codex';

/** SHA-256 (hex) of all that decides what the image will be: file contents, layout, versions, processor. The same for every user and host. */
export async function inputsHash(inputsDir: string, architecture: Architecture): Promise<string> {
  const hash = createHash('sha256');
  const add = (part: string | Buffer): void => {
    hash.update(`${String(Buffer.byteLength(part))}\n`).update(part);
  };
  const files = [DOCKERFILE, 'versions.json', ...INPUT_FILES.map((file) => file.input)];
  for (const file of [...new Set(files)].sort()) {
    add(file);
    add(await readFile(join(inputsDir, file)));
  }
  add(layoutText());
  add(architecture);
  return hash.digest('hex');
}

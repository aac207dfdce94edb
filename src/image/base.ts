import { access, constants } from 'node:fs/promises';
import { delimiter, join } from 'node:path';
import { FilareError } from '../contract/errors.js';
import type { Engine } from '../engine/engine.js';
import { importDebootstrap } from './debootstrap.js';
import type { OnProgress } from './progress.js';
import { architectureOf } from './versions.js';

/** Deadline of a pull, in milliseconds. */
export const PULL_MS = 900_000;

/**
 * Makes sure that the engine has the base image: it is there, or is pulled, or (where no registry answers) is made from the package mirror.
 * Fails with `image_unavailable` and what would help.
 */
export async function ensureBase(
  engine: Engine,
  reference: string,
  suite: string,
  options: { readonly onProgress: OnProgress; readonly signal?: AbortSignal | undefined },
): Promise<void> {
  const { signal } = options;
  const call = signal === undefined ? {} : { signal };
  const say = (text: string): void => {
    if (text !== '') options.onProgress({ step: 'base', text });
  };
  if ((await engine.image(reference, call)) !== undefined) return;
  say(`pulling ${reference}`);
  try {
    await engine.pull(reference, say, { ...call, deadline_ms: PULL_MS });
    return;
  } catch (error) {
    if (!(error instanceof FilareError) || error.code !== 'image_unavailable') throw error;
    say(`no registry gave ${reference} (${error.message}); making it with debootstrap`);
    await requireDebootstrap(engine, reference, error);
  }
  await importDebootstrap(engine, reference, suite, { onLine: say, signal });
}

async function requireDebootstrap(engine: Engine, reference: string, cause: FilareError): Promise<void> {
  const fail = (message: string, hint: string): never => {
    throw new FilareError({ code: 'image_unavailable', message, hint, cause });
  };
  const none = `the base image ${reference} is not there, and no registry gave it`;
  const info = await engine.info();
  if (architectureOf(info.architecture) !== process.arch) {
    fail(
      `${none}; the engine's processor (${info.architecture}) is not this machine's`,
      `Load it into the engine: docker pull ${reference}`,
    );
  }
  const path = [...(process.env['PATH'] ?? '').split(delimiter), '/usr/sbin', '/sbin'];
  if (!(await Promise.all(path.map((folder) => executable(join(folder, 'debootstrap'))))).includes(true)) {
    fail(
      `${none}; debootstrap, which could make it, is not installed`,
      'sudo apt-get install -y debootstrap debian-archive-keyring — or let the engine reach a registry.',
    );
  }
  if (process.getuid?.() !== 0) {
    fail(
      `${none}; making it with debootstrap needs root`,
      'Run scripts/setup, which makes it with sudo, or let the engine reach a registry.',
    );
  }
}

async function executable(path: string): Promise<boolean> {
  return access(path, constants.X_OK).then(
    () => true,
    () => false,
  );
}

import { stripVTControlCharacters } from 'node:util';
import { FilareError } from '../contract/errors.js';
import type { Engine } from '../engine/engine.js';
import { contextTar } from './context.js';
import { CODEX_LABEL, INPUTS_LABEL } from './inputs.js';
import { DOCKERFILE } from './layout.js';
import type { OnProgress } from './progress.js';
import type { PackageName } from './versions.js';
import type { WantedImage } from './wanted.js';

/** Deadline of the engine's part of a build, in milliseconds. */
export const BUILD_MS = 1_800_000;

const KEPT_LINES = 20;

/** Hands the context to the engine and waits for the image, with every line of the build as progress. Fails as `buildImage` says. */
export async function runBuild(
  engine: Engine,
  build: {
    readonly image: string;
    readonly inputsDir: string;
    readonly want: WantedImage;
    readonly archives: Record<PackageName, string>;
    readonly onProgress: OnProgress;
    readonly signal: AbortSignal | undefined;
  },
): Promise<void> {
  const { want } = build;
  const broken = new AbortController();
  const signal = build.signal === undefined ? broken.signal : AbortSignal.any([build.signal, broken.signal]);
  const context = contextTar(build.inputsDir, build.archives, signal);
  const last: string[] = [];
  let contextError: unknown;
  const written = context.written.catch((error: unknown) => {
    contextError ??= error;
    broken.abort();
  });
  try {
    await engine.build(
      context.stream,
      {
        tag: /:[^/]*$/.test(build.image) ? build.image : `${build.image}:latest`,
        dockerfile: DOCKERFILE,
        build_args: { BASE: want.versions.base, ...proxyArguments() },
        labels: {
          'org.opencontainers.image.version': want.versions.packages.codex.version,
          [CODEX_LABEL]: want.versions.packages.codex.version,
          [INPUTS_LABEL]: want.hash,
        },
        network: 'host',
      },
      (line) => {
        // The builder colours what commands wrote on standard error.
        const text = stripVTControlCharacters(line);
        last.push(text);
        if (last.length > KEPT_LINES) last.shift();
        build.onProgress({ step: 'build', text });
      },
      { signal, deadline_ms: BUILD_MS },
    );
  } catch (error) {
    throw buildFailure(build.signal?.aborted === true ? error : (contextError ?? error), build.image, last);
  } finally {
    broken.abort();
    await written;
  }
}

// Docker takes these without a declaration and keeps them out of the image and its history.
function proxyArguments(): Record<string, string> {
  const names = ['http_proxy', 'https_proxy', 'no_proxy', 'HTTP_PROXY', 'HTTPS_PROXY', 'NO_PROXY'];
  const given: Record<string, string> = {};
  for (const name of names) if (process.env[name]) given[name] = process.env[name];
  return given;
}

function buildFailure(error: unknown, image: string, last: readonly string[]): unknown {
  if (!(error instanceof FilareError) || !['unexpected', 'image_unavailable'].includes(error.code)) return error;
  return new FilareError({
    code: 'image_unavailable',
    message: `the image ${image} could not be built: ${error.message}`,
    hint: 'The last lines say why. The build needs the package mirror of Debian (http://deb.debian.org).',
    details: { output: [...last] },
    cause: error,
  });
}

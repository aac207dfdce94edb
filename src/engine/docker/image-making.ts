/** The three ways an image comes to the engine: built, imported, pulled. Each goes on for minutes and tells its progress line by line. */
import { z } from 'zod';
import { FilareError } from '../../contract/errors.js';
import type { CallOptions, Engine } from '../engine.js';
import type { Call, Caller } from './call.js';
import { imageFailure } from './errors.js';
import { jsonLines } from './json-lines.js';
import { limitOf } from './limit.js';
import { imagePath, splitReference } from './names.js';

/** Deadline of a build, import or pull when the caller gives none, in milliseconds. */
const IMAGE_CALL_MS = 30 * 60_000;

/**
 * Builds with the engine's own (classic) builder. `image_unavailable` with the builder's last words when a step fails. The context is destroyed
 * when the call ends.
 */
export async function buildImage(
  caller: Caller,
  build: {
    readonly context: NodeJS.ReadableStream;
    readonly request: Parameters<Engine['build']>[1];
    readonly onLine: (line: string) => void;
  },
  options?: CallOptions,
): Promise<{ readonly id: string }> {
  const { context, request, onLine } = build;
  const what = `build image ${request.tag}`;
  const id = await followImage(
    caller,
    {
      ...limitOf(options, IMAGE_CALL_MS),
      what,
      method: 'POST',
      path: '/build',
      query: {
        t: imagePath(request.tag),
        dockerfile: request.dockerfile,
        buildargs: JSON.stringify(request.build_args),
        labels: JSON.stringify(request.labels),
        networkmode: request.network,
        version: '1',
        rm: '1',
        forcerm: '1',
      },
      upload: context,
    },
    onLine,
  );
  if (id === undefined) throw imageFailure('the engine named no image', caller.site(what));
  return { id };
}

/** Imports a root file system as an image of one layer. The tar is destroyed when the call ends. */
export async function importImage(
  caller: Caller,
  tar: NodeJS.ReadableStream,
  reference: string,
  options?: CallOptions,
): Promise<void> {
  const { repository, tag } = splitReference(reference);
  await followImage(
    caller,
    {
      ...limitOf(options, IMAGE_CALL_MS),
      what: `import image ${reference}`,
      method: 'POST',
      path: '/images/create',
      query: { fromSrc: '-', repo: repository, ...(tag === undefined ? {} : { tag }) },
      upload: tar,
    },
    () => undefined,
  );
}

/** Pulls one tag (`latest` when none is named) without credentials. */
export async function pullImage(
  caller: Caller,
  reference: string,
  onLine: (line: string) => void,
  options?: CallOptions,
): Promise<void> {
  const { repository, tag } = splitReference(reference);
  await followImage(
    caller,
    {
      ...limitOf(options, IMAGE_CALL_MS),
      what: `pull image ${reference}`,
      method: 'POST',
      path: '/images/create',
      query: { fromImage: repository, ...(tag === undefined ? {} : { tag }) },
    },
    onLine,
  );
}

const Progress = z.object({
  /** A piece of a build's output: not always a line. */
  stream: z.string().optional(),
  status: z.string().optional(),
  id: z.string().optional(),
  /** A drawn bar: repeated many times a second, left out. */
  progress: z.string().optional(),
  error: z.string().optional(),
  aux: z.object({ ID: z.string().optional() }).optional(),
});

/** Hands on each line and resolves with the image id that the engine named last, if it named one. */
async function followImage(caller: Caller, call: Call, onLine: (line: string) => void): Promise<string | undefined> {
  const site = caller.site(call.what);
  try {
    return await caller.exchange(call, async (answer) => {
      let id: string | undefined;
      let unfinished = '';
      for await (const message of jsonLines(caller.chunks(answer, call.what), Progress, call.what)) {
        if (message.error !== undefined) throw imageFailure(message.error.trim(), site);
        if (message.aux?.ID !== undefined) id = message.aux.ID;
        if (message.status !== undefined && message.progress === undefined) {
          onLine(message.id === undefined ? message.status : `${message.id}: ${message.status}`);
        }
        const lines = (unfinished + (message.stream ?? '')).split('\n');
        unfinished = lines.pop() ?? '';
        for (const line of lines) if (line.trim() !== '') onLine(line.trimEnd());
      }
      if (unfinished.trim() !== '') onLine(unfinished.trimEnd());
      return id;
    });
  } catch (error) {
    // Refused before it began: the engine's status says nothing of use, its words do.
    if (error instanceof FilareError && (error.code === 'unexpected' || error.code === 'not_found')) {
      throw imageFailure(error.message.replace(`${call.what}: `, ''), site, error);
    }
    throw error;
  }
}

import type { Progress } from '../contract/api-shapes.js';
import { FilareError } from '../contract/errors.js';
import type { ControlClient } from './http-client.js';
import { failureFromBody, openResponse, requestFailure } from './http-request.js';
import { STREAM_PATHS } from './route-paths.js';

/** What to build. */
export interface ImageBuildOptions {
  /** The default image when absent. */
  readonly image?: string;
  /** Build although nothing changed. */
  readonly force?: boolean;
  /** Ending it ends the build: the daemon stops building when its reader is gone. */
  readonly signal?: AbortSignal;
  readonly on_progress?: (progress: Progress) => void;
}

/** Most characters of one line of progress. */
const MAX_PROGRESS_CHARS = 1024 * 1024;

/** Builds the image and answers with what the last line calls `done`; the failure of the last line is thrown. */
export async function buildImage(
  client: ControlClient,
  options: ImageBuildOptions & { readonly signal: AbortSignal },
): Promise<unknown> {
  for await (const progress of progressLines(client.socket, options)) {
    if (progress.error !== undefined) throw failureFromBody(JSON.stringify({ error: progress.error }), 500);
    options.on_progress?.(progress);
    if (progress.done !== undefined) return progress.done;
  }
  throw new FilareError({
    code: 'unexpected',
    message: 'the daemon ended the build without saying how it went',
    hint: 'its log is .filare/daemon.log in the project',
  });
}

async function* progressLines(
  socket: string,
  options: ImageBuildOptions & { readonly signal: AbortSignal },
): AsyncGenerator<Progress, void, undefined> {
  const { progressSchema } = await import('../contract/api-shapes.js');
  const response = await openResponse({
    socket,
    ...STREAM_PATHS.buildImage,
    body: {
      ...(options.image === undefined ? {} : { image: options.image }),
      ...(options.force === undefined ? {} : { force: options.force }),
    },
    signal: options.signal,
    headers: { accept: 'application/x-ndjson' },
  });
  response.setEncoding('utf8');
  let rest = '';
  try {
    for await (const chunk of response as AsyncIterable<string>) {
      const lines = (rest + chunk).split('\n');
      rest = (lines.pop() ?? '').slice(0, MAX_PROGRESS_CHARS);
      for (const line of lines) {
        if (line.trim() !== '') yield progressSchema.parse(JSON.parse(line));
      }
    }
  } catch (error) {
    throw error instanceof Error && 'code' in error && !(error instanceof FilareError)
      ? requestFailure({ socket, signal: options.signal }, error)
      : error;
  } finally {
    response.destroy();
  }
}

import { openResponse } from './http-request.js';
import { STREAM_PATHS } from './route-paths.js';

/**
 * Does `work` on a session's workspace while `on_step` hears in which step the daemon is with it. Hearing is best effort: what counts is the answer of
 * the work.
 */
export async function withSteps<T>(
  socket: string,
  given: { readonly ref: string; readonly on_step: (step: string) => void; readonly signal: AbortSignal },
  work: () => Promise<T>,
): Promise<T> {
  const over = new AbortController();
  const signal = AbortSignal.any([over.signal, given.signal]);
  const response = await openResponse({
    socket,
    ...STREAM_PATHS.homecomingSteps,
    params: { ref: given.ref },
    signal,
    headers: { accept: 'application/x-ndjson' },
  }).catch(() => null);
  const heard = response === null ? Promise.resolve() : hear(response, given.on_step).catch(() => undefined);
  try {
    return await work();
  } finally {
    over.abort();
    response?.destroy();
    await heard;
  }
}

async function hear(response: NonNullable<Awaited<ReturnType<typeof openResponse>>>, on_step: (step: string) => void) {
  const { progressSchema } = await import('../contract/api-shapes.js');
  response.setEncoding('utf8');
  let rest = '';
  for await (const chunk of response as AsyncIterable<string>) {
    const lines = (rest + chunk).split('\n');
    rest = lines.pop() ?? '';
    for (const line of lines) {
      const { step } = progressSchema.parse(JSON.parse(line));
      if (step !== undefined) on_step(step);
    }
  }
}

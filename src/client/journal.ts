import { FilareError } from '../contract/errors.js';
import { openResponse, requestFailure } from './http-request.js';
import { STREAM_PATHS } from './route-paths.js';

/** What to read of a journal. */
export interface JournalOptions {
  /** Only the last so many lines. */
  readonly last?: number | undefined;
  /** Goes on with what comes until the attempt ends. */
  readonly follow?: boolean | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** The bytes of the latest attempt's journal, exactly. A broken connection is thrown: bytes have no number to go on from. */
export async function* readJournal(
  socket: string,
  ref: string,
  options: JournalOptions & { readonly signal: AbortSignal },
): AsyncGenerator<Buffer, void, undefined> {
  const response = await openResponse({
    socket,
    ...STREAM_PATHS.journal,
    params: { ref },
    query: { follow: options.follow === true ? '1' : undefined, last: options.last },
    signal: options.signal,
    headers: { accept: '*/*' },
  });
  try {
    for await (const chunk of response as AsyncIterable<Buffer>) yield chunk;
  } catch (error) {
    throw error instanceof FilareError || !(error instanceof Error)
      ? error
      : requestFailure({ socket, signal: options.signal }, error);
  } finally {
    response.destroy();
  }
}

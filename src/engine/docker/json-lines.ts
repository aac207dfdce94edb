/** The engine's streams of JSON messages, one a line. */
import { z } from 'zod';
import { FilareError } from '../../contract/errors.js';

const MAX_LINE_BYTES = 1024 * 1024;
const NEWLINE = 0x0a;

/** Each message, checked against `schema`. Throws `unexpected` for a line that is too long or not understood. */
export async function* jsonLines<T>(
  chunks: AsyncIterable<Buffer>,
  schema: z.ZodType<T>,
  what: string,
): AsyncGenerator<T, void> {
  let rest: Buffer = Buffer.alloc(0);
  for await (const chunk of chunks) {
    let bytes = rest.length === 0 ? chunk : Buffer.concat([rest, chunk]);
    for (let end = bytes.indexOf(NEWLINE); end >= 0; end = bytes.indexOf(NEWLINE)) {
      const line = bytes.subarray(0, end).toString('utf8').trim();
      bytes = bytes.subarray(end + 1);
      if (line !== '') yield parseLine(line, schema, what);
    }
    if (bytes.length > MAX_LINE_BYTES) {
      throw new FilareError({
        code: 'unexpected',
        message: `${what}: a message of the engine is over ${MAX_LINE_BYTES} bytes`,
      });
    }
    rest = bytes;
  }
  const line = rest.toString('utf8').trim();
  if (line !== '') yield parseLine(line, schema, what);
}

function parseLine<T>(line: string, schema: z.ZodType<T>, what: string): T {
  try {
    return schema.parse(JSON.parse(line));
  } catch (error) {
    throw new FilareError({
      code: 'unexpected',
      message: `${what}: a message of the engine is not understood`,
      cause: error,
    });
  }
}

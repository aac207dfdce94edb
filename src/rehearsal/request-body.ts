import type { IncomingMessage } from 'node:http';
import { promisify } from 'node:util';
import { brotliDecompress, gunzip, inflate } from 'node:zlib';

/** A request body may be this long, before and after decompression. */
export const MAX_BODY_BYTES = 64 * 1024 * 1024;

/** A request that is answered with this status and message. */
export class BadRequest extends Error {
  readonly status: number;

  constructor(status: number, message: string, options?: ErrorOptions) {
    super(message, options);
    this.status = status;
  }
}

type Decode = (bytes: Buffer, options: { maxOutputLength: number }) => Promise<Buffer>;
const DECODERS: Readonly<Record<string, Decode>> = {
  gzip: promisify<Buffer, { maxOutputLength: number }, Buffer>(gunzip),
  'x-gzip': promisify<Buffer, { maxOutputLength: number }, Buffer>(gunzip),
  deflate: promisify<Buffer, { maxOutputLength: number }, Buffer>(inflate),
  br: promisify<Buffer, { maxOutputLength: number }, Buffer>(brotliDecompress),
};

/** The JSON of a request. Throws BadRequest: 413 too long, 415 an encoding that Node 20 cannot decode (zstd), 400 not JSON. */
export async function readJsonBody(request: IncomingMessage): Promise<unknown> {
  const encoding = (request.headers['content-encoding'] ?? 'identity').trim().toLowerCase();
  const decode = DECODERS[encoding];
  if (!decode && encoding !== 'identity' && encoding !== '') {
    const fix = 'use gzip, deflate, br or none; in Codex: features.enable_request_compression = false';
    throw new BadRequest(415, `content-encoding ${JSON.stringify(encoding.slice(0, 40))} is not supported; ${fix}`);
  }
  const bytes = await readBytes(request);
  const plain = decode ? await decompress(decode, bytes) : bytes;
  try {
    return JSON.parse(plain.toString('utf8'));
  } catch (cause) {
    throw new BadRequest(400, 'the body is not JSON', { cause });
  }
}

async function readBytes(request: IncomingMessage): Promise<Buffer> {
  if (Number(request.headers['content-length'] ?? 0) > MAX_BODY_BYTES) throw tooLong();
  const chunks: Buffer[] = [];
  let length = 0;
  return await new Promise((resolve, reject) => {
    request.on('data', (chunk: Buffer) => {
      length += chunk.length;
      if (length <= MAX_BODY_BYTES) chunks.push(chunk);
      else {
        chunks.length = 0;
        request.pause();
        reject(tooLong());
      }
    });
    request.once('end', () => resolve(Buffer.concat(chunks)));
    request.once('error', reject);
    request.once('close', () => reject(new BadRequest(400, 'the request ended early')));
  });
}

async function decompress(decode: Decode, bytes: Buffer): Promise<Buffer> {
  try {
    return await decode(bytes, { maxOutputLength: MAX_BODY_BYTES });
  } catch (cause) {
    if (cause instanceof RangeError) throw tooLong();
    throw new BadRequest(400, 'the body does not decompress', { cause });
  }
}

function tooLong(): BadRequest {
  return new BadRequest(413, `a body may have at most ${MAX_BODY_BYTES} bytes`);
}

/** Standard output and error on one stream, framed as Docker does: 8 bytes of head (kind, 0, 0, 0, length as 32 bits), then the bytes. */
import { FilareError } from './errors.js';

const HEAD_BYTES = 8;
const LENGTH_AT = 4;

/**
 * Takes chunks cut anywhere and hands on the payload as it comes, whole frames or not, so that a long frame is never kept.
 * Throws `unexpected` when the bytes are not framed.
 */
export function frameSplitter(onPayload: (kind: 'stdout' | 'stderr', bytes: Buffer) => void): (chunk: Buffer) => void {
  const head = Buffer.alloc(HEAD_BYTES);
  let headBytes = 0;
  let remaining = 0;
  let kind: 'stdout' | 'stderr' = 'stdout';
  return (chunk) => {
    let at = 0;
    while (at < chunk.length) {
      if (remaining === 0) {
        const taken = chunk.copy(head, headBytes, at, at + HEAD_BYTES - headBytes);
        at += taken;
        headBytes += taken;
        if (headBytes < HEAD_BYTES) return;
        headBytes = 0;
        kind = kindOf(head[0]);
        remaining = head.readUInt32BE(LENGTH_AT);
      } else {
        const payload = chunk.subarray(at, at + remaining);
        at += payload.length;
        remaining -= payload.length;
        onPayload(kind, payload);
      }
    }
  };
}

function kindOf(byte: number | undefined): 'stdout' | 'stderr' {
  if (byte === 1) return 'stdout';
  // 3 is what the engine itself has to say about an error.
  if (byte === 2 || byte === 3) return 'stderr';
  throw new FilareError({ code: 'unexpected', message: `the engine's stream is not framed (kind ${String(byte)})` });
}

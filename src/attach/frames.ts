/** A message from the other side may be this long, in bytes, however many frames it comes in. */
export const MAX_MESSAGE_BYTES = 4 * 1024 * 1024;
/** What RFC 6455 allows a control frame to carry, in bytes. */
const MAX_CONTROL_BYTES = 125;

/** Kinds of frame (RFC 6455, 5.2). */
export const OPCODE = { continuation: 0, text: 1, binary: 2, close: 8, ping: 9, pong: 10 } as const;

/** Why a connection is closed (RFC 6455, 7.4.1). */
export const CLOSE = {
  normal: 1000,
  going_away: 1001,
  protocol_error: 1002,
  unsupported_data: 1003,
  not_utf8: 1007,
  too_big: 1009,
  try_again_later: 1013,
} as const;

/** The other side does not speak as it should: its connection ends with this code. */
export class FrameFault extends Error {
  readonly close_code: number;

  constructor(close_code: number, message: string) {
    super(message);
    this.close_code = close_code;
  }
}

/** One whole thing that the other side said. */
export type Incoming =
  | { readonly kind: 'text'; readonly text: string }
  | { readonly kind: 'ping' | 'pong'; readonly payload: Buffer }
  | { readonly kind: 'close' };

interface Head {
  readonly fin: boolean;
  readonly opcode: number;
  readonly mask: Buffer;
  readonly payload_at: number;
  readonly length: number;
}

/**
 * Puts a client's bytes together to messages: masked frames without extensions, text only, each message at most MAX_MESSAGE_BYTES. Holds no
 * more than one message and one frame's head. After it has thrown (always a FrameFault) it is of no use any more.
 */
export class FrameReader {
  #chunks: Buffer[] = [];
  #bytes = 0;
  #fragments: Buffer[] = [];
  #fragment_bytes = 0;
  #fragmented = false;

  /** Takes bytes in; gives what is whole now. */
  push(chunk: Buffer): readonly Incoming[] {
    this.#chunks.push(chunk);
    this.#bytes += chunk.length;
    const incoming: Incoming[] = [];
    for (;;) {
      const frame = this.#frame();
      if (frame === undefined) return incoming;
      const one = this.#take(frame.head, frame.payload);
      if (one !== undefined) incoming.push(one);
    }
  }

  #frame(): { readonly head: Head; readonly payload: Buffer } | undefined {
    // Joining what is there for every small piece of a large frame would cost its square.
    const first = this.#chunks[0];
    if (first === undefined) return undefined;
    const head = readHead(first.length >= 14 ? first : this.#joined());
    if (head === undefined) return undefined;
    this.#refuseTooBig(head);
    const end = head.payload_at + head.length;
    if (this.#bytes < end) return undefined;
    const all = this.#joined();
    const payload = Buffer.from(all.subarray(head.payload_at, end));
    for (let at = 0; at < payload.length; at += 1) payload[at] = (payload[at] ?? 0) ^ (head.mask[at & 3] ?? 0);
    this.#chunks = all.length === end ? [] : [all.subarray(end)];
    this.#bytes = all.length - end;
    return { head, payload };
  }

  #refuseTooBig(head: Head): void {
    const length = isControl(head.opcode) ? head.length : head.length + this.#fragment_bytes;
    if (length > MAX_MESSAGE_BYTES)
      throw new FrameFault(CLOSE.too_big, `a message of more than ${String(MAX_MESSAGE_BYTES)} bytes`);
  }

  #joined(): Buffer {
    if (this.#chunks.length > 1) this.#chunks = [Buffer.concat(this.#chunks)];
    return this.#chunks[0] ?? Buffer.alloc(0);
  }

  #take(head: Head, payload: Buffer): Incoming | undefined {
    switch (head.opcode) {
      case OPCODE.close:
        return { kind: 'close' };
      case OPCODE.ping:
        return { kind: 'ping', payload };
      case OPCODE.pong:
        return { kind: 'pong', payload };
      case OPCODE.text:
      case OPCODE.continuation:
        return this.#takeText(head, payload);
      default:
        throw new FrameFault(CLOSE.unsupported_data, 'only text is spoken here');
    }
  }

  #takeText(head: Head, payload: Buffer): Incoming | undefined {
    if (this.#fragmented !== (head.opcode === OPCODE.continuation))
      throw new FrameFault(
        CLOSE.protocol_error,
        'a message begins before the last one has ended, or goes on without one',
      );
    this.#fragments.push(payload);
    this.#fragment_bytes += payload.length;
    this.#fragmented = !head.fin;
    if (!head.fin) return undefined;
    const whole = Buffer.concat(this.#fragments);
    this.#fragments = [];
    this.#fragment_bytes = 0;
    return { kind: 'text', text: utf8(whole) };
  }
}

/** One whole frame, as a server sends it. */
export function encodeFrame(opcode: number, payload: Buffer): Buffer {
  const { length } = payload;
  const long = length > 0xffff;
  const head = Buffer.alloc(long ? 10 : length > MAX_CONTROL_BYTES ? 4 : 2);
  head[0] = 0x80 | opcode;
  if (long) {
    head[1] = 127;
    head.writeBigUInt64BE(BigInt(length), 2);
  } else if (length > MAX_CONTROL_BYTES) {
    head[1] = 126;
    head.writeUInt16BE(length, 2);
  } else head[1] = length;
  return Buffer.concat([head, payload]);
}

/** A frame that says why the connection ends; a reason that is too long for it is cut. */
export function closeFrame(code: number, reason: string): Buffer {
  const text = Buffer.from(reason).subarray(0, MAX_CONTROL_BYTES - 2);
  const payload = Buffer.concat([Buffer.alloc(2), text]);
  payload.writeUInt16BE(code, 0);
  return encodeFrame(OPCODE.close, payload);
}

/** Undefined: more bytes are needed. */
function readHead(bytes: Buffer): Head | undefined {
  const [first, second] = bytes;
  if (first === undefined || second === undefined) return undefined;
  const opcode = first & 0x0f;
  const short = second & 0x7f;
  if ((first & 0x70) !== 0) throw new FrameFault(CLOSE.protocol_error, 'an extension that was not agreed on');
  if ((second & 0x80) === 0) throw new FrameFault(CLOSE.protocol_error, 'a frame that is not masked');
  const fin = (first & 0x80) !== 0;
  if (isControl(opcode) && (!fin || short > MAX_CONTROL_BYTES))
    throw new FrameFault(CLOSE.protocol_error, 'a control frame that is too long, or in pieces');
  const mask_at = short === 127 ? 10 : short === 126 ? 4 : 2;
  if (bytes.length < mask_at + 4) return undefined;
  const length = short === 127 ? Number(bytes.readBigUInt64BE(2)) : short === 126 ? bytes.readUInt16BE(2) : short;
  return { fin, opcode, length, mask: bytes.subarray(mask_at, mask_at + 4), payload_at: mask_at + 4 };
}

function isControl(opcode: number): boolean {
  return opcode >= OPCODE.close;
}

function utf8(bytes: Buffer): string {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch {
    throw new FrameFault(CLOSE.not_utf8, 'text that is not UTF-8');
  }
}

import { describe, expect, it } from 'vitest';
import {
  closeFrame,
  encodeFrame,
  FrameFault,
  FrameReader,
  MAX_MESSAGE_BYTES,
  OPCODE,
} from '../../src/attach/frames.js';

const MASK = Buffer.from([7, 11, 13, 17]);

/** A frame as a client sends it. */
function masked(opcode: number, payload: Buffer, fin = true): Buffer {
  const plain = encodeFrame(opcode, payload);
  const head = plain.subarray(0, plain.length - payload.length);
  head[0] = (fin ? 0x80 : 0) | opcode;
  head[1] = (head[1] ?? 0) | 0x80;
  return Buffer.concat([head, MASK, Buffer.from(payload.map((byte, at) => byte ^ (MASK[at & 3] ?? 0)))]);
}
const text = (words: string, fin = true, opcode: number = OPCODE.text): Buffer =>
  masked(opcode, Buffer.from(words), fin);

function fault(...chunks: readonly Buffer[]): number | null {
  const reader = new FrameReader();
  try {
    for (const chunk of chunks) reader.push(chunk);
    return null;
  } catch (failure) {
    if (!(failure instanceof FrameFault)) throw failure;
    return failure.close_code;
  }
}

describe('frames of a client', () => {
  it.each([0, 1, 125, 126, 65_535, 65_536, 300_000])('give a text of %i bytes, whole or byte by byte', (bytes) => {
    const words = 'é'.repeat(bytes >> 1) + 'x'.repeat(bytes & 1);
    expect(new FrameReader().push(text(words))).toEqual([{ kind: 'text', text: words }]);
    const reader = new FrameReader();
    const got = [];
    const step = bytes > 1000 ? 997 : 1;
    for (let at = 0, all = text(words); at < all.length; at += step)
      got.push(...reader.push(all.subarray(at, at + step)));
    expect(got).toEqual([{ kind: 'text', text: words }]);
  });

  it('may come in pieces, several in one chunk, with a ping between the pieces', () => {
    const all = [
      text('{"a"', false),
      masked(OPCODE.ping, Buffer.from('p')),
      text(':1', false, OPCODE.continuation),
      text('}', true, OPCODE.continuation),
      text('next'),
      masked(OPCODE.close, Buffer.alloc(0)),
    ];
    expect(new FrameReader().push(Buffer.concat(all))).toEqual([
      { kind: 'ping', payload: Buffer.from('p') },
      { kind: 'text', text: '{"a":1}' },
      { kind: 'text', text: 'next' },
      { kind: 'close' },
    ]);
  });

  it('are refused when they break the protocol', () => {
    expect(fault(encodeFrame(OPCODE.text, Buffer.from('not masked')))).toBe(1002);
    expect(fault(text('goes on without a beginning', true, OPCODE.continuation))).toBe(1002);
    expect(fault(text('begun', false), text('begun again'))).toBe(1002);
    expect(fault(masked(OPCODE.ping, Buffer.alloc(126)))).toBe(1002);
    expect(fault(masked(OPCODE.ping, Buffer.alloc(1), false))).toBe(1002);
    expect(fault(Buffer.from([0xc1, 0x80, 0, 0, 0, 0]))).toBe(1002);
    expect(fault(masked(OPCODE.binary, Buffer.alloc(1)))).toBe(1003);
    expect(fault(masked(0x0b, Buffer.alloc(0)))).toBe(1003);
    expect(fault(masked(OPCODE.text, Buffer.from([0xff, 0xfe])))).toBe(1007);
  });

  it('are refused by what they announce, before any of it is kept', () => {
    const head = Buffer.alloc(14);
    head[0] = 0x81;
    head[1] = 0xff;
    head.writeBigUInt64BE(2n ** 63n, 2);
    expect(fault(head)).toBe(1009);
    const half = Buffer.alloc(MAX_MESSAGE_BYTES / 2 + 1);
    expect(fault(masked(OPCODE.text, half, false), masked(OPCODE.continuation, half))).toBe(1009);
    expect(fault(masked(OPCODE.text, half))).toBeNull();
  });
});

it('a reason to close that is too long for its frame is cut', () => {
  const frame = closeFrame(1001, 'x'.repeat(500));
  expect(frame.length).toBe(2 + 125);
  expect(frame.readUInt16BE(2)).toBe(1001);
});

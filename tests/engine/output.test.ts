/** Output of containers: framed by the engine, cut anywhere by the network, bounded by us. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { TextHead, TextTail } from '../../src/engine/docker/bounded-text.js';
import { frameSplitter } from '../../src/contract/output-frames.js';

function frame(kind: number, bytes: Uint8Array): Buffer {
  const head = Buffer.alloc(8);
  head[0] = kind;
  head.writeUInt32BE(bytes.length, 4);
  return Buffer.concat([head, bytes]);
}

function inPieces(bytes: Buffer, sizes: readonly number[]): Buffer[] {
  const pieces: Buffer[] = [];
  for (let at = 0, turn = 0; at < bytes.length; turn += 1) {
    const size = sizes[turn % sizes.length] ?? 1;
    pieces.push(bytes.subarray(at, at + size));
    at += size;
  }
  return pieces;
}

const Sizes = fc.array(fc.integer({ min: 1, max: 20 }), { minLength: 1, maxLength: 5 });

describe('framed output', () => {
  it('comes out whole and in order, wherever the network cut it', () => {
    const Frames = fc.array(fc.record({ kind: fc.constantFrom(1, 2), bytes: fc.uint8Array({ maxLength: 40 }) }));
    fc.assert(
      fc.property(Frames, Sizes, (frames, sizes) => {
        const got = { stdout: [] as Buffer[], stderr: [] as Buffer[] };
        const split = frameSplitter((kind, bytes) => got[kind].push(Buffer.from(bytes)));
        for (const piece of inPieces(Buffer.concat(frames.map((each) => frame(each.kind, each.bytes))), sizes))
          split(piece);
        const sent = (kind: number): Buffer =>
          Buffer.concat(frames.filter((each) => each.kind === kind).map((each) => each.bytes));
        expect(Buffer.concat(got.stdout)).toEqual(sent(1));
        expect(Buffer.concat(got.stderr)).toEqual(sent(2));
      }),
    );
  });

  it('is not guessed at when it is not framed', () => {
    expect(() => frameSplitter(() => undefined)(Buffer.from('plain text'))).toThrow(/not framed/);
  });
});

describe('bounded text', () => {
  const Text = fc.string({ unit: 'grapheme', maxLength: 60 });
  const Bound = fc.integer({ min: 1, max: 80 });

  it('is the beginning, within the bound, without half a character', () => {
    fc.assert(
      fc.property(Text, Bound, Sizes, (text, max_bytes, sizes) => {
        const head = new TextHead(max_bytes);
        for (const piece of inPieces(Buffer.from(text), sizes)) head.push(piece);
        expect(text.startsWith(head.text())).toBe(true);
        expect(Buffer.byteLength(head.text())).toBeLessThanOrEqual(max_bytes);
        expect(head.truncated).toBe(Buffer.byteLength(text) > max_bytes);
        expect(Buffer.byteLength(head.text())).toBeGreaterThan(Math.min(max_bytes, Buffer.byteLength(text)) - 4);
      }),
    );
  });

  it('is the end, within the bound, without half a character', () => {
    fc.assert(
      fc.property(Text, Bound, Sizes, (text, max_bytes, sizes) => {
        const tail = new TextTail(max_bytes);
        for (const piece of inPieces(Buffer.from(text), sizes)) tail.push(piece);
        expect(text.endsWith(tail.text())).toBe(true);
        expect(Buffer.byteLength(tail.text())).toBeLessThanOrEqual(max_bytes);
        expect(Buffer.byteLength(tail.text())).toBeGreaterThan(Math.min(max_bytes, Buffer.byteLength(text)) - 4);
      }),
    );
  });
});

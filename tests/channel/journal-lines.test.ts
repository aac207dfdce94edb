import { isUtf8 } from 'node:buffer';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import fc from 'fast-check';
import { expect, it } from 'vitest';

import type { JournalLine } from '../../src/channel/channel.js';
import { JournalFile } from '../../src/channel/journal-file.js';
import { JournalLines } from '../../src/channel/journal-lines.js';
import { readNow } from './channel-contract.js';

const NEWLINE = Buffer.from('\n');
const withoutNewline = (bytes: Uint8Array) => Buffer.from(bytes.filter((byte) => byte !== 0x0a));
/** A line: empty, text of any characters, or any bytes. */
const line = fc.oneof(
  fc.constant(Buffer.alloc(0)),
  fc.string({ unit: 'binary', maxLength: 40 }).map((text) => withoutNewline(Buffer.from(text))),
  fc.uint8Array({ maxLength: 40 }).map(withoutNewline),
);

it('gives the same lines however the journal is cut into chunks, and the same suffix from any line', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'filare-journal-'));
  try {
    const property = fc.asyncProperty(
      fc.array(line, { maxLength: 30 }),
      line,
      fc.integer({ min: 1, max: 99 }),
      async (whole, rest, chunk_bytes) => {
        const path = join(folder, 'out');
        await writeFile(path, Buffer.concat([...whole.flatMap((bytes) => [bytes, NEWLINE]), rest]));
        const all = await readNow(new JournalFile(path), 0);
        expect(all.map(({ offset, end }) => end - offset - 1)).toEqual(whole.map((bytes) => bytes.length));
        expect(all.map(({ damage }) => damage)).toEqual(whole.map((bytes) => (isUtf8(bytes) ? 'none' : 'not_utf8')));
        expect(all.map(({ text }) => text)).toEqual(whole.map((bytes) => bytes.toString('utf8')));
        for (const [at, { offset }] of all.entries()) {
          expect(await readNow(new JournalFile(path, { chunk_bytes }), offset)).toEqual(all.slice(at));
        }
      },
    );
    await fc.assert(property, { numRuns: 60 });
  } finally {
    await rm(folder, { recursive: true });
  }
});

it('cuts a line exactly when it is longer than the limit, wherever chunks end', () => {
  const limits = { max_line_bytes: 20, preview_bytes: 6 };
  const property = fc.property(
    fc.array(fc.integer({ min: 0, max: 60 })),
    fc.array(fc.integer({ min: 1, max: 50 })),
    (lengths, cuts) => {
      const bytes = Buffer.from(lengths.map((length, at) => `${String(at % 10).repeat(length)}\n`).join(''));
      const cutter = new JournalLines(0, limits);
      const found: JournalLine[] = [];
      let from = 0;
      for (const cut of [...cuts, bytes.length]) {
        found.push(...cutter.push(bytes.subarray(from, from + cut)));
        from += cut;
      }
      expect(found.map(({ offset, end }) => end - offset - 1)).toEqual(lengths);
      expect(found.map(({ damage, text }) => [damage, text])).toEqual(
        lengths.map((length, at) =>
          length > 20 ? ['too_long', String(at % 10).repeat(6)] : ['none', String(at % 10).repeat(length)],
        ),
      );
    },
  );
  fc.assert(property);
});

it('does not show half a character at the end of a preview', () => {
  const [cut] = new JournalLines(0, { max_line_bytes: 8, preview_bytes: 4 }).push(Buffer.from('ab漢漢漢\n'));
  expect(cut).toEqual({ offset: 0, end: 12, text: 'ab', damage: 'too_long' });
});

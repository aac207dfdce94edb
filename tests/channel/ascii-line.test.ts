import fc from 'fast-check';
import { expect, it } from 'vitest';

import { asciiLine } from '../../src/channel/ascii-line.js';

/** Any text, half surrogate pairs too. */
const anyText = fc
  .array(
    fc.oneof(
      fc.string({ unit: 'binary' }),
      fc.integer({ min: 0, max: 0xffff }).map((unit) => String.fromCharCode(unit)),
    ),
  )
  .map((parts) => parts.join(''));

it('keeps the meaning of any JSON text, in ASCII, with half characters replaced', () => {
  fc.assert(
    fc.property(anyText, (text) => {
      const sent = asciiLine(JSON.stringify({ text }));
      expect(sent).toMatch(/^[\x20-\x7e]*$/);
      expect(JSON.parse(sent)).toEqual({ text: Buffer.from(text).toString() });
    }),
    { numRuns: 2_000 },
  );
});

it('replaces half a character that is written as an escape, and leaves text that only looks like one', () => {
  expect(asciiLine(String.raw`"\ud83d\ude00 \ud83d \ude00 \uDC00"`)).toBe(
    String.raw`"\ud83d\ude00 \ufffd \ufffd \ufffd"`,
  );
  expect(asciiLine(String.raw`"\\ud83d \\\\ud83d"`)).toBe(String.raw`"\\ud83d \\\\ud83d"`);
  expect(asciiLine(String.raw`"\ud83d\ud83d\ude00"`)).toBe(String.raw`"\ufffd\ud83d\ude00"`);
});

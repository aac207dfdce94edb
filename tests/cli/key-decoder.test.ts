import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { KeyDecoder, type Key } from '../../src/cli/inbox/key-decoder.js';

const ESC = '\u001b';

function decode(...chunks: readonly (string | Uint8Array)[]): Key[] {
  const decoder = new KeyDecoder();
  return chunks.flatMap((chunk) => decoder.push(chunk));
}

/** Keys in short: characters as they are, names in brackets, pastes in quotes. */
function words(keys: readonly Key[]): string[] {
  return keys.map((key) =>
    key.type === 'named' ? `<${key.name}>` : key.type === 'paste' ? JSON.stringify(key.text) : key.text,
  );
}

const CASES: readonly (readonly [bytes: string, keys: readonly string[]])[] = [
  ['aé🙂', ['a', 'é', '🙂']],
  [`${ESC}[A${ESC}[B${ESC}[C${ESC}[D`, ['<up>', '<down>', '<right>', '<left>']],
  [`${ESC}OA${ESC}OB${ESC}OH${ESC}OM`, ['<up>', '<down>', '<home>', '<enter>']],
  [`${ESC}[1;5A${ESC}[5;2~`, ['<up>', '<page_up>']],
  [`${ESC}[5~${ESC}[6~${ESC}[3~${ESC}[1~${ESC}[4~`, ['<page_up>', '<page_down>', '<delete>', '<home>', '<end>']],
  [
    '\r\n\t\u007f\b\u0003\u0015\u0017\u000c\u0001',
    [
      '<enter>',
      '<enter>',
      '<tab>',
      '<backspace>',
      '<backspace>',
      '<ctrl_c>',
      '<ctrl_u>',
      '<ctrl_w>',
      '<ctrl_l>',
      '<home>',
    ],
  ],
  // Alt with a character, function keys, focus, and answers of a terminal are not their letters.
  [`${ESC}aa`, ['<other>', 'a']],
  [`${ESC}OS${ESC}[15~${ESC}[I${ESC}[[A${ESC}[97;5uq`, ['<other>', '<other>', '<other>', '<other>', '<other>', 'q']],
  [`${ESC}]11;rgb:aaaa/cccc/ssss${ESC}\\${ESC}]0;a\u0007${ESC}P1$r a${ESC}\\q`, ['<other>', '<other>', '<other>', 'q']],
  [`${ESC}${ESC}[A`, ['<escape>', '<up>']],
  [`${ESC}[200~aS\ry${ESC}[Aq${ESC}[201~x`, [JSON.stringify(`aS\ry${ESC}[Aq`), 'x']],
  [`${ESC}[200~${ESC}[201~${ESC}[201~q`, ['""', 'q']],
  [`${ESC}[200~${ESC}[20${ESC}[201~`, [JSON.stringify(`${ESC}[20`)]],
  [`${ESC}[\u0001a`, ['<other>', '<home>', 'a']],
  ['\u0000\u009bA', ['<other>', '<other>', 'A']],
];

describe('keys', () => {
  it.each(CASES)('%j', (bytes, keys) => {
    expect(words(decode(bytes))).toEqual(keys);
  });

  it('are the same at whatever byte the terminal cuts them', () => {
    for (const [text, keys] of CASES) {
      const bytes = Buffer.from(text);
      for (let at = 0; at <= bytes.length; at += 1) {
        expect(words(decode(bytes.subarray(0, at), bytes.subarray(at)))).toEqual(keys);
      }
      expect(words(decode(...Array.from(bytes, (byte) => Uint8Array.of(byte))))).toEqual(keys);
    }
  });

  it('are the same however anything at all is cut', () => {
    const piece = fc.constantFrom(
      ESC,
      '[',
      'O',
      '200~',
      '201~',
      ';',
      '5',
      'A',
      'a',
      'é',
      '🙂',
      ']',
      '\\',
      '\u0007',
      '\r',
      'P',
    );
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 30 }), fc.array(fc.nat(100), { maxLength: 6 }), (pieces, cuts) => {
        const bytes = Buffer.from(pieces.join(''));
        const at = [0, ...cuts.map((cut) => cut % (bytes.length + 1)).sort((a, b) => a - b), bytes.length];
        const chunks = at.slice(1).map((end, i) => bytes.subarray(at[i], end));
        expect(decode(...chunks)).toEqual(decode(bytes));
      }),
      { numRuns: 2000 },
    );
  });

  it('a lone Esc waits, and is one when nothing more comes', () => {
    const decoder = new KeyDecoder();
    expect(decoder.push(ESC)).toEqual([]);
    expect(decoder.waits).toBe('escape');
    expect(words(decoder.flush())).toEqual(['<escape>']);
    expect(decoder.waits).toBe(null);
    expect(decoder.flush()).toEqual([]);
    expect(words(decoder.push('a'))).toEqual(['a']);
  });

  it('the rest of a sequence that comes late is not letters', () => {
    const decoder = new KeyDecoder();
    decoder.push(ESC);
    decoder.flush();
    expect(words(decoder.push('[A'))).toEqual(['<up>']);
    decoder.push(ESC);
    decoder.flush();
    expect(words(decoder.push('OS'))).toEqual(['<other>']);
    decoder.push(`${ESC}[1`);
    expect(words(decoder.flush())).toEqual(['<other>']);
    expect(words(decoder.push('q'))).toEqual(['q']);
  });

  it('a paste whose end never comes is over after a while, and a huge one is cut', () => {
    const decoder = new KeyDecoder();
    expect(decoder.push(`${ESC}[200~aaa`)).toEqual([]);
    expect(decoder.waits).toBe('paste');
    expect(words(decoder.flush())).toEqual(['"aaa"']);
    expect(words(decoder.push('q'))).toEqual(['q']);
    const [paste] = decode(`${ESC}[200~${'x'.repeat(3_000_000)}${ESC}[201~`);
    expect(paste).toMatchObject({ type: 'paste' });
    expect(paste?.type === 'paste' ? paste.text.length : 0).toBe(1_000_000);
  });
});

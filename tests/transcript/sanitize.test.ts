import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { sanitize, showHidden, TerminalText } from '../../src/transcript/sanitize.js';

const ESC = '\u001b';

/** What a terminal must never be given: anything but printable characters, newline and tab. */
const DANGEROUS =
  /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u2028-\u202e\u2060-\u206f\u3164\ufe00-\ufe0f\ufeff\uffa0\ufff9-\ufffb]|[\u{e0000}-\u{e0fff}]|\p{Cs}/u;

/** 200 hostile strings: every kind of sequence, with every kind of ending, round every kind of payload. */
function hostileStrings(): string[] {
  const openers = ['[', ']', 'P', '_', '^', 'X', '(', '#', 'c', '7', '='].map((char) => ESC + char);
  const c1 = ['\u009b', '\u009d', '\u0090', '\u009f', '\u009e', '\u0098', '\u0084', '\u0085', '\u008d'];
  const payloads = ['2J', '52;c;aGFjaw==', '0;title', '31;1mred', '8;;http://evil', '?1049h', '6n', '>0q'];
  const enders = ['', '\u0007', `${ESC}\\`, '\u009c', '\n'];
  const sequences = [...openers, ...c1].flatMap((opener) =>
    payloads.slice(0, 2).flatMap((payload) => enders.map((ender) => `before${opener}${payload}${ender}after`)),
  );
  const tricks = [
    'rm -rf /\r\recho ok   ',
    'safe\b\b\b\bevil',
    'a\u202etxt.exe',
    'pay\u200bload',
    '\u{e0041}\u{e0042}tags',
    'x\u{e0100}y',
    'A\ufe0f',
    '\ud800lone',
    'lone\udc00',
    '\u0000nul',
    '\u007fdel',
    `${ESC}${ESC}[31mtwice`,
    `${ESC}]0;a${ESC}[31mnested\u0007`,
    `${ESC}P${'q'.repeat(200)}`,
    `${ESC}[${'1;'.repeat(300)}m`,
    '\u2066\u2069\u061c',
    '\ufeffbom',
    'line\u2028sep\u2029para',
    '\u3164hangul\uffa0filler',
  ];
  return [...sequences, ...tricks];
}

describe('text for a terminal', () => {
  it('keeps what is plainly text, in any language', () => {
    for (const text of ['', 'plain\ttext\n', 'Grüße, 世界, שלום, مرحبا, हिन्दी, 🎉👍', 'a\u00a0b', '│ ─ █ ✓ …'])
      expect(sanitize(text)).toBe(text);
  });

  it('takes sequences away whole, and only them', () => {
    expect(sanitize(`a${ESC}[31mred${ESC}[0m b`)).toBe('ared b');
    expect(sanitize(`a${ESC}]52;c;aGFjaw==\u0007b`)).toBe('ab');
    expect(sanitize(`a${ESC}]8;;http://x${ESC}\\link${ESC}]8;;${ESC}\\b`)).toBe('alinkb');
    expect(sanitize(`a${ESC}Pq#0;2;0${ESC}\\b${ESC}_apc\u009cc${ESC}(Bd\u009b2Je`)).toBe('abcde');
    expect(sanitize(`a${ESC}]0;never ended\nnext line`)).toBe('a\nnext line');
    expect(sanitize(`a${ESC}`)).toBe('a');
  });

  it('lets nothing be overwritten, reordered or hidden', () => {
    expect(sanitize('evil\rgood')).toBe('evil\ngood');
    expect(sanitize('a\r\nb')).toBe('a\nb');
    expect(sanitize('ab\bc\u007f')).toBe('abc');
    expect(sanitize('a\u202eb\u200bc\u{e0041}d\ufe0f')).toBe('abcd');
    expect(sanitize('\ud83d')).toBe('\ufffd');
  });

  it('says what is hidden where a person decides', () => {
    expect(showHidden(`rm${ESC}[8m -rf\u202e /\r`)).toBe('rm<U+001B>[8m -rf<U+202E> /<U+000D>');
    expect(showHidden('plain\n🎉')).toBe('plain\n🎉');
  });

  const hostile = hostileStrings();

  it(`leaves nothing dangerous of ${hostile.length} hostile strings, cut anywhere`, () => {
    expect(hostile.length).toBeGreaterThanOrEqual(200);
    for (const text of hostile) {
      const whole = sanitize(text);
      expect(whole).not.toMatch(DANGEROUS);
      for (let at = 0; at <= text.length; at += 1) {
        const stream = new TerminalText();
        expect(stream.push(text.slice(0, at)) + stream.push(text.slice(at)) + stream.end()).toBe(whole);
      }
    }
  });

  it('leaves nothing dangerous of anything, in any pieces, and is safe to repeat', () => {
    const nasty = fc.constantFrom(
      ESC,
      '[',
      ']',
      '\\',
      '\u0007',
      '\r',
      '\n',
      '\b',
      ';',
      '1',
      'm',
      '\u009b',
      '\u009c',
      '\u009d',
      '\u202e',
      '\ud83d',
      '\ude00',
      '🎉',
      'a',
      '\u{e0041}',
      '\ufe0f',
    );
    const text = fc.oneof(
      fc.array(nasty, { maxLength: 40 }).map((chars) => chars.join('')),
      fc.string({ unit: 'binary' }),
    );
    fc.assert(
      fc.property(text, fc.array(fc.nat(40), { maxLength: 5 }), (input, cuts) => {
        const whole = sanitize(input);
        expect(whole).not.toMatch(DANGEROUS);
        expect(sanitize(whole)).toBe(whole);
        expect(showHidden(input)).not.toMatch(DANGEROUS);
        const stream = new TerminalText();
        const places = [...new Set([0, ...cuts.map((cut) => Math.min(cut, input.length)), input.length])].sort(
          (a, b) => a - b,
        );
        const pieces = places.slice(1).map((place, index) => stream.push(input.slice(places[index], place)));
        expect(pieces.join('') + stream.end()).toBe(whole);
      }),
      { numRuns: 5000 },
    );
  });
});

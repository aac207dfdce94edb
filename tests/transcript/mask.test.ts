import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createMasker } from '../../src/transcript/mask.js';

const SECRET = 'sk-live/4f+9 ü"x';

describe('masking', () => {
  it('hides values by name, the longer one where two begin alike, and leaves short and ordinary ones', () => {
    const masker = createMasker({
      KEY: 'abcdef123',
      LONG: 'abcdef123456',
      SHORT: 'abc',
      NODE_ENV: 'production',
      AGAIN: 'abcdef123',
    });
    expect(masker.mask('x abcdef123 y abcdef123456 z abc production')).toBe(
      'x [masked:KEY] y [masked:LONG] z abc production',
    );
    expect(createMasker({}).mask('abcdef123')).toBe('abcdef123');
  });

  it.each([
    ['plain', SECRET],
    ['percent-encoded', encodeURIComponent(SECRET)],
    ['in a form', encodeURIComponent(SECRET).replaceAll('%20', '+')],
    ['in JSON', JSON.stringify(SECRET).slice(1, -1)],
    ['as hex', Buffer.from(SECRET).toString('hex')],
  ])('hides a value %s', (_how, form) => {
    expect(createMasker({ KEY: SECRET }).mask(`<${form}>`)).toBe('<[masked:KEY]>');
  });

  it('hides a value inside base64 wherever it begins, in both alphabets', () => {
    const masker = createMasker({ KEY: SECRET });
    for (const encoding of ['base64', 'base64url'] as const) {
      for (const user of ['', 'u', 'us', 'use', 'user:']) {
        const shown = masker.mask(Buffer.from(`${user}${SECRET}@host`).toString(encoding));
        expect(shown).toContain('[masked:KEY]');
        // What is left beside the mask decodes to nothing of the secret.
        for (const rest of shown.split('[masked:KEY]')) expect(rest.length).toBeLessThan(12);
      }
    }
    const long = 'k'.repeat(50) + 'l'.repeat(50);
    const wrapped = Buffer.from(long).toString('base64').replaceAll(/.{76}/g, '$&\n');
    expect(createMasker({ LONG: long }).mask(wrapped)).toBe('[masked:LONG]');
  });

  it('hides the lines of a key alone', () => {
    const pem = '-----BEGIN KEY-----\nMIIEvQIBADANBgkqhkiG9w0B\nshort\n-----END KEY-----';
    expect(createMasker({ PEM: pem }).mask('head: MIIEvQIBADANBgkqhkiG9w0B')).toBe('head: [masked:PEM]');
  });

  it('gives the same in pieces as whole, and shows no beginning of a secret early', () => {
    const values = fc.uniqueArray(
      fc.string({ unit: fc.constantFrom('a', 'b', 'c', '+', '.'), minLength: 6, maxLength: 9 }),
      { minLength: 1, maxLength: 3 },
    );
    fc.assert(
      fc.property(
        values,
        fc.array(fc.oneof(fc.string({ unit: fc.constantFrom('a', 'b', 'c', '+', '.', ' ') }), fc.nat(2)), {
          maxLength: 12,
        }),
        (secrets, parts) => {
          const masker = createMasker(Object.fromEntries(secrets.map((value, index) => [`S${index}`, value])));
          const pieces = parts
            .map((part) => (typeof part === 'number' ? (secrets[part % secrets.length] ?? '') : part))
            .flatMap((text) => [text.slice(0, 3), text.slice(3)]);
          const stream = masker.stream();
          const shown: string[] = [];
          for (const piece of pieces) {
            shown.push(stream.push(piece));
            for (const secret of secrets) expect(shown.join('')).not.toContain(secret);
          }
          expect(shown.join('') + stream.end()).toBe(masker.mask(pieces.join('')));
        },
      ),
      { numRuns: 1500 },
    );
  });

  it('holds nothing back that cannot be a secret', () => {
    const stream = createMasker({ KEY: 'abcdef123' }).stream();
    expect(stream.push('hello ab')).toBe('hello ');
    expect(stream.push('out')).toBe('about');
    expect(stream.push('abcdef12')).toBe('');
    expect(stream.push('3!')).toBe('[masked:KEY]!');
    expect(stream.push('abc') + stream.end()).toBe('abc');
  });
});

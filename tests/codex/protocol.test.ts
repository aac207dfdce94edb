import { readFileSync } from 'node:fs';
import { describe, expect, expectTypeOf, it } from 'vitest';
import type { z } from 'zod';
import { NOTIFICATION_READERS } from '../../src/codex/notifications.js';
import type { ClientMethods, RESULTS } from '../../src/codex/protocol.js';

/** Methods of a union in the generated declarations. */
function methodsOf(union: string): string[] {
  const text = readFileSync('src/codex/generated/protocol.ts', 'utf8');
  const declaration = new RegExp(`export type ${union} = (.*);`).exec(text)?.[1] ?? '';
  return [...declaration.matchAll(/"method": "([^"]+)"/g)].map((match) => match[1] ?? '');
}

describe('the protocol of the pinned Codex', () => {
  it('has every notification decided about, and no other', () => {
    const declared = methodsOf('ServerNotification');
    expect(declared.length).toBeGreaterThan(80);
    expect([...NOTIFICATION_READERS.keys()].sort()).toEqual(declared.sort());
  });

  it('answers each request in a shape that our reading of it takes', () => {
    type Fits = {
      [M in keyof ClientMethods]: ClientMethods[M]['result'] extends z.input<(typeof RESULTS)[M]> ? true : M;
    };
    expectTypeOf<Fits[keyof Fits]>().toEqualTypeOf<true>();
  });
});

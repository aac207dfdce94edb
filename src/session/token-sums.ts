import type { Tokens } from '../contract/session.js';

/** What `a` is more than `b`, never less than nothing. */
export function minusTokens(a: Tokens, b: Tokens): Tokens {
  return combine(a, b, (x, y) => Math.max(0, x - y));
}

/** Both together. */
export function plusTokens(a: Tokens, b: Tokens): Tokens {
  return combine(a, b, (x, y) => x + y);
}

function combine(a: Tokens, b: Tokens, how: (x: number, y: number) => number): Tokens {
  return {
    total: how(a.total, b.total),
    input: how(a.input, b.input),
    cached_input: how(a.cached_input, b.cached_input),
    output: how(a.output, b.output),
    reasoning: how(a.reasoning, b.reasoning),
  };
}

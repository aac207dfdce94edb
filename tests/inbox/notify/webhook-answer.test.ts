import { expect, test } from 'vitest';
import { MAX_RETRY_AFTER_MS, retryAfterMs, webhookBackOffMs } from '../../../src/inbox/notify/webhook-answer.js';

const NOW_MS = Date.parse('2030-01-01T00:00:00Z');

test.each([
  [null, undefined],
  ['', undefined],
  ['soon', undefined],
  ['-1', undefined],
  ['1.5', undefined],
  ['0', 0],
  [' 7 ', 7000],
  ['121', MAX_RETRY_AFTER_MS],
  ['9'.repeat(400), MAX_RETRY_AFTER_MS],
  ['Tue, 01 Jan 2030 00:00:05 GMT', 5000],
  ['Tue, 01 Jan 2019 00:00:00 GMT', 0],
  ['Tue, 01 Jan 2099 00:00:00 GMT', MAX_RETRY_AFTER_MS],
  ['nonsense GMT', undefined],
])('Retry-After: %s asks for %s ms', (header, ms) => {
  expect(retryAfterMs(header, NOW_MS)).toBe(ms);
});

test('the waits double, and differ by a quarter either way', () => {
  expect([1, 2, 3, 4, 5].map((tries) => webhookBackOffMs(tries, 0.5))).toEqual([8000, 16_000, 32_000, 64_000, 128_000]);
  expect([webhookBackOffMs(1, 0), webhookBackOffMs(1, 1)]).toEqual([6000, 10_000]);
});

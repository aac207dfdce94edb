import type { Try } from './outcome.js';

/** A receiver may ask us to wait at most so long, in milliseconds. */
export const MAX_RETRY_AFTER_MS = 120_000;

const FIRST_WAIT_MS = 8000;
/** Failures that pass: the receiver was slow, too early, too busy. Server errors (5xx) too. */
const PASSING: ReadonlySet<number> = new Set([408, 425, 429]);

/** How long to wait after so many tries, in milliseconds: 8 s, then twice as long each time, a quarter more or less (`random` is from 0 to 1). */
export function webhookBackOffMs(tries: number, random: number): number {
  return FIRST_WAIT_MS * 2 ** (tries - 1) * (0.75 + random / 2);
}

/** What an answer's status means; 2xx alone is success. `retry_after` is that header. */
export function judgeStatus(status: number, retry_after: string | null, now_ms: number): Try {
  if (status >= 200 && status < 300) return { outcome: 'sent' };
  const error_kind = `http_${status}`;
  if (status >= 300 && status < 400) {
    const error = `was answered with a redirect (${status}), which is not followed`;
    return { outcome: 'failed', error, error_kind, again: false };
  }
  const again = PASSING.has(status) || status >= 500;
  const wait_ms = again ? retryAfterMs(retry_after, now_ms) : undefined;
  return { outcome: 'failed', error: `was answered with ${status}`, error_kind, again, wait_ms };
}

/** The milliseconds that a `Retry-After` asks for (RFC 9110: seconds, or a date), at most MAX_RETRY_AFTER_MS; undefined where it says nothing. */
export function retryAfterMs(header: string | null, now_ms: number): number | undefined {
  const text = header?.trim() ?? '';
  const asked = /^\d+$/.test(text) ? Number(text) * 1000 : /GMT$/.test(text) ? Date.parse(text) - now_ms : Number.NaN;
  return Number.isNaN(asked) ? undefined : Math.min(Math.max(asked, 0), MAX_RETRY_AFTER_MS);
}

import { FilareError } from '../contract/errors.js';

const UNIT_MS: Readonly<Record<string, number>> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 };

/** `90`, `90s`, `10m`, `1h30m`, `500ms` as milliseconds; a bare number is seconds. Anything else is `usage`, naming the option. */
export function parseDuration(text: string, option: string): number {
  const parts = [...text.matchAll(/(\d+(?:\.\d+)?)(ms|s|m|h|d)/g)];
  const whole = parts.map(([part]) => part).join('');
  if (/^\d+(\.\d+)?$/.test(text)) return Math.round(Number(text) * 1000);
  if (parts.length === 0 || whole !== text) {
    throw new FilareError({
      code: 'usage',
      message: `${option}: "${text}" is not a duration`,
      hint: 'write it as 30s, 10m, 1h30m or a number of seconds',
    });
  }
  return Math.round(parts.reduce((sum, [, number, unit]) => sum + Number(number) * (UNIT_MS[unit ?? ''] ?? 0), 0));
}

/** A moment given as RFC 3339, or as a duration before now, as RFC 3339 in UTC. */
export function parseMoment(text: string, option: string, now_ms: number): string {
  if (/^\d{4}-\d{2}-\d{2}/.test(text)) {
    const time = Date.parse(text);
    if (!Number.isNaN(time)) return new Date(time).toISOString();
  }
  if (/^[\d.]+(ms|s|m|h|d)/.test(text)) return new Date(now_ms - parseDuration(text, option)).toISOString();
  throw new FilareError({
    code: 'usage',
    message: `${option}: "${text}" is not a moment`,
    hint: 'write how long ago (10m, 2h) or RFC 3339 (2030-01-31T12:00:00Z)',
  });
}

/** A whole number of at least `least`; anything else is `usage`, naming the option. */
export function parseCount(text: string, option: string, least: number): number {
  const value = /^\d+$/.test(text) ? Number(text) : NaN;
  if (Number.isSafeInteger(value) && value >= least) return value;
  throw new FilareError({ code: 'usage', message: `${option}: "${text}" is not a whole number of at least ${least}` });
}

/** How long something took or lasts, for people: `850ms`, `12s`, `4m10s`, `2h05m`, `3d04h`. */
export function sayDuration(duration_ms: number): string {
  if (duration_ms < 1000) return `${Math.max(0, Math.round(duration_ms))}ms`;
  const seconds = Math.floor(duration_ms / 1000);
  if (seconds < 60) return `${seconds}s`;
  const minutes = Math.floor(seconds / 60);
  if (minutes < 60) return `${minutes}m${two(seconds % 60)}s`;
  const hours = Math.floor(minutes / 60);
  return hours < 24 ? `${hours}h${two(minutes % 60)}m` : `${Math.floor(hours / 24)}d${two(hours % 24)}h`;
}

/** Age of a moment in RFC 3339, for people, in whole seconds. */
export function sayAge(since: string, now_ms: number): string {
  const time = Date.parse(since);
  if (Number.isNaN(time)) return '?';
  const age_ms = now_ms - time;
  return age_ms < 1000 ? '0s' : sayDuration(age_ms);
}

/** A count for people: `987`, `12.3k`, `4.5M`. */
export function sayCount(count: number): string {
  if (count < 1000) return String(count);
  return count < 1_000_000 ? `${(count / 1000).toFixed(1)}k` : `${(count / 1_000_000).toFixed(1)}M`;
}

/** A size for people: `45.1 MiB`. */
export function sayBytes(bytes: number): string {
  const gib = bytes / 2 ** 30;
  return gib >= 1 ? `${gib.toFixed(1)} GiB` : `${(bytes / 2 ** 20).toFixed(1)} MiB`;
}

function two(value: number): string {
  return String(value).padStart(2, '0');
}

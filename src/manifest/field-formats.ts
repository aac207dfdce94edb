import { z } from 'zod';
import { parseCommandPattern } from '../contract/command-pattern.js';

const KIB = 1024;
const SIZE = /^\s*(\d+(?:\.\d+)?)\s*([bB]|[kmgtKMGT][iI]?[bB]?)\s*$/;
const SIZE_STEPS = ['b', 'k', 'm', 'g', 't'];
const DURATION = /^\s*(?:\d+(?:\.\d+)?\s*(?:ms|s|m|h|d)\s*)+$/;
const DURATION_PART = /(\d+(?:\.\d+)?)\s*(ms|s|m|h|d)/g;
const UNIT_MS: Readonly<Record<string, number>> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 };

/** Longest duration that can be asked for, in milliseconds (a year): timers and dates stay exact. */
export const MAX_DURATION_MS = 366 * 86_400_000;

// Patterns go into the JSON Schema, where flags are lost.
const ONE_LINE = /^[^\u0000-\u001f\u007f-\u009f\u2028\u2029]*$/;

/** Text on one line, not empty, without control characters. */
export const line = () => z.string().min(1).regex(ONE_LINE);

/** The words of a command that a rule is for. */
export const commandPatternField = () =>
  line().superRefine((text, context) => {
    const pattern = parseCommandPattern(text);
    if ('problem' in pattern) context.addIssue({ code: 'custom', message: pattern.problem, input: text });
  });

/** A path as written; what it means is found out later (expand-path.ts). */
export const path = () => z.string().min(1);

/** Text, or `{file: PATH}`. */
export const textOrFile = () =>
  z.union([
    z.string(),
    z.strictObject({ file: path().meta({ description: 'The file that holds the text.', expected: 'a path' }) }),
  ]);

/** A whole number, `least` or more. */
export const count = (least: number) => z.number().int().min(least);

/** A size: `512m`, `4g`, `1.5 GiB` (steps of 1024, as Docker's) or a number of bytes; becomes bytes. */
export function sizeField(least_bytes: number, why: string) {
  return z.union([z.number().positive(), z.string().regex(SIZE)]).transform((value, context) => {
    const bytes = Math.round(typeof value === 'number' ? value : bytesOf(value));
    if (Number.isSafeInteger(bytes) && bytes >= least_bytes) return bytes;
    const problem = bytes < least_bytes ? `is less than ${why}` : 'is more than any machine has';
    context.addIssue({ code: 'custom', message: problem, input: value });
    return z.NEVER;
  });
}

/** A duration: `15s`, `15 s`, `10m`, `1h30m` or a number of seconds; becomes milliseconds. */
export function durationField(least_ms: number) {
  return z.union([z.number().nonnegative(), z.string().regex(DURATION)]).transform((value, context) => {
    const ms = Math.round(typeof value === 'number' ? value * 1000 : millisecondsOf(value));
    if (ms >= least_ms && ms <= MAX_DURATION_MS) return ms;
    const problem = ms < least_ms ? `is shorter than ${least_ms} ms` : 'is longer than a year';
    context.addIssue({ code: 'custom', message: problem, input: value });
    return z.NEVER;
  });
}

/** A number of processors: `2`, `0.5` or `"1.5"`. */
export function cpusField() {
  return z.union([z.number(), z.string().regex(/^\s*\d+(\.\d+)?\s*$/)]).transform((value, context) => {
    const cpus = Number(value);
    if (cpus >= 0.01 && cpus <= 1024) return cpus;
    context.addIssue({ code: 'custom', message: 'is not between 0.01 and 1024', input: value });
    return z.NEVER;
  });
}

/** `host` or `host:port`; a host is a name, an IPv4 address or an IPv6 address in brackets. */
export const HOST_AND_PORT =
  /^(?:\[[0-9A-Fa-f:]+\]|(?:\*\.)?[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?(?:\.[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?)*)(?::(?:[1-9]\d{0,3}|[1-5]\d{4}|6[0-4]\d{3}|65[0-4]\d{2}|655[0-2]\d|6553[0-5]))?$/;

/** Bytes as people write them in a manifest: `4g`, `512m`, else the number. */
export function sizeText(bytes: number): string | number {
  for (let step = SIZE_STEPS.length - 1; step > 0; step -= 1) {
    const unit = KIB ** step;
    if (bytes >= unit && bytes % unit === 0) return `${bytes / unit}${SIZE_STEPS[step] ?? ''}`;
  }
  return bytes;
}

/** Milliseconds as people write them in a manifest: `1h30m`, `15s`, `250ms`. */
export function durationText(ms: number): string {
  let left = ms;
  let text = '';
  for (const unit of ['d', 'h', 'm', 's', 'ms']) {
    const length_ms = UNIT_MS[unit] ?? 1;
    const count = Math.floor(left / length_ms);
    if (count > 0) text += `${count}${unit}`;
    left -= count * length_ms;
  }
  return text === '' ? '0s' : text;
}

function bytesOf(text: string): number {
  const [, number = '', unit = ''] = SIZE.exec(text) ?? [];
  return Number(number) * KIB ** SIZE_STEPS.indexOf(unit.charAt(0).toLowerCase());
}

function millisecondsOf(text: string): number {
  let sum = 0;
  for (const [, number, unit] of text.matchAll(DURATION_PART))
    sum += Number(number) * (UNIT_MS[unit ?? ''] ?? Number.NaN);
  return sum;
}

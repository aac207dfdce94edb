import { posix } from 'node:path';
import { isWithin } from './real-place.js';

/** Places in the container that nothing may cover, with what is inside them: what runs and guards the agent stands there. */
const CLOSED = [
  '/bin',
  '/boot',
  '/dev',
  '/etc',
  '/io',
  '/lib',
  '/lib32',
  '/lib64',
  '/opt/codex',
  '/proc',
  '/run',
  '/sbin',
  '/sys',
  '/usr',
  '/var/run',
  '/home/agent/.codex',
];
/** Places that may not be covered themselves, while what lies in them may. */
const CLOSED_ITSELF = ['/', '/home', '/home/agent', '/home/agent/workspace', '/opt', '/root', '/tmp', '/var'];

/** Why nothing may be mounted at this place of the container, or undefined when something may. `target` is as written. */
export function whyNotTarget(target: string): string | undefined {
  if (!target.startsWith('/')) return 'is not absolute';
  if (/[\p{Cc}]/u.test(target)) return 'holds a control character';
  const place = normalTarget(target);
  const closed = CLOSED.find((folder) => isWithin(place, folder));
  if (closed !== undefined)
    return `would cover ${closed === place ? 'what' : `a part of ${closed}, which`} the container needs`;
  return CLOSED_ITSELF.includes(place) ? 'would cover what the container needs' : undefined;
}

/** A target without `.`, `..`, doubled and final slashes. */
export function normalTarget(target: string): string {
  const place = posix.normalize(target).replace(/\/+$/, '');
  return place === '' ? '/' : place.replace(/^\/\//, '/');
}

import type { Retention } from '../contract/retention.js';

const DAY_MS = 24 * 60 * 60 * 1000;

/** A session that has ended, as far as its keeping matters. */
export interface EndedRecord {
  readonly session_id: string;
  /** The agent's id. */
  readonly id: string;
  readonly ended_ms: number;
  /** What its folder takes of the disk. */
  readonly bytes: number;
}

/** Which of the sessions go, oldest first, and why. What none of the rules speaks of stays. */
export function retentionPlan(
  ended: readonly EndedRecord[],
  { days, keep_last, total_bytes }: Retention,
  now_ms: number,
): readonly { readonly session_id: string; readonly reason: string }[] {
  const oldest_first = [...ended].sort((a, b) => a.ended_ms - b.ended_ms || a.session_id.localeCompare(b.session_id));
  const among_last = new Set<string>();
  const seen = new Map<string, number>();
  for (const { session_id, id } of oldest_first.toReversed()) {
    const newer = seen.get(id) ?? 0;
    seen.set(id, newer + 1);
    if (keep_last !== null && newer < keep_last) among_last.add(session_id);
  }
  let left = ended.reduce((sum, { bytes }) => sum + bytes, 0);
  const gone: { session_id: string; reason: string }[] = [];
  for (const { session_id, ended_ms, bytes } of oldest_first) {
    if (among_last.has(session_id)) continue;
    const age_days = (now_ms - ended_ms) / DAY_MS;
    const is_recent = days !== null && age_days <= days;
    const is_kept = is_recent || (days === null && keep_last === null);
    const reason = is_kept
      ? total_bytes !== null && left > total_bytes
        ? `ended sessions take ${mib(left)}, retention.total_size is ${mib(total_bytes)}; it is the oldest`
        : null
      : days === null
        ? `it is not among the last ${keep_last ?? 0} of its agent (retention.keep_last)`
        : `it ended ${Math.floor(age_days)} days ago, retention.days is ${days}`;
    if (reason === null) continue;
    left -= bytes;
    gone.push({ session_id, reason });
  }
  return gone;
}

function mib(bytes: number): string {
  return `${(bytes / 2 ** 20).toFixed(1)} MiB`;
}

import { FilareError } from '../contract/errors.js';
import type { SessionRow } from '../contract/session.js';

/** The session id that a user means: an exact agent id (its latest session), an exact session id, a unique prefix of one, in this order. */
export function resolveRef(ref: string, rows: readonly SessionRow[]): string {
  const ofAgent = rows.filter((row) => row.id === ref).sort((a, b) => a.started_at.localeCompare(b.started_at));
  const latest = ofAgent.at(-1);
  if (latest !== undefined) return latest.session_id;
  const exact = rows.find((row) => row.session_id === ref);
  if (exact !== undefined) return exact.session_id;
  const candidates = rows.filter((row) => row.session_id.startsWith(ref)).map((row) => row.session_id);
  const [only, ...more] = candidates;
  if (only === undefined) {
    const meant = rows.find((row) => row.id.toLowerCase() === ref.toLowerCase());
    throw new FilareError({
      code: 'not_found',
      message: `no session or agent is called ${ref}`,
      hint: meant === undefined ? 'see them all: filare-agents list --all' : `did you mean ${meant.id}?`,
    });
  }
  if (more.length > 0) {
    throw new FilareError({
      code: 'usage',
      message: `${ref} is the beginning of ${String(candidates.length)} sessions: ${candidates.slice(0, 10).join(', ')}`,
      hint: 'type more of it',
      details: { candidates },
    });
  }
  return only;
}

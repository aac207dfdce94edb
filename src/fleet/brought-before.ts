import type { Homecomer } from '../homecoming/homecoming.js';
import { ledgerFacts } from '../session/ledger-facts.js';
import { sessionFiles } from '../session/session-files.js';
import type { Fleet } from './fleet.js';

/**
 * The last commit that a sync brought into a branch, out of this session or else out of the latest one before it of the same agent; null when no record says so.
 */
export async function broughtBefore(
  fleet: Pick<Fleet, 'rows' | 'find'>,
  of: Homecomer,
  into: string,
): Promise<string | null> {
  const rows = fleet.rows(true).filter((row) => row.id === of.agent.id);
  const last = rows.findIndex((row) => row.session_id === of.session_id);
  for (const { session_id } of rows.slice(0, last + 1).reverse()) {
    const told = await lastInto(sessionFiles(fleet.find(session_id).folder).ledger, into);
    if (told !== 'nothing') return told;
  }
  return null;
}

/** What a ledger tells of it; null when it cannot be read, and what was before it may not be the last. */
async function lastInto(ledger: string, into: string): Promise<string | null> {
  let told = 'nothing';
  try {
    for await (const fact of ledgerFacts(ledger)) if (fact.type === 'synced' && fact.into === into) told = fact.commit;
  } catch {
    return null;
  }
  return told;
}

import type { AgentSpec } from '../contract/agent-spec.js';
import { ledgerFacts } from '../session/ledger-facts.js';

/** Where a session began. */
export interface Origin {
  readonly agent: AgentSpec;
  readonly branch: string | null;
  /** The commit that was checked out when its first attempt was prepared; null: there was none. */
  readonly base: string | null;
  /** Its workspace was made for it. */
  readonly seeded: boolean;
}

/**
 * Where a session began, from its ledger: what the first attempt was given. Later attempts begin at what the session itself has done. Null when it
 * never had a workspace, or its ledger cannot be read.
 */
export async function readOrigin(ledger: string): Promise<Origin | null> {
  let agent: AgentSpec | null = null;
  try {
    for await (const fact of ledgerFacts(ledger)) {
      if (fact.type === 'created') agent = fact.agent;
      if (fact.type !== 'workspace_ready' || agent === null) continue;
      return { agent, branch: fact.branch, base: fact.head, seeded: fact.how !== 'existing' };
    }
  } catch {
    return null;
  }
  return null;
}

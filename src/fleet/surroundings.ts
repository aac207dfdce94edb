import type { AgentSpec } from '../contract/agent-spec.js';
import type { Retention } from '../contract/retention.js';
import type { Policy } from '../inbox/policy.js';
import type { SessionSurroundings } from '../session/surroundings.js';
import type { CallLog } from './call-log.js';
import type { StandingRules } from './standing-rules.js';
import type { UsageBook } from './usage-book.js';

/** What the daemon hands in: what each session is given too, and what is for the fleet alone. */
export interface FleetSurroundings extends Pick<
  SessionSurroundings,
  'engine' | 'paths' | 'resources' | 'instance' | 'user' | 'caller_uid' | 'boot_id' | 'log' | 'now_ms' | 'random'
> {
  /** Judges what agents ask. */
  readonly policy: Policy;
  readonly standing: StandingRules;
  readonly calls: CallLog;
  readonly usage: UsageBook;
  /** Agents that the project's manifests declare now; rejects with the manifests' mistakes. */
  readonly declared: () => Promise<readonly AgentSpec[]>;
  /** Which ended sessions are kept; null: all. Rejects with the mistake of who wrote it. */
  readonly retention: () => Promise<Retention | null>;
  /** How many agents may run at once where a start does not say; null: as many as the memory holds. Rejects with the mistake of who wrote it. */
  readonly max_parallel: () => Promise<number | null>;
}

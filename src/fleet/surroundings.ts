import type { Logger } from 'pino';
import type { AgentSpec } from '../contract/agent-spec.js';
import type { ProjectPaths } from '../contract/project.js';
import type { Retention } from '../contract/retention.js';
import type { Engine } from '../engine/engine.js';
import type { Policy } from '../inbox/policy.js';
import type { ProjectLedger } from '../ledger/project-ledger.js';
import type { ContainerUser } from '../session/attempt-folder.js';
import type { CallLog } from './call-log.js';
import type { StandingRules } from './standing-rules.js';
import type { UsageBook } from './usage-book.js';

/** What the daemon hands in. */
export interface FleetSurroundings {
  readonly engine: Engine;
  readonly paths: ProjectPaths;
  readonly resources: ProjectLedger;
  /** Which life of the project this is; see LABEL.instance. */
  readonly instance: string;
  readonly user: ContainerUser;
  readonly caller_uid: number;
  /** Judges what agents ask. */
  readonly policy: Policy;
  readonly standing: StandingRules;
  readonly calls: CallLog;
  readonly usage: UsageBook;
  /** Which start of the machine this is; null where that cannot be known. */
  readonly boot_id: string | null;
  /** Agents that the project's manifests declare now; rejects with the manifests' mistakes. */
  readonly declared: () => Promise<readonly AgentSpec[]>;
  /** Which ended sessions are kept; null: all. Rejects with the mistake of who wrote it. */
  readonly retention: () => Promise<Retention | null>;
  /** How many agents may run at once where a start does not say; null: as many as the memory holds. Rejects with the mistake of who wrote it. */
  readonly max_parallel: () => Promise<number | null>;
  readonly log: Logger;
  readonly now_ms: () => number;
  readonly random: (characters: number) => string;
}

import type { Logger } from 'pino';
import type { AgentSpec } from '../contract/agent-spec.js';
import type { ProjectPaths } from '../contract/project.js';
import type { RehearsalProvider } from '../codex/config-toml.js';
import type { BindMount, Engine } from '../engine/engine.js';
import type { ProjectLedger } from '../ledger/project-ledger.js';
import type { ContainerUser } from './attempt-folder.js';

/** How an agent reaches the rehearsal's model server. */
export interface RehearsalEndpoint {
  /** What the agent's config.toml says of it. */
  readonly provider: (agent: AgentSpec) => RehearsalProvider;
  /** Files that this configuration names. */
  readonly binds: readonly BindMount[];
}

/** What the fleet hands to every session. */
export interface SessionSurroundings {
  readonly engine: Engine;
  readonly paths: ProjectPaths;
  readonly resources: ProjectLedger;
  /** Which life of the project this is; stands on all that the engine makes for it. */
  readonly instance: string;
  readonly user: ContainerUser;
  readonly caller_uid: number;
  readonly log: Logger;
  readonly now_ms: () => number;
  /** Which start of the machine this is; null where that cannot be known. */
  readonly boot_id: string | null;
  /** 4 random characters of [a-z0-9]. */
  readonly random: (characters: number) => string;
  /** Makes sure that the network of this agent exists and names it. */
  readonly network: (agent: AgentSpec) => Promise<string>;
  /** Where the rehearsal's model is; makes sure that it runs. */
  readonly rehearsal: (signal: AbortSignal) => Promise<RehearsalEndpoint>;
  /** Folders that other agents can write, beside the default workspaces: nothing is seeded from them. */
  readonly agentFolders: (session_id: string) => readonly string[];
  /** Null when this session may begin, which it then does; else for what it waits. Asked again whenever that may have changed. */
  readonly noRoom: (session_id: string) => string | null;
  /** Why the engine cannot be asked now, as a sentence; null while it answers. */
  readonly engineTrouble: () => string | null;
  /** The manifest that the agent was read from is not what it was then. Never throws; cheap. */
  readonly manifestChanged: (agent: AgentSpec) => boolean;
  /** Carries out a tool for an agent that orchestrates. Never rejects for what the agent got wrong: that is `success: false`. */
  readonly callTool: (
    agent: AgentSpec,
    call: { readonly tool: string; readonly arguments: unknown; readonly key: string; readonly signal: AbortSignal },
  ) => Promise<{ readonly success: boolean; readonly text: string }>;
  /** Runs work with at most so many launches at once. The signal ends the wait for a turn; work that has begun is always awaited. */
  readonly launchSlot: <T>(work: () => Promise<T>, signal: AbortSignal) => Promise<T>;
}

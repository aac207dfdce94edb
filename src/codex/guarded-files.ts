import { IN_CONTAINER } from './container-paths.js';

/** Something in the Codex home that must be covered, read-only, before Codex starts. */
export interface GuardedPath {
  /** As the container sees it. */
  readonly path: string;
  readonly kind: 'file' | 'folder';
  /** Why it may not be the agent's. */
  readonly reason: string;
}

/**
 * What Codex 0.169 obeys in its home, whatever config.toml says, so that an agent, which can write there, would run programs with
 * Codex's environment (the model key in it) or decide its own approvals from the next attempt on. Each is covered by an empty
 * read-only mount; `config.toml` by the one that `configToml` makes. Measured, and held by tests/codex/hostile-home.test.ts.
 */
export const GUARDED_PATHS: readonly GuardedPath[] = [
  { path: `${IN_CONTAINER.codex_home}/rules`, kind: 'folder', reason: 'rules with decision "allow" approve commands' },
  {
    path: `${IN_CONTAINER.codex_home}/.env`,
    kind: 'file',
    reason: 'read at start, over the environment: a proxy, another certificate store, another model key',
  },
  {
    path: `${IN_CONTAINER.codex_home}/environments.toml`,
    kind: 'file',
    reason: 'its programs are started with Codex, with its environment',
  },
];

/**
 * PATH of the Codex process itself: no program is found there. Codex runs `git status` in the workspace at every turn, and git runs
 * filters that `.git/config` and `.gitattributes` name, with the model key in their environment; without git it does not.
 * Commands of the agent get COMMAND_PATH through the configuration.
 */
export const CODEX_PROCESS_PATH = '/nonexistent';

/** PATH of the commands that the agent runs. */
export const COMMAND_PATH = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin:/home/agent/.local/bin';

import { createHash } from 'node:crypto';
import { join } from 'node:path';

/** A unix socket's path must stay below this many bytes on every system. */
export const MAX_SOCKET_PATH_BYTES = 100;

/** Where a project keeps things. All absolute. */
export interface ProjectPaths {
  readonly root: string;
  /** `.filare`, mode 0700. */
  readonly state: string;
  readonly outputs: string;
  readonly workspaces: string;
  /** Where work is brought home by way of; empty between two calls. */
  readonly homecoming: string;
  /** Per agent: `<agents>/<id>/home`, `<agents>/<id>/codex`. */
  readonly agents: string;
  readonly ledger: string;
  /** Rules that answers made "always". */
  readonly rules: string;
  /** Calls of the tools with which agents are driven. */
  readonly calls: string;
  /** Tokens used, turn by turn. */
  readonly usage: string;
  readonly daemon_log: string;
  /** Which format the state folder has, and whose it is. */
  readonly format: string;
  /** 16 hex digits: names containers, networks, sockets and locks of this project. */
  readonly key: string;
  readonly socket: string;
}

/** Paths of the project whose folder (real path) is `root`; `runtimeDir` is $XDG_RUNTIME_DIR or a private folder, used when the project's own path is too long for a socket. */
export function projectPaths(root: string, runtimeDir: string): ProjectPaths {
  const key = createHash('sha256').update(root).digest('hex').slice(0, 16);
  const state = join(root, '.filare');
  const near = join(state, 'daemon.sock');
  return {
    root,
    state,
    outputs: join(root, 'outputs', 'agents'),
    workspaces: join(state, 'workspaces'),
    homecoming: join(state, 'homecoming'),
    agents: join(state, 'agents'),
    ledger: join(state, 'ledger.jsonl'),
    rules: join(state, 'rules.jsonl'),
    calls: join(state, 'calls.jsonl'),
    usage: join(state, 'usage.jsonl'),
    daemon_log: join(state, 'daemon.log'),
    format: join(state, 'format.json'),
    key,
    socket: Buffer.byteLength(near) < MAX_SOCKET_PATH_BYTES ? near : join(runtimeDir, `filare-${key}.sock`),
  };
}

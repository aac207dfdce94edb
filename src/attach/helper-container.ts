import type { ContainerRequest } from '../engine/engine.js';
import { IN_CONTAINER } from '../session/container-request.js';
import { helperRequest } from '../session/helper-request.js';
import { LABEL } from '../session/labels.js';
import { ALIVE_PATH } from './relay.js';

/** `filare.purpose` of the container that an attached terminal runs in. */
export const ATTACH_PURPOSE = 'attach';
/** Where that container finds the relay. */
const RELAY = '/run/filare-attach';
/** The relay's socket in its folder. */
export const SOCKET_NAME = 's';

const MEMORY_BYTES = 512 * 2 ** 20;

/** What the container is made of. */
export interface TerminalInputs {
  readonly name: string;
  /** Of the agent's own container: the same Codex. */
  readonly image: string;
  /** Host folder with the relay's socket, and nothing else. */
  readonly relay_folder: string;
  readonly session_id: string;
  readonly agent_id: string;
}

/**
 * The container that Codex's terminal interface runs in, beside the agent's: no network, no workspace, no home, no secret; of the host it sees only the
 * relay's socket. Its first process waits for the relay, so that it ends with the daemon whatever becomes of it. Pure.
 */
export function terminalRequest(around: Parameters<typeof helperRequest>[0], inputs: TerminalInputs): ContainerRequest {
  const own = `uid=${String(around.user.uid)},gid=${String(around.user.gid)}`;
  return helperRequest(around, {
    name: inputs.name,
    image: inputs.image,
    purpose: ATTACH_PURPOSE,
    labels: { [LABEL.session]: inputs.session_id, [LABEL.agent]: inputs.agent_id },
    env: { HOME: IN_CONTAINER.home, CODEX_HOME: IN_CONTAINER.codex_home, LANG: 'C.UTF-8', TERM: 'xterm-256color' },
    entrypoint: ['/usr/bin/tini', '--', '/usr/bin/curl'],
    command: ['--silent', '--no-buffer', '--unix-socket', `${RELAY}/${SOCKET_NAME}`, `http://relay${ALIVE_PATH}`],
    working_dir: IN_CONTAINER.workspace,
    binds: [{ source: inputs.relay_folder, target: RELAY, read_only: true }],
    tmpfs: [
      { target: IN_CONTAINER.codex_home, options: `rw,noexec,nosuid,nodev,size=64m,mode=0700,${own}` },
      { target: '/tmp', options: 'rw,noexec,nosuid,nodev,size=16m,mode=1777' },
    ],
    memory_bytes: MEMORY_BYTES,
  });
}

/** The command that opens the thread there. */
export function openThread(thread_id: string): readonly string[] {
  return ['/usr/local/bin/codex', 'resume', thread_id, '--remote', `unix://${RELAY}/${SOCKET_NAME}`];
}

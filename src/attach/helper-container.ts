import { createHash } from 'node:crypto';
import type { ContainerUser } from '../session/attempt-folder.js';
import type { ContainerRequest } from '../engine/engine.js';
import { IN_CONTAINER } from '../session/container-request.js';
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
export interface HelperInputs {
  readonly name: string;
  /** Of the agent's own container: the same Codex. */
  readonly image: string;
  /** Host folder with the relay's socket, and nothing else. */
  readonly relay_folder: string;
  readonly user: ContainerUser;
  readonly owner_uid: number;
  readonly project_key: string;
  readonly instance: string;
  readonly session_id: string;
  readonly agent_id: string;
}

/**
 * The container that Codex's terminal interface runs in, beside the agent's: no network, no workspace, no home, no secret; of the host it sees only the
 * relay's socket. Its first process waits for the relay, so that it ends with the daemon whatever becomes of it. Pure.
 */
export function helperRequest(inputs: HelperInputs): ContainerRequest {
  const { uid, gid } = inputs.user;
  const own = `uid=${String(uid)},gid=${String(gid)}`;
  const request: ContainerRequest = {
    name: inputs.name,
    image: inputs.image,
    labels: {
      [LABEL.project]: inputs.project_key,
      [LABEL.instance]: inputs.instance,
      [LABEL.session]: inputs.session_id,
      [LABEL.agent]: inputs.agent_id,
      [LABEL.owner]: String(inputs.owner_uid),
      [LABEL.purpose]: ATTACH_PURPOSE,
    },
    user: `${String(uid)}:${String(gid)}`,
    env: { HOME: IN_CONTAINER.home, CODEX_HOME: IN_CONTAINER.codex_home, LANG: 'C.UTF-8', TERM: 'xterm-256color' },
    entrypoint: ['/usr/bin/tini', '--', '/usr/bin/curl'],
    command: ['--silent', '--no-buffer', '--unix-socket', `${RELAY}/${SOCKET_NAME}`, `http://relay${ALIVE_PATH}`],
    working_dir: IN_CONTAINER.workspace,
    binds: [{ source: inputs.relay_folder, target: RELAY, read_only: true }],
    tmpfs: [
      { target: IN_CONTAINER.codex_home, options: `rw,noexec,nosuid,nodev,size=64m,mode=0700,${own}` },
      { target: '/tmp', options: 'rw,noexec,nosuid,nodev,size=16m,mode=1777' },
    ],
    cpus: 1,
    memory_bytes: MEMORY_BYTES,
    pids: 128,
    network: { name: 'none' },
    extra_hosts: [],
    read_only_root: true,
    open_files: 4096,
    hostname: 'attach',
  };
  const hash = createHash('sha256').update(JSON.stringify(request)).digest('hex').slice(0, 16);
  return { ...request, labels: { ...request.labels, [LABEL.request]: hash } };
}

/** The command that opens the thread there. */
export function openThread(thread_id: string): readonly string[] {
  return ['/usr/local/bin/codex', 'resume', thread_id, '--remote', `unix://${RELAY}/${SOCKET_NAME}`];
}

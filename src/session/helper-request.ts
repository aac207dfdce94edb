import { createHash } from 'node:crypto';
import type { BindMount, ContainerRequest, TmpfsMount } from '../engine/engine.js';
import { LABEL } from './labels.js';
import type { SessionSurroundings } from './surroundings.js';

const PIDS = 128;
const OPEN_FILES = 4096;

/** What a short-lived container of ours is for, and what it is given. */
export interface HelperContainer {
  readonly name: string;
  readonly image: string;
  /** `filare.purpose`. */
  readonly purpose: string;
  /** Further labels. */
  readonly labels?: Readonly<Record<string, string>>;
  readonly env: Readonly<Record<string, string>>;
  readonly entrypoint: readonly string[];
  readonly command: readonly string[];
  readonly working_dir: string;
  readonly binds: readonly BindMount[];
  readonly tmpfs: readonly TmpfsMount[];
  readonly memory_bytes: number;
}

/**
 * The request for a container that does one thing beside an agent's: the user that agents have, no network, a read-only root, bounded, labelled as ours
 * with a hash of the request. Pure.
 */
export function helperRequest(
  around: Pick<SessionSurroundings, 'paths' | 'instance' | 'user' | 'caller_uid'>,
  helper: HelperContainer,
): ContainerRequest {
  const { paths, instance, user, caller_uid } = around;
  const { purpose, labels, ...given } = helper;
  const request: ContainerRequest = {
    ...given,
    labels: {
      [LABEL.project]: paths.key,
      [LABEL.instance]: instance,
      [LABEL.owner]: String(caller_uid),
      [LABEL.purpose]: purpose,
      ...labels,
    },
    user: `${String(user.uid)}:${String(user.gid)}`,
    cpus: 1,
    pids: PIDS,
    network: { name: 'none' },
    extra_hosts: [],
    read_only_root: true,
    open_files: OPEN_FILES,
    hostname: purpose,
  };
  const hash = createHash('sha256').update(JSON.stringify(request)).digest('hex').slice(0, 16);
  return { ...request, labels: { ...request.labels, [LABEL.request]: hash } };
}

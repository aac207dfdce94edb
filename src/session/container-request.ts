import { createHash } from 'node:crypto';
import type { AgentSpec } from '../contract/agent-spec.js';
import { GUARDED_PATHS } from '../codex/guarded-files.js';
import { SKILLS_IN_CONTAINER } from '../codex/project-skills.js';
import type { BindMount, ContainerRequest } from '../engine/engine.js';
import type { AttemptFolder, ContainerUser } from './attempt-folder.js';
import { attemptLabels, LABEL } from './labels.js';

/** Where things are in every agent's container. */
export const IN_CONTAINER = {
  home: '/home/agent',
  workspace: '/home/agent/workspace',
  codex_home: '/home/agent/.codex',
  images: '/opt/filare/images',
  ssh_agent_socket: '/run/filare/ssh-agent.sock',
} as const;

/** Not above what engines started by hand have themselves (a container may not raise it). */
const OPEN_FILES = 4096;
const TMP_SIZE = '1g';

/** Everything a container request is made of. */
export interface RequestInputs {
  readonly project_key: string;
  /** Of the project; see LABEL.instance. */
  readonly instance?: string | undefined;
  readonly session_id: string;
  readonly agent: AgentSpec;
  readonly attempt: number;
  readonly branch: string | null;
  readonly user: ContainerUser;
  readonly owner_uid: number;
  readonly paths: AttemptFolder;
  readonly home: string;
  readonly codex_home: string;
  /** Folder to mount at /io. */
  readonly io_folder: string;
  /** Network to join; `none` for none. */
  readonly network: string;
  /** Folder with the images that were sent. */
  readonly images: string;
  readonly extra_binds: readonly BindMount[];
  readonly stage: 'codex' | 'startup';
}

/** The name of an attempt's container. */
export function containerName(session_id: string, attempt: number, stage: 'codex' | 'startup'): string {
  return `filare-${session_id}-${String(attempt)}${stage === 'startup' ? '-startup' : ''}`;
}

/** The exact request for an attempt's container: hardened, limited, labelled, without a secret. Pure. */
export function containerRequest(inputs: RequestInputs): ContainerRequest {
  const { agent, user, stage } = inputs;
  const owner = `uid=${String(user.uid)},gid=${String(user.gid)}`;
  const request: ContainerRequest = {
    name: containerName(inputs.session_id, inputs.attempt, stage),
    image: agent.image,
    labels: attemptLabels({
      project_key: inputs.project_key,
      instance: inputs.instance,
      session_id: inputs.session_id,
      agent,
      branch: inputs.branch,
      attempt: inputs.attempt,
      purpose: stage === 'codex' ? 'agent' : 'startup',
      owner_uid: inputs.owner_uid,
    }),
    user: `${String(user.uid)}:${String(user.gid)}`,
    env: {
      HOME: IN_CONTAINER.home,
      CODEX_HOME: IN_CONTAINER.codex_home,
      LANG: 'C.UTF-8',
      TERM: 'xterm-256color',
      FILARE_STAGE: stage,
      FILARE_AGENT: agent.id,
      FILARE_ROLE: agent.role,
      ...(agent.ssh_key === undefined ? {} : { SSH_AUTH_SOCK: IN_CONTAINER.ssh_agent_socket }),
    },
    command: [],
    working_dir: IN_CONTAINER.home,
    binds: binds(inputs),
    tmpfs: [
      { target: '/tmp', options: `rw,exec,nosuid,nodev,size=${TMP_SIZE},mode=1777` },
      { target: '/run', options: `rw,noexec,nosuid,nodev,size=64m,mode=0700,${owner}` },
    ],
    cpus: agent.resources.cpus,
    memory_bytes: agent.resources.memory_bytes,
    pids: agent.resources.pids,
    network: { name: inputs.network },
    extra_hosts: inputs.network === 'none' ? [] : ['host.docker.internal:host-gateway'],
    read_only_root: true,
    open_files: OPEN_FILES,
    hostname: agent.id.toLowerCase().replaceAll('_', '-').replace(/-+$/, ''),
  };
  const hash = createHash('sha256').update(JSON.stringify(request)).digest('hex').slice(0, 16);
  return { ...request, labels: { ...request.labels, [LABEL.request]: hash } };
}

function binds(inputs: RequestInputs): readonly BindMount[] {
  const { agent, paths } = inputs;
  const readOnly = (source: string, target: string): BindMount => ({ source, target, read_only: true });
  const writable = (source: string, target: string): BindMount => ({ source, target, read_only: false });
  return [
    writable(inputs.home, IN_CONTAINER.home),
    writable(agent.workspace.path, IN_CONTAINER.workspace),
    writable(inputs.codex_home, IN_CONTAINER.codex_home),
    readOnly(paths.config_toml, `${IN_CONTAINER.codex_home}/config.toml`),
    ...GUARDED_PATHS.map(({ path, kind }) => readOnly(kind === 'folder' ? paths.empty_folder : paths.empty_file, path)),
    ...((agent.commands?.length ?? 0) === 0 ? [] : [readOnly(paths.skills, SKILLS_IN_CONTAINER)]),
    readOnly(paths.passwd, '/etc/passwd'),
    readOnly(paths.group, '/etc/group'),
    readOnly(paths.gitconfig, '/etc/gitconfig'),
    readOnly(paths.known_hosts, '/etc/ssh/ssh_known_hosts'),
    writable(inputs.io_folder, '/io'),
    ...(inputs.stage === 'startup' ? [readOnly(paths.startup_script, '/run/filare-startup/script')] : []),
    readOnly(inputs.images, IN_CONTAINER.images),
    ...inputs.extra_binds,
    ...agent.mounts.map((mount) => ({ source: mount.source, target: mount.target, read_only: mount.read_only })),
  ];
}

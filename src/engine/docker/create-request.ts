/**
 * What the engine is told of one container: pure, so that a dry run prints exactly what a start sends. The hardening lives here and
 * nowhere else: no capability, no new privileges, the engine's default seccomp profile (by naming none), no swap, no restart by
 * the engine, removal by the engine only when asked, no standard input, no terminal, private IPC, no core files, a small log.
 */
import { FilareError } from '../../contract/errors.js';
import type { ContainerRequest } from '../engine.js';

const NANO_PER_CPU = 1_000_000_000;
/** Nothing of ours is read from the engine's log but short output of start-up scripts. The `local` driver glues long lines. */
const LOG_MAX_SIZE = '1m';
const LOG_MAX_FILES = '1';

/**
 * The exact body of the engine request that creates this container. Throws `usage` for user 0 and for networks that would share
 * the host's or another container's network.
 */
export function describeCreate(request: ContainerRequest) {
  refuseUnsafe(request);
  const { name: network, aliases } = request.network;
  return {
    Image: request.image,
    Hostname: request.hostname,
    User: request.user,
    Env: Object.entries(request.env).map(([name, value]) => `${name}=${value}`),
    ...(request.entrypoint === undefined ? {} : { Entrypoint: [...request.entrypoint] }),
    Cmd: [...request.command],
    WorkingDir: request.working_dir,
    Labels: { ...request.labels },
    StopSignal: 'SIGTERM',
    Tty: false,
    OpenStdin: false,
    StdinOnce: false,
    AttachStdin: false,
    AttachStdout: false,
    AttachStderr: false,
    HostConfig: {
      Memory: request.memory_bytes,
      MemorySwap: request.memory_bytes,
      NanoCpus: Math.round(request.cpus * NANO_PER_CPU),
      PidsLimit: request.pids,
      Privileged: false,
      CapDrop: ['ALL'],
      SecurityOpt: ['no-new-privileges'],
      ReadonlyRootfs: request.read_only_root,
      IpcMode: 'private',
      Init: false,
      AutoRemove: request.auto_remove === true,
      RestartPolicy: { Name: 'no', MaximumRetryCount: 0 },
      Ulimits: [
        { Name: 'nofile', Soft: request.open_files, Hard: request.open_files },
        { Name: 'core', Soft: 0, Hard: 0 },
      ],
      // Mounts, not Binds: the engine refuses a source that is missing, where Binds would make a folder owned by root.
      Mounts: request.binds.map((bind) => ({
        Type: 'bind',
        Source: bind.source,
        Target: bind.target,
        ReadOnly: bind.read_only,
        BindOptions: { Propagation: 'rprivate' },
      })),
      // Over a folder that the image has, runc 1.1.5 gives that folder its own mode back, not the one asked for.
      Tmpfs: Object.fromEntries(request.tmpfs.map((mount) => [mount.target, mount.options])),
      ExtraHosts: [...request.extra_hosts],
      LogConfig: { Type: 'json-file', Config: { 'max-size': LOG_MAX_SIZE, 'max-file': LOG_MAX_FILES } },
      NetworkMode: network,
    },
    ...(network === 'none'
      ? {}
      : {
          NetworkingConfig: {
            EndpointsConfig: { [network]: aliases === undefined ? {} : { Aliases: [...aliases] } },
          },
        }),
  };
}

function refuseUnsafe(request: ContainerRequest): void {
  if (!/^[1-9]\d*:\d+$/.test(request.user)) {
    throw new FilareError({
      code: 'usage',
      message: `container ${request.name}: the user must be a numeric uid:gid and not root, not ${JSON.stringify(request.user)}`,
      hint: 'run the agent as the owner of its workspace',
    });
  }
  if (request.network.name === 'host' || request.network.name.startsWith('container:')) {
    throw new FilareError({
      code: 'usage',
      message: `container ${request.name}: the network ${request.network.name} would be shared with others`,
      hint: 'use `none` or a network of its own',
    });
  }
}

import { readdirSync, type Dirent } from 'node:fs';
import { join, resolve } from 'node:path';
import { readText } from './read-text.js';
import { isWithin, realPlace, statIfThere } from './real-place.js';

/** Places of this machine that no agent may be given; all real paths. */
export interface HostPlaces {
  readonly homes: readonly string[];
  readonly home: string;
  /** `.filare` and `outputs` of the project. */
  readonly own: readonly string[];
  readonly engine_sockets: readonly string[];
}

const SYSTEM = ['/proc', '/sys', '/run', '/var/run', '/dev', '/etc', '/boot'];
const PROGRAMS = ['/bin', '/lib', '/lib32', '/lib64', '/sbin', '/usr/bin', '/usr/lib', '/usr/sbin'];
const SHARED = ['/home', '/media', '/mnt', '/opt', '/srv', '/tmp', '/usr', '/var', '/var/lib', '/var/tmp'];
const ENGINE_STATE = ['/var/lib/docker', '/var/lib/containerd', '/var/lib/containers', '/var/lib/kubelet'];
const ENGINE_SOCKETS = [
  '/var/run/docker.sock',
  '/run/docker.sock',
  '/run/podman/podman.sock',
  '/run/containerd/containerd.sock',
  '/run/crio/crio.sock',
  '/run/buildkit/buildkitd.sock',
];
const ENGINE_SOCKETS_IN_HOME = [
  '.docker/run/docker.sock',
  '.docker/desktop/docker.sock',
  '.colima/default/docker.sock',
  '.orbstack/run/docker.sock',
  '.rd/docker.sock',
  '.local/share/containers/podman/machine/podman.sock',
];
const ENGINE_SOCKET_NAME = /(docker|podman|containerd|crio|buildkitd?|cri-dockerd).*\.sock$/i;
const SCAN_DEPTH = 3;
const SCAN_ENTRIES = 5000;

/** Looks up the places that are refused on this machine, for this user and project. */
export function hostPlaces(options: {
  readonly project_root: string;
  readonly home: string;
  readonly env: Readonly<Record<string, string | undefined>>;
}): HostPlaces {
  const { env } = options;
  const fromEnv = [env['DOCKER_HOST'], env['CONTAINER_HOST']].flatMap((address) =>
    address?.startsWith('unix://') === true ? [address.slice('unix://'.length)] : [],
  );
  const sockets = [
    ...ENGINE_SOCKETS,
    ...ENGINE_SOCKETS_IN_HOME.map((path) => join(options.home, path)),
    ...fromEnv.filter((path) => path.startsWith('/')),
  ];
  return {
    homes: bothWays(homeFolders(options.home)),
    home: realPlace(options.home),
    own: bothWays([join(options.project_root, '.filare'), join(options.project_root, 'outputs')]),
    engine_sockets: bothWays(sockets),
  };
}

/**
 * Why a place of this machine may not be shown to an agent, or undefined when it may. `path` is real (realPlace). Ask again just before a
 * container is made: what a path leads to can change.
 */
export function whyNotMountable(path: string, places: HostPlaces): string | undefined {
  if (path === '/') return 'is the root of the file system';
  const system = SYSTEM.find((folder) => isWithin(path, folder));
  if (system !== undefined)
    return system === path ? 'is a folder of the system' : `lies in ${system}, a folder of the system`;
  if (places.homes.includes(path)) return 'is a home folder';
  const home = places.homes.find((folder) => isWithin(folder, path));
  if (home !== undefined) return `holds a home folder (${home})`;
  const socket = places.engine_sockets.find((known) => isWithin(known, path));
  if (socket === path) return 'is the socket of a container engine: whoever has it has this machine';
  if (socket !== undefined)
    return `holds the socket of a container engine (${socket}): whoever has it has this machine`;
  const state = ENGINE_STATE.find((folder) => isWithin(path, folder) || isWithin(folder, path));
  if (state !== undefined) return `holds the files of a container engine (${state})`;
  const own = places.own.find((folder) => isWithin(path, folder) || isWithin(folder, path));
  if (own !== undefined)
    return own === path
      ? "is filare-agents' own"
      : `${isWithin(path, own) ? 'lies in' : 'holds'} ${own}, which is filare-agents' own`;
  return undefined;
}

/** Why a real place cannot be a workspace, which an agent may change at will, or undefined when it can. */
export function whyNotWorkspace(path: string, places: HostPlaces): string | undefined {
  const why = whyNotMountable(path, places);
  if (why !== undefined) return why;
  const system = PROGRAMS.find((folder) => isWithin(path, folder));
  if (system !== undefined)
    return system === path ? 'is a folder of the system' : `lies in ${system}, a folder of the system`;
  return SHARED.includes(path) ? 'is a folder that others use too' : undefined;
}

/** Why what stands at a real path now may not be shown to an agent: sockets, devices, and folders that hold an engine's socket. */
export function whyNotContents(path: string): string | undefined {
  const stats = statIfThere(path);
  if (stats?.isSocket() === true) return 'is a socket: whoever listens there acts outside of the container';
  if (stats !== undefined && !stats.isFile() && !stats.isDirectory()) return 'is neither a file nor a folder';
  const socket = stats?.isDirectory() === true ? findEngineSocket(path) : undefined;
  return socket === undefined ? undefined : `holds the socket of a container engine (${socket})`;
}

/** Folders that are somebody's home on this machine. */
export function homeFolders(home: string): string[] {
  const passwd = readText('/etc/passwd');
  const lines = 'text' in passwd ? passwd.text.split('\n') : [];
  const others = lines.flatMap((line) => {
    const [, , uid, , , folder = ''] = line.split(':');
    return folder.length > 1 && (uid === '0' || Number(uid) >= 1000) ? [resolve(folder)] : [];
  });
  return [...new Set([resolve(home), '/root', ...others])].filter((folder) => folder !== '/');
}

function bothWays(paths: readonly string[]): string[] {
  return [...new Set([...paths, ...paths.map((path) => realPlace(path))])];
}

function findEngineSocket(root: string): string | undefined {
  let left = SCAN_ENTRIES;
  let folders = [root];
  for (let depth = 0; depth < SCAN_DEPTH; depth += 1) {
    const next: string[] = [];
    for (const folder of folders) {
      for (const entry of entriesOf(folder)) {
        left -= 1;
        if (left < 0) return undefined;
        const path = join(folder, entry.name);
        if (entry.isSocket() && ENGINE_SOCKET_NAME.test(entry.name)) return path;
        if (entry.isDirectory()) next.push(path);
      }
    }
    folders = next;
  }
  return undefined;
}

function entriesOf(folder: string): Dirent[] {
  try {
    return readdirSync(folder, { withFileTypes: true });
  } catch {
    // A folder that we may not list, an agent of ours may not list either.
    return [];
  }
}

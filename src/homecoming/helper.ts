import { chown, lstat, mkdir, readdir } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { FilareError } from '../contract/errors.js';
import type { ContainerRequest, ExecResult } from '../engine/engine.js';
import { requireImage } from '../image/image.js';
import { booked } from '../session/booking.js';
import { IN_CONTAINER } from '../session/container-request.js';
import { helperRequest as requestFor } from '../session/helper-request.js';
import { LABEL } from '../session/labels.js';
import { removeOfPurpose } from '../session/remove-of-purpose.js';
import { OpenFolder } from '../workspace/open-folder.js';
import { removeTree } from '../workspace/remove-tree.js';
import { GIT_STEP_MS, type Homecomer, type HomecomingSurroundings } from './homecoming.js';

/** Purpose of the label of a helper's container. */
const PURPOSE = 'homecoming';
/** The folder that a helper may write, as it sees it. */
export const OUT = '/out';
const WORKSPACE = IN_CONTAINER.workspace;
/** It ends by itself, should nobody be left to remove it. */
const LIFE_S = 3600;
const MEMORY_BYTES = 2 ** 30;
const MIB = 2 ** 20;
/** Block size of the shell's `ulimit -f`. */
const BLOCK_BYTES = 512;

/** Settings that beat the repository's own: nothing is started that a repository names, as far as git lets us; what it starts all the same is in the box. */
const SETTINGS = [
  ...['safe.directory=*', 'core.fsmonitor=false', 'core.hooksPath=/dev/null', 'core.untrackedCache=false'],
  ...['core.pager=cat', 'core.editor=false', 'core.alternateRefsCommand=', 'core.quotePath=false', 'core.bare=false'],
  ...['core.ignoreStat=false', 'core.trustctime=true', 'core.checkStat=default'],
  ...['gc.auto=0', 'maintenance.auto=false', 'commit.gpgSign=false', 'submodule.recurse=false', 'color.ui=false'],
  ...['pack.threads=1', 'pack.windowMemory=128m', `lfs.storage=${OUT}/lfs`, 'advice.addEmbeddedRepo=false'],
].flatMap((setting) => ['-c', setting]);

const GIT = ['git', `--git-dir=${WORKSPACE}/.git`, `--work-tree=${WORKSPACE}`, ...SETTINGS];

const ENVIRONMENT = {
  HOME: '/tmp',
  LANG: 'C.UTF-8',
  LC_ALL: 'C.UTF-8',
  GIT_CONFIG_GLOBAL: '/dev/null',
  GIT_ATTR_NOSYSTEM: '1',
  GIT_TERMINAL_PROMPT: '0',
  GIT_NO_LAZY_FETCH: '1',
  GIT_NO_REPLACE_OBJECTS: '1',
  GIT_GRAFT_FILE: '/dev/null',
  GIT_LFS_SKIP_SMUDGE: '1',
  GIT_ALLOW_PROTOCOL: 'none',
} as const;

/** One call of git in a helper. */
export interface HelperCall {
  readonly env?: Readonly<Record<string, string>>;
  readonly stdin?: string;
  /** Standard output and error are each cut at so many bytes; 1 MiB when absent. */
  readonly max_output_bytes?: number;
  /** How long it may take, in milliseconds; GIT_STEP_MS when absent. */
  readonly deadline_ms?: number;
}

/** A container of ours with one agent's workspace in it. */
export class Helper {
  /** The folder that it writes, on the host: everything in it is hostile. */
  readonly out: string;
  /** A folder beside it that no container sees. */
  readonly own: string;
  readonly #around: HomecomingSurroundings;
  readonly #id: string;
  readonly #max_bytes: number;
  readonly #signal: AbortSignal;

  constructor(
    around: HomecomingSurroundings,
    made: { readonly id: string; readonly folder: string; readonly max_bytes: number; readonly signal: AbortSignal },
  ) {
    this.#around = around;
    this.#id = made.id;
    this.#max_bytes = made.max_bytes;
    this.#signal = made.signal;
    this.out = join(made.folder, 'out');
    this.own = join(made.folder, 'own');
  }

  /** Says in which step the work with it is. */
  step(words: string): void {
    this.#around.on_step?.(words);
  }

  /** Runs git on the workspace's repository, to its end. No file that it writes grows larger than the bound of this helper. */
  git(args: readonly string[], call: HelperCall = {}): Promise<ExecResult> {
    return this.run([...GIT, ...args], call);
  }

  /** Runs a script of ours for the shell, in which `"$@"` is git on the workspace's repository: several steps in one call of the engine. */
  script(text: string, call: HelperCall = {}): Promise<ExecResult> {
    return this.run(['/bin/sh', '-c', text, 'sh', ...GIT], call);
  }

  /** Like `git`, for a call that has no reason to fail. Throws `bad_state` with git's own words. */
  async gitOrThrow(args: readonly string[], call: HelperCall = {}): Promise<ExecResult> {
    const ran = await this.git(args, call);
    if (ran.exit_code !== 0) throw gitFailed(args, ran);
    return ran;
  }

  /** Runs any program, with the same bounds. */
  run(command: readonly string[], call: HelperCall = {}): Promise<ExecResult> {
    const { env, stdin, max_output_bytes = MIB, deadline_ms = GIT_STEP_MS } = call;
    // A little more than the bound, so that what is larger is seen to be.
    const blocks = String(Math.ceil(this.#max_bytes / BLOCK_BYTES) + MIB / BLOCK_BYTES);
    return this.#around.engine.exec(
      this.#id,
      {
        command: ['/bin/sh', '-c', 'ulimit -f "$0" && exec "$@"', blocks, ...command],
        env: { ...ENVIRONMENT, ...env },
        working_dir: WORKSPACE,
        max_output_bytes,
        ...(stdin === undefined ? {} : { stdin }),
      },
      { signal: this.#signal, deadline_ms },
    );
  }
}

/** A failure of git in a helper. */
export function gitFailed(args: readonly string[], ran: ExecResult): FilareError {
  const words = ran.stderr.trim().split('\n').slice(-3).join('; ').slice(0, 1000);
  return new FilareError({
    code: 'bad_state',
    message: `git ${args[0] ?? ''} on the workspace ended with ${String(ran.exit_code)}${words === '' ? '' : `: ${words}`}`,
    hint: 'look at the repository where the agent works: filare-agents shell ID',
  });
}

/**
 * Gives a helper for one session's workspace to `work`; container and folder are gone when this settles, whatever happened. `writable`: git may change
 * the repository. Throws `bad_state` when there is no workspace, `image_unavailable`, `engine_unavailable`, `interrupted`.
 */
export async function withHelper<T>(
  around: HomecomingSurroundings,
  options: {
    readonly of: Homecomer;
    readonly writable: boolean;
    readonly max_bytes: number;
    readonly signal: AbortSignal;
  },
  work: (helper: Helper) => Promise<T>,
): Promise<T> {
  const { of, signal } = options;
  await requireWorkspace(of);
  await requireImage(around.engine, of.agent.image, signal);
  const name = `filare-${around.paths.key}-home-${around.random(8)}`;
  around.on_step?.('starting a container for git');
  return withFolder(around, name, async (folder) => {
    const request = helperRequest(around, { name, folder, of, writable: options.writable });
    const entry = await around.resources.intend({
      kind: 'container',
      name,
      detail: { request: request.labels[LABEL.request] },
    });
    try {
      // Always awaited: what the engine makes after nobody listens any more would be found by nobody.
      const { id } = await around.engine.create(request);
      await around.resources.opened(entry, { engine_id: id });
      signal.throwIfAborted();
      await around.engine.start(id, { signal });
      return await work(new Helper(around, { id, folder, max_bytes: options.max_bytes, signal }));
    } finally {
      await removeHelper(around, name);
    }
  });
}

/** Gives a folder of ours to `work`: `out` for a container, `own` for us. Booked, and gone when this settles. */
export async function withFolder<T>(
  around: HomecomingSurroundings,
  name: string,
  work: (folder: string) => Promise<T>,
): Promise<T> {
  const folder = join(around.paths.homecoming, name);
  await mkdir(around.paths.homecoming, { recursive: true, mode: 0o700 });
  return booked(around.resources, { kind: 'folder', name: folder }, async () => {
    await mkdir(folder, { mode: 0o700 });
    for (const part of ['out', 'own']) await mkdir(join(folder, part), { mode: 0o700 });
    if (around.caller_uid === 0) await chown(join(folder, 'out'), around.user.uid, around.user.gid);
  })
    .then(() => work(folder))
    .finally(() => removeFolder(around, folder));
}

/** What a daemon that died left of this: containers first, then folders. Nothing of it runs when this is called. */
export async function settleHomecoming(around: HomecomingSurroundings): Promise<void> {
  try {
    await removeOfPurpose(around, PURPOSE, { reason: 'removed after the daemon that made it had ended' });
  } catch (failure) {
    around.log.warn({ err: failure }, 'the engine does not answer; what a sync left is removed another time');
  }
  for (const name of await readdir(around.paths.homecoming).catch(() => []))
    await removeFolder(around, join(around.paths.homecoming, name)).catch((failure: unknown) => {
      around.log.warn({ err: failure, folder: name }, 'what a sync left on disk could not be removed');
    });
}

async function removeHelper(around: HomecomingSurroundings, name: string): Promise<void> {
  const removed = await removeOfPurpose(around, PURPOSE, { name });
  if (removed.length === 0) await around.resources.closeNamed('container', name, 'not made');
}

/** Whatever a container has put there: links are removed, never followed. */
async function removeFolder(around: HomecomingSurroundings, folder: string): Promise<void> {
  await using parent = await OpenFolder.open(dirname(folder));
  await removeTree(parent, basename(folder), folder);
  await around.resources.closeNamed('folder', folder, 'removed');
}

async function requireWorkspace({ agent }: Homecomer): Promise<void> {
  const stats = await lstat(agent.workspace.path).catch(() => null);
  if (stats?.isDirectory() === true) return;
  throw new FilareError({
    code: 'bad_state',
    message: `the workspace of ${agent.id} is not there: ${agent.workspace.path}`,
    hint: 'what was brought home before is in your repository',
  });
}

function helperRequest(
  around: HomecomingSurroundings,
  given: { readonly name: string; readonly folder: string; readonly of: Homecomer; readonly writable: boolean },
): ContainerRequest {
  const { agent } = given.of;
  return requestFor(around, {
    name: given.name,
    image: agent.image,
    purpose: PURPOSE,
    labels: { [LABEL.agent]: agent.id, [LABEL.role]: agent.role },
    env: ENVIRONMENT,
    entrypoint: ['/bin/sleep'],
    command: [String(LIFE_S)],
    working_dir: '/',
    binds: [
      { source: agent.workspace.path, target: WORKSPACE, read_only: !given.writable },
      { source: join(given.folder, 'out'), target: OUT, read_only: false },
    ],
    tmpfs: [{ target: '/tmp', options: 'rw,noexec,nosuid,nodev,size=64m,mode=1777' }],
    memory_bytes: MEMORY_BYTES,
  });
}

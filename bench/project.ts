import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, realpath, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { Fleet } from '../src/client/fleet.js';
import { daemonCommand } from '../src/client/ensure-daemon.js';
import type { AgentSpec } from '../src/contract/agent-spec.js';
import { projectPaths, type ProjectPaths } from '../src/contract/project.js';
import { DockerEngine } from '../src/engine/docker/docker-engine.js';
import { LABEL } from '../src/session/labels.js';
import { containerUser, isRootCaller } from '../src/workspace/container-user.js';
import { MANIFEST } from './agent-spec.js';
import type { Bench } from './suite.js';

const run = promisify(execFile);
const STOPS_AT_ONCE = 8;
const STOP_GRACE_MS = 1_000;

/** The product's command. */
export const PROGRAM = fileURLToPath(new URL('../bin/filare-agents.js', import.meta.url));

/** A project in a folder of its own with its daemon, driven through the library. Gone, with all it started, when the run's undo has run. */
export class BenchProject {
  readonly paths: ProjectPaths;
  readonly fleet: Fleet;
  readonly daemon_pid: number;

  readonly #docker_host: string | undefined;

  private constructor(paths: ProjectPaths, fleet: Fleet, daemon_pid: number, docker_host: string | undefined) {
    this.#docker_host = docker_host;
    this.paths = paths;
    this.fleet = fleet;
    this.daemon_pid = daemon_pid;
  }

  /** Makes the folder and starts the daemon; `docker_host` names another engine than the environment does. */
  static async open(bench: Bench, docker_host?: string): Promise<BenchProject> {
    const root = await realpath(await mkdtemp(join(tmpdir(), 'filare-bench-')));
    bench.undo.add(`folder ${root}`, () => rm(root, { recursive: true, force: true }));
    const paths = projectPaths(root, tmpdir());
    await mkdir(paths.workspaces, { recursive: true, mode: 0o700 });
    await writeFile(join(root, MANIFEST.name), MANIFEST.text);
    const environment = docker_host === undefined ? process.env : { DOCKER_HOST: docker_host };
    bench.undo.add(`containers of ${root}`, () => removeByLabel(environment, paths.key));
    bench.undo.add(`daemon of ${root}`, () => endDaemon(root));
    return BenchProject.#start(bench, paths, docker_host);
  }

  /** Kills the daemon; resolves when the kernel has taken back what it held. */
  async kill(): Promise<void> {
    this.fleet.close();
    process.kill(this.daemon_pid, 'SIGKILL');
    while (isThere(this.daemon_pid)) await new Promise((resolve) => setTimeout(resolve, 5));
  }

  /** The same project with another daemon, after it was killed. */
  again(bench: Bench): Promise<BenchProject> {
    return BenchProject.#start(bench, this.paths, this.#docker_host);
  }

  static async #start(bench: Bench, paths: ProjectPaths, docker_host: string | undefined): Promise<BenchProject> {
    const { root } = paths;
    const [node, ...args] = daemonCommand(root);
    const fleet = await Fleet.open({
      project: root,
      signal: bench.signal,
      ...(docker_host === undefined
        ? {}
        : { daemon_command: ['/usr/bin/env', `DOCKER_HOST=${docker_host}`, node, ...args] }),
    });
    const status = await fleet.daemon();
    if (status?.pid == null) throw new Error('the daemon does not say its process id');
    return new BenchProject(paths, fleet, status.pid, docker_host);
  }

  /** Makes the workspaces of agents: a repository each, on the agent's branch, the container user's own. */
  async makeWorkspaces(agents: readonly AgentSpec[]): Promise<void> {
    for (const agent of agents) {
      const folder = agent.workspace.path;
      await mkdir(folder, { recursive: true });
      await writeFile(join(folder, 'README.md'), '# Sample\n');
      const git = ['-C', folder, '-c', 'user.name=bench', '-c', 'user.email=bench@agents.local'];
      await run('git', ['init', '-q', '-b', `agents/${agent.id}`, folder]);
      await run('git', [...git, 'add', '-A']);
      await run('git', [...git, 'commit', '-q', '-m', 'Begin']);
      if (isRootCaller()) {
        const { uid, gid } = containerUser();
        await run('chown', ['-R', `${uid}:${gid}`, folder]);
      }
    }
  }

  /** Stops agents, some at a time, and has nothing of them left. */
  async stop(ids: readonly string[]): Promise<void> {
    const waiting = [...ids];
    const work = async (): Promise<void> => {
      for (let id = waiting.shift(); id !== undefined; id = waiting.shift())
        await this.fleet.stop(id, { grace_ms: STOP_GRACE_MS });
    };
    await Promise.all(Array.from({ length: STOPS_AT_ONCE }, work));
  }
}

function isThere(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

/** Stops every session and the daemon, from a client of its own: the run's may have ended. */
async function endDaemon(root: string): Promise<void> {
  let fleet: Fleet;
  try {
    fleet = await Fleet.open({ project: root, start_daemon: false });
  } catch {
    return;
  }
  const rows = await fleet.sessions();
  for (let at = 0; at < rows.length; at += STOPS_AT_ONCE) {
    const some = rows.slice(at, at + STOPS_AT_ONCE);
    await Promise.allSettled(some.map((row) => fleet.stop(row.session_id, { grace_ms: STOP_GRACE_MS })));
  }
  await fleet.stopDaemon();
  fleet.close();
}

/** What a daemon that was killed left, by id. */
async function removeByLabel(environment: Readonly<Record<string, string | undefined>>, key: string): Promise<void> {
  const engine = await DockerEngine.connect(environment);
  for (const container of await engine.list({ [LABEL.project]: key })) await engine.remove(container.id);
  for (const network of await engine.listNetworks({ [LABEL.project]: key })) await engine.removeNetwork(network.id);
}

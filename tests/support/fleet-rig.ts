import { spawn } from 'node:child_process';
import { mkdir, mkdtemp, readFile, realpath, rm, writeFile } from 'node:fs/promises';
import { homedir, tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect } from 'vitest';
import { daemonCommand } from '../../src/client/ensure-daemon.js';
import { Fleet } from '../../src/client/fleet.js';
import { projectPaths, type ProjectPaths } from '../../src/contract/project.js';
import type { SessionRow } from '../../src/contract/session.js';
import type { TranscriptEntry } from '../../src/contract/transcript.js';
import { DockerEngine } from '../../src/engine/docker/docker-engine.js';
import { loadManifests } from '../../src/manifest/load-manifests.js';
import { loadRehearsal } from '../../src/rehearsal/script.js';
import { leftoversOf } from './leftovers.js';

const BIN = fileURLToPath(new URL('../../bin/filare-agents.js', import.meta.url));

/** What a command of ours did. */
export interface Ran {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** A project of its own in a temporary folder, driven through the real command line, daemon, engine and Codex; `end` proves that nothing is left. */
export class FleetRig {
  readonly paths: ProjectPaths;
  readonly engine: DockerEngine;
  /** `NAME=value` that the daemon and every command get beside the test's own environment. */
  readonly #env: Readonly<Record<string, string>>;

  private constructor(paths: ProjectPaths, engine: DockerEngine, env: Readonly<Record<string, string>>) {
    this.paths = paths;
    this.engine = engine;
    this.#env = env;
  }

  /** Makes the project, with the files given (path below it → text); its folder's name begins with `name`, `env` names the engine where it is another. */
  static async make(
    files: Readonly<Record<string, string>> = {},
    name = 'filare-e2e-',
    env: Readonly<Record<string, string>> = {},
  ): Promise<FleetRig> {
    const root = await realpath(await mkdtemp(join(tmpdir(), name)));
    await mkdir(join(root, 'configs', 'agents'), { recursive: true });
    const rig = new FleetRig(projectPaths(root, tmpdir()), await DockerEngine.connect({ ...process.env, ...env }), env);
    for (const [path, text] of Object.entries(files)) await rig.write(path, text);
    return rig;
  }

  get root(): string {
    return this.paths.root;
  }

  async write(path: string, text: string, mode = 0o644): Promise<string> {
    const whole = join(this.root, path);
    await mkdir(dirname(whole), { recursive: true });
    await writeFile(whole, text, { mode });
    return whole;
  }

  /** Runs the command line in the project, to its end. */
  cli(
    args: readonly string[],
    options: { readonly input?: string; readonly env?: NodeJS.ProcessEnv } = {},
  ): Promise<Ran> {
    return run(process.execPath, [BIN, ...args], { cwd: this.root, ...options, env: { ...this.#env, ...options.env } });
  }

  /** Runs it, expects success, and gives what it printed as JSON. */
  async json<T>(args: readonly string[]): Promise<T> {
    const ran = await this.cli([...args, '--json']);
    expect(ran, `filare-agents ${args.join(' ')}: ${ran.stderr}`).toMatchObject({ code: 0 });
    return JSON.parse(ran.stdout) as T;
  }

  /** The library's way in; starts the daemon when none runs. */
  fleet(): Promise<Fleet> {
    const env = Object.entries(this.#env).map(([name, value]) => `${name}=${value}`);
    return Fleet.open({ project: this.root, daemon_command: ['/usr/bin/env', ...env, ...daemonCommand(this.root)] });
  }

  /** Starts every agent of the project's manifests with a rehearsal (YAML text); fails unless all run. */
  async start(fleet: Fleet, rehearsal = 'parts: []'): Promise<SessionRow[]> {
    const script = await this.write('rehearsal.yml', rehearsal);
    const { agents } = await loadManifests(undefined, {
      project_root: this.root,
      cwd: this.root,
      env: process.env,
      home: homedir(),
    });
    const outcomes = await fleet.start(agents, {
      rehearsal: { script: await loadRehearsal([script]), origin: script },
    });
    return outcomes.map((outcome) => {
      expect(outcome.error, outcome.id).toBeNull();
      if (outcome.session === null) throw new Error(`${outcome.id} has no session`);
      return outcome.session;
    });
  }

  /** Every entry of a session's transcript, from the file. */
  async transcript(path: string): Promise<TranscriptEntry[]> {
    const text = await readFile(path, 'utf8');
    return text
      .split('\n')
      .filter((line) => line !== '')
      .map((line) => JSON.parse(line) as TranscriptEntry);
  }

  /** Process id of the daemon. */
  async daemonPid(): Promise<number> {
    const status = await this.json<{ pid: number }>(['daemon', 'status']);
    return status.pid;
  }

  /** Containers of this project, by name. */
  async containers(): Promise<string[]> {
    return (await this.engine.list({ 'filare.project': this.paths.key })).map((c) => c.name).sort();
  }

  /** What of ours is still there: containers, networks, processes, mounts, sockets, pipes. Empty when all is gone. */
  leftovers(): Promise<string[]> {
    return leftoversOf(this.paths, this.engine);
  }

  /** Waits until nothing of ours is left; fails with what is. */
  async nothingLeft(within_ms = 20_000): Promise<void> {
    let left: string[] = [];
    await eventually(
      'nothing of ours is left',
      async () => {
        left = await this.leftovers();
        return left.length === 0;
      },
      within_ms,
    ).catch((failure: unknown) => {
      throw new Error(`left: ${left.join('; ')}`, { cause: failure });
    });
  }

  /** Stops everything; fails when anything is left. The folder goes in any case. */
  async end(): Promise<void> {
    try {
      await this.cli(['stop', '--all', '--grace', '2s']);
      await this.cli(['daemon', 'stop']);
      expect(await this.leftovers()).toEqual([]);
    } finally {
      for (const container of await this.engine.list({ 'filare.project': this.paths.key }))
        await this.engine.remove(container.id);
      for (const network of await this.engine.listNetworks({ 'filare.project': this.paths.key }))
        await this.engine.removeNetwork(network.id);
      await rm(this.root, { recursive: true, force: true });
    }
  }
}

/** A manifest of small agents, all approvals granted, one a name. */
export function smallAgents(ids: readonly string[], more = ''): string {
  const sessions = ids.map((id) => `  - { id: ${id}, role: FEATURE }`).join('\n');
  return `defaults:\n  resources: { cpus: 1, memory: 256m, pids: 256 }\n  escalation: { approvals: approve }\n${more}sessions:\n${sessions}\n`;
}

/** Runs a program to its end. */
export function run(
  program: string,
  args: readonly string[],
  options: { readonly cwd?: string; readonly input?: string; readonly env?: NodeJS.ProcessEnv } = {},
): Promise<Ran> {
  return new Promise((resolve, reject) => {
    const child = spawn(program, args, {
      cwd: options.cwd,
      env: { ...process.env, NO_COLOR: '1', ...options.env },
      stdio: ['pipe', 'pipe', 'pipe'],
    });
    let stdout = '';
    let stderr = '';
    child.stdout.setEncoding('utf8').on('data', (text: string) => (stdout += text));
    child.stderr.setEncoding('utf8').on('data', (text: string) => (stderr += text));
    child.on('error', reject);
    child.on('close', (code, signal) => resolve({ code: code ?? (signal === 'SIGINT' ? 130 : -1), stdout, stderr }));
    child.stdin.on('error', () => undefined);
    child.stdin.end(options.input ?? '');
  });
}

/** Waits until the test holds, looking often; fails with what it was waiting for. */
export async function eventually(
  what: string,
  test: () => Promise<boolean> | boolean,
  within_ms = 30_000,
): Promise<void> {
  const until = Date.now() + within_ms;
  while (!(await test())) {
    if (Date.now() > until) throw new Error(`waited ${String(within_ms)} ms for: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

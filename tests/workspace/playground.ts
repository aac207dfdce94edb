import { execFileSync } from 'node:child_process';
import { mkdir, mkdtemp, readFile, readdir, realpath, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import type { AgentSpec } from '../../src/contract/agent-spec.js';
import { containerUser } from '../../src/workspace/container-user.js';
import { prepareWorkspace, type PrepareOptions } from '../../src/workspace/prepare-workspace.js';
import type { PreparedWorkspace } from '../../src/workspace/prepared-workspace.js';

export const IS_ROOT = process.geteuid?.() === 0;
export const USER = containerUser();

/** A temporary project with a book of what was intended, and helpers to look at what came of it. */
export class Playground {
  readonly root: string;
  readonly project: string;
  readonly booked: string[] = [];
  readonly progress: string[] = [];

  private constructor(root: string) {
    this.root = root;
    this.project = join(root, 'project');
  }

  static async open(): Promise<Playground> {
    const playground = new Playground(await realpath(await mkdtemp(join(tmpdir(), 'filare-workspace-'))));
    await mkdir(playground.project);
    return playground;
  }

  path(...parts: string[]): string {
    return join(this.root, ...parts);
  }

  /** Writes files and, as root, gives them to the container's user, as a workspace of an operator would be. */
  async write(files: Record<string, string>): Promise<void> {
    for (const [path, text] of Object.entries(files)) {
      await mkdir(dirname(this.path(path)), { recursive: true });
      await writeFile(this.path(path), text);
    }
  }

  /** A git repository with one commit on `branch`, holding `files`. */
  async repository(
    name: string,
    files: Record<string, string> = { 'README.md': 'hello\n' },
    branch = 'main',
  ): Promise<string> {
    const path = this.path(name);
    await mkdir(path, { recursive: true });
    git(path, 'init', '-q', '-b', branch);
    for (const [file, text] of Object.entries(files)) {
      await mkdir(dirname(join(path, file)), { recursive: true });
      await writeFile(join(path, file), text);
    }
    git(path, 'add', '-A');
    git(path, 'commit', '-q', '-m', 'first');
    return path;
  }

  agent(
    changes: Partial<Omit<AgentSpec, 'workspace'>> & { workspace?: Partial<AgentSpec['workspace']> } = {},
  ): AgentSpec {
    const { workspace, ...rest } = changes;
    return {
      id: 'alpha',
      role: 'FEATURE',
      git: { name: 'alpha agent', email: 'alpha@agents.local' },
      mounts: [],
      image: 'filare-codex',
      resources: { cpus: 1, memory_bytes: 1 << 30, pids: 256 },
      network: 'none',
      codex: { sandbox: 'danger-full-access', config: {} },
      escalation: { approvals: 'ask', rules: [], on_deadline: 'reject', notify: [] },
      restart: { policy: 'never', max_attempts: 1, backoff_ms: 0, backoff_max_ms: 0, reset_after_ms: 0 },
      health: { interval_ms: 0, timeout_ms: 0, failures: 1, stall_after_ms: 0 },
      limits: {},
      tags: [],
      depends_on: [],
      source: { file: 'agents.yml', line: 1, sha256: '' },
      ...rest,
      workspace: { path: this.path('ws'), reuse_existing: true, is_default: false, ...workspace },
    };
  }

  prepare(agent: AgentSpec, options: Partial<PrepareOptions> = {}): Promise<PreparedWorkspace> {
    return prepareWorkspace(agent, {
      ...USER,
      project_root: this.project,
      signal: new AbortController().signal,
      onProgress: (line) => this.progress.push(line),
      intend: (path) => {
        this.booked.push(`intend ${path}`);
        return Promise.resolve((outcome) => {
          this.booked.push(`${outcome} ${path}`);
          return Promise.resolve();
        });
      },
      ...options,
    });
  }

  /** Names in a folder, sorted; by default of the folder where workspaces are made. */
  async names(folder = ''): Promise<string[]> {
    return (await readdir(this.path(folder))).sort();
  }

  /** Whatever was intended is closed again: the balance that proves that nothing leaks. */
  balance(): string[] {
    const open = new Set<string>();
    for (const line of this.booked) {
      const [word = '', path = ''] = line.split(/ (.*)/s);
      if (word === 'intend') open.add(path);
      else open.delete(path);
    }
    return [...open];
  }

  async giveToAgent(name: string): Promise<void> {
    if (IS_ROOT) execFileSync('chown', ['-R', `${USER.uid}:${USER.gid}`, this.path(name)]);
    await Promise.resolve();
  }

  async close(): Promise<void> {
    execFileSync('chmod', ['-R', 'u+rwX', this.root]);
    await rm(this.root, { recursive: true, force: true });
  }
}

/** git as an operator would run it, without the machine's own settings. */
export function git(folder: string, ...args: string[]): string {
  return execFileSync(
    'git',
    ['-c', 'user.name=Test', '-c', 'user.email=test@example.com', '-c', 'safe.directory=*', ...args],
    {
      cwd: folder,
      env: {
        PATH: process.env['PATH'] ?? '',
        HOME: '/nonexistent',
        GIT_CONFIG_NOSYSTEM: '1',
        GIT_CONFIG_GLOBAL: '/dev/null',
        GIT_ALLOW_PROTOCOL: 'file',
      },
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'pipe'],
    },
  ).trim();
}

/** What a failing call was refused with: code, message and hint in one text. */
export async function refusal(work: Promise<unknown>): Promise<string> {
  try {
    await work;
  } catch (error) {
    if (error instanceof Error && 'code' in error) {
      const hint = 'hint' in error ? String(error.hint) : '';
      return `${String(error.code)}: ${error.message} — ${hint}`;
    }
    throw error;
  }
  throw new Error('it was not refused');
}

export async function text(path: string): Promise<string> {
  return readFile(path, 'utf8');
}

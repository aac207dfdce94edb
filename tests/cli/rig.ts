import { spawn, type ChildProcess } from 'node:child_process';
import { mkdirSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PassThrough, Readable } from 'node:stream';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { main } from '../../src/cli/main.js';
import type { Sink } from '../../src/cli/output.js';
import { findProject } from '../../src/client/find-project.js';
import type { ProjectPaths } from '../../src/contract/project.js';

/** A project folder of its own, with manifests for the agents named. */
export function newProject(...agents: readonly string[]): ProjectPaths {
  const root = realpathSync(mkdtempSync(join(tmpdir(), 'filare-cli-')));
  mkdirSync(join(root, 'configs', 'agents'), { recursive: true });
  for (const id of agents) {
    writeFileSync(join(root, 'configs', 'agents', `${id}.yml`), `id: ${id}\nrole: DOCUMENTATION\ngoal: write\n`);
  }
  return findProject({ project: root, cwd: root, env: {} });
}

/** Takes a project away. */
export function removeProject(project: ProjectPaths): void {
  rmSync(project.root, { recursive: true, force: true });
}

/** What a run of the command line left. */
export interface Ran {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** How to run it. */
export interface RunOptions {
  readonly stdin?: string;
  /** Standard input is a terminal too, so that somebody can be asked. */
  readonly can_ask?: boolean;
  readonly env?: Readonly<Record<string, string>>;
  /** Standard output is a terminal of this many columns. */
  readonly columns?: number;
}

/** Runs the command line in this process. */
export async function run(project: ProjectPaths, argv: readonly string[], options: RunOptions = {}): Promise<Ran> {
  const stdout = capture(options.columns);
  const stderr = capture(options.columns);
  const code = await main(argv, {
    stdin: Object.assign(
      Readable.from(options.stdin === undefined ? [] : [Buffer.from(options.stdin)]),
      options.can_ask === true ? { isTTY: true } : {},
    ),
    stdout: stdout.sink,
    stderr: stderr.sink,
    env: { HOME: project.root, ...options.env },
    cwd: project.root,
  });
  return { code, stdout: stdout.text(), stderr: stderr.text() };
}

function capture(columns: number | undefined): { sink: Sink; text: () => string } {
  const stream = new PassThrough();
  const chunks: Buffer[] = [];
  stream.on('data', (chunk: Buffer) => chunks.push(chunk));
  const sink = columns === undefined ? stream : Object.assign(stream, { isTTY: true, columns, rows: 40 });
  return {
    sink,
    text: () => {
      for (let rest: unknown = stream.read(); rest !== null; rest = stream.read()) chunks.push(rest as Buffer);
      return Buffer.concat(chunks).toString('utf8');
    },
  };
}

/** What lets Node run TypeScript from any folder. */
export const TSX = pathToFileURL(createRequire(import.meta.url).resolve('tsx')).href;

/** The command line as a process of its own, for signals and pipes. */
export class CliProcess {
  readonly child: ChildProcess;
  stdout = '';
  stderr = '';
  readonly ended: Promise<Ran>;

  constructor(project: ProjectPaths, argv: readonly string[], env: Readonly<Record<string, string>> = {}) {
    const program = fileURLToPath(new URL('./cli-from-source.ts', import.meta.url));
    this.child = spawn(process.execPath, ['--import', TSX, program, ...argv], {
      cwd: project.root,
      env: { PATH: process.env['PATH'], HOME: project.root, ...env },
      stdio: ['pipe', 'pipe', 'pipe'],
    });
    this.child.stdout?.setEncoding('utf8').on('data', (text: string) => (this.stdout += text));
    this.child.stderr?.setEncoding('utf8').on('data', (text: string) => (this.stderr += text));
    this.ended = new Promise((settle) => {
      this.child.on('close', (code) => settle({ code: code ?? -1, stdout: this.stdout, stderr: this.stderr }));
    });
  }

  /** Resolves once standard output or error holds the text. */
  async until(text: string): Promise<void> {
    while (!this.stdout.includes(text) && !this.stderr.includes(text)) {
      if (this.child.exitCode !== null)
        throw new Error(`it ended without saying "${text}":\n${this.stdout}\n${this.stderr}`);
      await new Promise((go) => setTimeout(go, 10));
    }
  }
}

/** Waits until something is so; the test's own deadline bounds it. */
export async function until(is_so: () => boolean): Promise<void> {
  while (!is_so()) await new Promise((go) => setTimeout(go, 5));
}

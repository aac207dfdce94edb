import { spawn, type ChildProcessByStdio } from 'node:child_process';
import { accessSync, constants, existsSync } from 'node:fs';
import { mkdtemp, readdir, readFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, delimiter, join } from 'node:path';
import { createInterface, type Interface } from 'node:readline';
import type { Readable, Writable } from 'node:stream';
import { fileURLToPath } from 'node:url';
import { DockerEngine } from '../../src/engine/docker/docker-engine.js';
import { eventually, run } from './fleet-rig.js';

const SCRIPT = fileURLToPath(new URL('./private-engine.sh', import.meta.url));
const PROGRAMS = ['dockerd', 'containerd', 'docker', 'unshare', 'ip', 'iptables', 'mount', 'bash'];

/** How dockerd is started. */
export type EngineMode = 'live-restore' | 'containers end with it';

/**
 * A Docker Engine that belongs to one test, whose dockerd may be killed: see private-engine.sh. All of it goes when it is disposed of, and when the
 * process of the test ends, however it ends.
 */
export class PrivateEngine implements AsyncDisposable {
  /** Its folder, and the name of its control groups. */
  readonly folder: string;
  readonly #shell: ChildProcessByStdio<Writable, Readable, null>;
  readonly #lines: Interface;
  readonly #over: Promise<number | null>;
  #runs = false;

  private constructor(folder: string) {
    this.folder = folder;
    // Away from the terminal's Ctrl-C: it cleans up when this process is gone.
    this.#shell = spawn('bash', [SCRIPT, folder, basename(folder)], {
      detached: true,
      stdio: ['pipe', 'pipe', 'inherit'],
    });
    this.#lines = createInterface({ input: this.#shell.stdout });
    this.#over = new Promise((resolve) => this.#shell.on('close', resolve));
    this.#shell.stdin.on('error', () => undefined);
  }

  /** Why none can be made here, as a sentence; null where one can. */
  static get whyNot(): string | null {
    if (process.getuid?.() !== 0) return 'a second Docker Engine needs root';
    const missing = PROGRAMS.filter((program) => !isInPath(program));
    return missing.length === 0 ? null : `a second Docker Engine needs ${missing.join(', ')}`;
  }

  /** Makes one that runs and has these images of the machine's engine. */
  static async make(images: readonly string[], mode: EngineMode): Promise<PrivateEngine> {
    const made = new PrivateEngine(await mkdtemp(join(tmpdir(), 'filare-engine-')));
    try {
      await made.start(mode);
      for (const image of images) await made.#load(image);
      return made;
    } catch (failure) {
      const said = await readFile(join(made.folder, 'dockerd.log'), 'utf8').catch(() => '');
      await made[Symbol.asyncDispose]();
      throw new Error(`no second engine: ${said.slice(-2_000)}`, { cause: failure });
    }
  }

  /** Where it answers, as an environment says it. */
  get env(): { readonly DOCKER_HOST: string } {
    return { DOCKER_HOST: `unix://${join(this.folder, 'docker.sock')}` };
  }

  /** Starts dockerd, where it does not run; resolves when it answers. */
  async start(mode: EngineMode): Promise<void> {
    if (this.#runs) return;
    this.#runs = true;
    await this.#tell(`start ${mode === 'live-restore' ? '--live-restore' : ''}`);
    const engine = await DockerEngine.connect(this.env);
    const answers = (): Promise<boolean> =>
      engine.info({ deadline_ms: 2_000 }).then(
        () => true,
        () => false,
      );
    await eventually('the second engine answers', answers, 60_000);
  }

  /** Ends dockerd with that signal; resolves when it is gone. Its containerd goes on. */
  async kill(signal: 'SIGKILL' | 'SIGTERM'): Promise<void> {
    await this.#tell(`kill ${signal.slice('SIG'.length)}`);
    this.#runs = false;
  }

  /** What of it is left in the world; empty once it is disposed of. */
  async leftovers(): Promise<string[]> {
    const found: string[] = existsSync(this.folder) ? [this.folder] : [];
    for (const pid of (await readdir('/proc')).filter((name) => /^\d+$/.test(name))) {
      const command = await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '');
      const groups = await readFile(`/proc/${pid}/cgroup`, 'utf8').catch(() => '');
      if (command.includes(this.folder) || groups.includes(basename(this.folder)))
        found.push(`process ${pid} ${command.replaceAll('\0', ' ')}`);
    }
    if ((await readFile('/proc/self/mountinfo', 'utf8')).includes(this.folder)) found.push('a mount');
    if ((await readFile('/proc/net/unix', 'utf8')).includes(this.folder)) found.push('a socket');
    const groups = await readdir('/sys/fs/cgroup', { withFileTypes: true });
    for (const { name } of groups.filter((entry) => entry.isDirectory())) {
      const inside = join('/sys/fs/cgroup', name);
      if (name === basename(this.folder) || existsSync(join(inside, basename(this.folder))))
        found.push(`control group in ${inside}`);
    }
    return found;
  }

  /** Ends all of it; rejects with what is left. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#shell.stdin.end();
    await this.#over;
    this.#lines.close();
    const left = await this.leftovers();
    if (left.length > 0) throw new Error(`of the second engine is left: ${left.join('; ')}`);
  }

  async #tell(line: string): Promise<void> {
    const answered = new Promise<void>((resolve, reject) => {
      this.#lines.once('line', () => resolve());
      void this.#over.then(() => reject(new Error('the second engine has ended')));
    });
    this.#shell.stdin.write(`${line}\n`);
    await answered;
  }

  /** Straight from one engine into the other: nothing lies on the disk in between. */
  async #load(image: string): Promise<void> {
    const ran = await run('bash', [
      '-c',
      'set -o pipefail; docker save "$1" | docker --host "$2" load',
      'load',
      image,
      this.env.DOCKER_HOST,
    ]);
    if (ran.code !== 0) throw new Error(`${image} cannot be loaded: ${ran.stderr}`);
  }
}

function isInPath(program: string): boolean {
  return (process.env['PATH'] ?? '').split(delimiter).some((folder) => {
    try {
      accessSync(join(folder, program), constants.X_OK);
      return true;
    } catch {
      return false;
    }
  });
}

/** An agent's container as a session makes it, driven by hand: temporary folders, the channel of named pipe and files, the bootstrap. */
import { execFile } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { chmod, chown, link, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { constants, openSync, closeSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import type { BindMount, Engine, ExecResult } from '../../src/engine/engine.js';

export const run = promisify(execFile);

/** What a test wants different from an ordinary agent. */
export interface Wish {
  readonly stage?: string;
  readonly user?: { readonly uid: number; readonly gid: number };
  readonly env?: Readonly<Record<string, string>>;
  readonly network?: string;
  readonly known_hosts?: string;
  readonly config_toml?: string;
  /** Text of /run/filare-startup/script. */
  readonly script?: string;
  readonly workspace?: 'writable' | 'read only' | 'missing';
  /** Names that /io lacks. */
  readonly without?: readonly ('in' | 'out' | 'err')[];
  /** Files in the workspace. */
  readonly files?: Readonly<Record<string, string>>;
}

/** `E` line of the bootstrap. */
export function variable(name: string, value: string): string {
  return `E ${name} ${Buffer.from(value).toString('base64')}`;
}

/** `K` line of the bootstrap. */
export function key(text: string): string {
  return `K ${Buffer.from(text).toString('base64')}`;
}

/** A new private key, and its fingerprint. */
export async function newKey(
  passphrase = '',
): Promise<{ readonly text: string; readonly fingerprint: string; readonly public_line: string }> {
  const folder = await mkdtemp(join(tmpdir(), 'filare-key-'));
  try {
    const file = join(folder, 'key');
    await run('ssh-keygen', ['-q', '-t', 'ed25519', '-C', 'test', '-N', passphrase, '-f', file]);
    const { stdout } = await run('ssh-keygen', ['-lf', `${file}.pub`]);
    return {
      text: await readFile(file, 'utf8'),
      fingerprint: stdout.split(' ')[1] ?? '',
      public_line: await readFile(`${file}.pub`, 'utf8'),
    };
  } finally {
    await rm(folder, { recursive: true });
  }
}

/** A started container with its channel. */
export class AgentContainer {
  readonly id: string;
  readonly folder: string;
  readonly user: { readonly uid: number; readonly gid: number };
  readonly #engine: Engine;
  readonly #pipe: number;

  private constructor(engine: Engine, id: string, folder: string, pipe: number, user: { uid: number; gid: number }) {
    this.#engine = engine;
    this.id = id;
    this.folder = folder;
    this.#pipe = pipe;
    this.user = user;
  }

  /** Makes the folders, creates and starts the container. It carries `filare.project=<project>`. */
  static async start(engine: Engine, project: string, wish: Wish = {}): Promise<AgentContainer> {
    const user = wish.user ?? { uid: 1234, gid: 4321 };
    const stage = wish.stage ?? 'codex';
    const folder = await mkdtemp(join(tmpdir(), 'filare-image-'));
    await chmod(folder, 0o755);
    const path = (name: string): string => join(folder, name);
    for (const name of ['home', 'workspace', 'codex', 'io', 'kept', 'rules']) await mkdir(path(name));
    await mkdir(path('home/.codex'));
    if (wish.workspace !== 'missing') await mkdir(path('home/workspace'));
    const texts = {
      passwd: `agent:x:${String(user.uid)}:${String(user.gid)}:agent:/home/agent:/bin/bash\n`,
      group: `agent:x:${String(user.gid)}:\n`,
      gitconfig:
        '[include]\n\tpath = /usr/local/share/filare/gitconfig\n[user]\n\tname = Agent\n\temail = agent@example.com\n',
      known_hosts: wish.known_hosts ?? '',
      'config.toml': wish.config_toml ?? '',
    };
    for (const [name, text] of Object.entries(texts)) await writeFile(path(name), text);
    for (const [name, text] of Object.entries(wish.files ?? {}))
      await writeFile(join(path('workspace'), name), text, { mode: 0o755 });
    if (wish.script !== undefined) await writeFile(path('script'), wish.script, { mode: 0o555 });
    await run('mkfifo', ['-m', '0600', path('kept/in')]);
    await writeFile(path('kept/out'), '');
    await writeFile(path('kept/err'), '');
    const names = stage === 'startup' ? (['in'] as const) : (['in', 'out', 'err'] as const);
    for (const name of names)
      if (wish.without?.includes(name) !== true) await link(path(`kept/${name}`), path(`io/${name}`));
    await run('chown', [
      '-R',
      `${String(user.uid)}:${String(user.gid)}`,
      ...['home', 'workspace', 'codex', 'io', 'kept'].map(path),
    ]);
    await chown(path('rules'), user.uid, user.gid);

    const pipe = openSync(path('kept/in'), constants.O_RDWR | constants.O_NONBLOCK);
    const bind = (source: string, target: string, read_only = true): BindMount => ({
      source: path(source),
      target,
      read_only,
    });
    const owner = `uid=${String(user.uid)},gid=${String(user.gid)}`;
    const { id } = await engine.create({
      name: `filare-${project}-${randomUUID().slice(0, 8)}`,
      image: 'filare-codex',
      labels: { 'filare.project': project },
      user: `${String(user.uid)}:${String(user.gid)}`,
      env: {
        HOME: '/home/agent',
        LANG: 'C.UTF-8',
        FILARE_STAGE: stage,
        SSH_AUTH_SOCK: '/run/filare/ssh-agent.sock',
        ...wish.env,
      },
      command: [],
      working_dir: '/home/agent',
      binds: [
        bind('home', '/home/agent', false),
        ...(wish.workspace === 'missing'
          ? []
          : [bind('workspace', '/home/agent/workspace', wish.workspace === 'read only')]),
        bind('codex', '/home/agent/.codex', false),
        bind('config.toml', '/home/agent/.codex/config.toml'),
        bind('rules', '/home/agent/.codex/rules'),
        bind('passwd', '/etc/passwd'),
        bind('group', '/etc/group'),
        bind('gitconfig', '/etc/gitconfig'),
        bind('known_hosts', '/etc/ssh/ssh_known_hosts'),
        bind('io', '/io', false),
        ...(wish.script === undefined ? [] : [bind('script', '/run/filare-startup/script')]),
      ],
      tmpfs: [
        { target: '/tmp', options: 'rw,exec,nosuid,nodev,size=64m,mode=1777' },
        { target: '/run', options: `rw,noexec,nosuid,nodev,size=16m,mode=0700,${owner}` },
      ],
      cpus: 2,
      memory_bytes: 1024 ** 3,
      pids: 256,
      network: { name: wish.network ?? 'none' },
      extra_hosts: wish.network === undefined ? [] : ['host.docker.internal:host-gateway'],
      read_only_root: true,
      open_files: 4096,
      hostname: 'agent',
    });
    await engine.start(id);
    return new AgentContainer(engine, id, folder, pipe, user);
  }

  /** Writes lines into the named pipe. */
  send(...lines: readonly string[]): void {
    writeSync(this.#pipe, lines.map((line) => `${line}\n`).join(''));
  }

  /** Sends Codex's handshake and waits for the answer, the first line of the journal. */
  async initialize(): Promise<string> {
    const params = {
      clientInfo: { name: 'test', title: 'test', version: '1' },
      capabilities: { experimentalApi: true, requestAttestation: false },
    };
    this.send(JSON.stringify({ id: 0, method: 'initialize', params }));
    return this.until(async () => (await this.journal()).split('\n').find((line) => line.includes('"id":0')));
  }

  /** All that Codex wrote on standard output. */
  async journal(): Promise<string> {
    return readFile(join(this.folder, 'kept/out'), 'utf8');
  }

  /** All that entry and Codex wrote on standard error. */
  async errors(): Promise<string> {
    return readFile(join(this.folder, 'kept/err'), 'utf8');
  }

  /** Asks until there is an answer; 30 s at most, and not longer than the container runs. */
  async until<T>(ask: () => Promise<T | undefined>): Promise<T> {
    const end = Date.now() + 30_000;
    while (Date.now() < end) {
      const answer = await ask();
      if (answer !== undefined) return answer;
      const view = await this.#engine.inspect(this.id);
      if (view?.state !== 'running') break;
      await sleep(50);
    }
    throw new Error(
      `it did not come; the container says: ${await this.#engine.logs(this.id, 2000)} ${await this.errors()}`,
    );
  }

  /** Waits for its end. */
  async end(): Promise<{ readonly exit_code: number; readonly logs: string }> {
    const { exit_code } = await this.#engine.wait(this.id, { deadline_ms: 30_000 });
    return { exit_code, logs: await this.#engine.logs(this.id, 100_000) };
  }

  /** Runs bash as the agent's user, or as `user`. */
  async bash(script: string, user?: string): Promise<ExecResult> {
    return this.#engine.exec(this.id, {
      command: ['/bin/bash', '-c', script],
      ...(user === undefined ? {} : { user }),
    });
  }

  /** Host process id of the first process with this name in the container. */
  async hostPid(command: string): Promise<number> {
    const found = (await this.#engine.processes(this.id)).find((one) => one.command.startsWith(command));
    if (found === undefined) throw new Error(`no ${command} in the container`);
    return found.pid;
  }

  /** Removes container and folders. */
  async remove(): Promise<void> {
    closeSync(this.#pipe);
    await this.#engine.remove(this.id);
    await rm(this.folder, { recursive: true, force: true });
  }
}

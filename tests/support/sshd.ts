import { spawn, execFileSync, type ChildProcess } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir, userInfo } from 'node:os';
import { join } from 'node:path';
import { once } from 'node:events';

/** Where sshd is; undefined when `openssh-server` is not installed, and tests that need it are printed as skipped. */
export const SSHD_PATH = ['/usr/sbin/sshd', '/usr/local/sbin/sshd', '/usr/bin/sshd'].find((path) => existsSync(path));

const PORT_TRIES = 5;
const READY_MS = 15_000;
const STOP_MS = 3000;

/** A real sshd that serves one git repository and nothing else, to one key, as the user who runs the test. */
export interface SshGitServer {
  /** The address it listens on. */
  readonly host: string;
  readonly port: number;
  readonly user: string;
  /** A line for known_hosts; `name` where a client reaches it by another name (`host.docker.internal`). */
  hostKeyLine(name?: string): string;
  /** A known_hosts file with the line for `host`. */
  readonly known_hosts: string;
  /** The private key that is let in (0600). */
  readonly client_key: string;
  /** A private key that is not. */
  readonly stranger_key: string;
  /** The bare repository: branch `main` with `README.md`, branch `side` with `side.txt`. */
  readonly repo_path: string;
  /** Its ssh:// address; `name` as above. */
  repoUrl(name?: string): string;
  /** Ends it with its connections and removes its folder. */
  stop(): Promise<void>;
}

/** Starts one on `address` (a loopback address unless said otherwise) and a free port. Throws when sshd is missing or does not come up. */
export async function startSshGitServer(options: { readonly address?: string } = {}): Promise<SshGitServer> {
  if (SSHD_PATH === undefined) throw new Error('sshd is not installed');
  const host = options.address ?? '127.0.0.1';
  const folder = await mkdtemp(join(tmpdir(), 'filare-sshd-'));
  try {
    for (const name of ['host_key', 'client_key', 'stranger_key']) {
      execFileSync('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-C', name, '-f', join(folder, name)]);
    }
    const clientKey = (await readFile(join(folder, 'client_key.pub'), 'utf8')).trim();
    const repo_path = await makeRepository(folder);
    // git-shell takes git's own requests and nothing else; as root, sshd separates privileges in a folder that its service would have made.
    await writeFile(
      join(folder, 'authorized_keys'),
      `restrict,command="git-shell -c \\"$SSH_ORIGINAL_COMMAND\\"" ${clientKey}\n`,
    );
    if (process.geteuid?.() === 0) await mkdir('/run/sshd', { recursive: true, mode: 0o755 });
    const { port, child } = await listen(SSHD_PATH, folder, host);
    const [type = '', key = ''] = (await readFile(join(folder, 'host_key.pub'), 'utf8')).split(' ');
    const hostKeyLine = (name = host): string => `[${name}]:${port} ${type} ${key}`;
    const user = userInfo().username;
    await writeFile(join(folder, 'known_hosts'), `${hostKeyLine()}\n`);
    return {
      host,
      port,
      user,
      hostKeyLine,
      known_hosts: join(folder, 'known_hosts'),
      client_key: join(folder, 'client_key'),
      stranger_key: join(folder, 'stranger_key'),
      repo_path,
      repoUrl: (name = host) => `ssh://${user}@${name}:${port}${repo_path}`,
      stop: async () => {
        await end(child);
        await rm(folder, { recursive: true, force: true });
      },
    };
  } catch (error) {
    await rm(folder, { recursive: true, force: true });
    throw error;
  }
}

async function makeRepository(folder: string): Promise<string> {
  const work = join(folder, 'work');
  const bare = join(folder, 'sample.git');
  const env = {
    PATH: process.env['PATH'] ?? '',
    HOME: folder,
    GIT_CONFIG_NOSYSTEM: '1',
    GIT_CONFIG_GLOBAL: '/dev/null',
  };
  const git = (...args: string[]): void => {
    execFileSync('git', ['-c', 'user.name=Test', '-c', 'user.email=test@example.com', ...args], {
      cwd: folder,
      env,
      stdio: 'pipe',
    });
  };
  git('init', '-q', '-b', 'main', work);
  await writeFile(join(work, 'README.md'), 'sample over ssh\n');
  git('-C', work, 'add', '.');
  git('-C', work, 'commit', '-q', '-m', 'first');
  git('-C', work, 'switch', '-q', '-c', 'side');
  await writeFile(join(work, 'side.txt'), 'side\n');
  git('-C', work, 'add', '.');
  git('-C', work, 'commit', '-q', '-m', 'second');
  git('-C', work, 'switch', '-q', 'main');
  git('clone', '-q', '--bare', work, bare);
  await rm(work, { recursive: true });
  return bare;
}

/** sshd does not take port 0: a free one is looked for, and another when somebody was quicker. */
async function listen(sshd: string, folder: string, host: string): Promise<{ port: number; child: ChildProcess }> {
  let said = '';
  for (let attempt = 0; attempt < PORT_TRIES; attempt += 1) {
    const port = await freePort(host);
    const settings = [
      ...[`ListenAddress=${host}`, `Port=${port}`, `HostKey=${join(folder, 'host_key')}`, 'PidFile=none'],
      // Root's account is often locked, which sshd only lets pass when PAM decides; others need no PAM.
      ...[`UsePAM=${process.geteuid?.() === 0 ? 'yes' : 'no'}`],
      ...[
        `AuthorizedKeysFile=${join(folder, 'authorized_keys')}`,
        'StrictModes=no',
        'PermitRootLogin=yes',
        'UseDNS=no',
      ],
      ...[
        'PasswordAuthentication=no',
        'KbdInteractiveAuthentication=no',
        'PubkeyAuthentication=yes',
        'MaxStartups=100:30:200',
      ],
    ];
    const args = ['-D', '-e', '-f', '/dev/null', ...settings.flatMap((setting) => ['-o', setting])];
    const child = spawn(sshd, args, { stdio: ['ignore', 'ignore', 'pipe'] });
    said = '';
    const ready = await new Promise<boolean>((resolve) => {
      const timer = setTimeout(() => resolve(false), READY_MS);
      child.stderr.setEncoding('utf8').on('data', (text: string) => {
        said = (said + text).slice(-4096);
        if (said.includes('Server listening on')) resolve(true);
      });
      child.once('exit', () => resolve(false)).once('error', () => resolve(false));
      child.once('close', () => clearTimeout(timer));
    });
    if (ready) return { port, child };
    await end(child);
  }
  throw new Error(`sshd does not come up on ${host}: ${said}`);
}

async function freePort(host: string): Promise<number> {
  const server = createServer().listen(0, host);
  await once(server, 'listening');
  const address = server.address();
  server.close();
  await once(server, 'close');
  if (address === null || typeof address === 'string') throw new Error('no port');
  return address.port;
}

async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null || child.pid === undefined) return;
  const gone = once(child, 'exit');
  child.kill('SIGTERM');
  const force = setTimeout(() => child.kill('SIGKILL'), STOP_MS);
  await gone;
  clearTimeout(force);
}

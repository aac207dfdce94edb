import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { chmod, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { createConnection } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { DockerEngine } from '../../src/engine/docker/docker-engine.js';
import type { Engine } from '../../src/engine/engine.js';
import { buildImage } from '../../src/image/image.js';
import { AgentContainer, key, newKey, run } from './agent-container.js';

const PROJECT = `image-ssh-${String(process.pid)}`;
const SSHD = '/usr/sbin/sshd';
const PORT = 20_000 + (process.pid % 10_000);
const WHERE = `[host.docker.internal]:${String(PORT)}`;
const canServe = process.getuid?.() === 0 && existsSync(SSHD);

let engine: Engine;
let folder: string;
let endServer: () => void = () => undefined;
let private_key: string;
const host_keys: Record<string, string> = {};
const started: AgentContainer[] = [];

async function agentWith(known_hosts: string): Promise<AgentContainer> {
  const agent = await AgentContainer.start(engine, PROJECT, { known_hosts, network: 'bridge' });
  started.push(agent);
  agent.send(key(private_key), '.');
  await agent.initialize();
  return agent;
}

const clone = `git clone -q ssh://root@host.docker.internal:${String(PORT)}/$REPOSITORY /home/agent/workspace/copy`;

// A real server with a real repository, on the bridge of this machine only.
describe.skipIf(!canServe)('git over ssh', () => {
  beforeAll(async () => {
    engine = await DockerEngine.connect(process.env);
    await buildImage(engine, { onProgress: () => undefined });
    folder = await mkdtemp(join(tmpdir(), 'filare-sshd-'));
    await chmod(folder, 0o755);
    const path = (name: string): string => join(folder, name);
    const pair = await newKey();
    private_key = pair.text;
    // The address under which containers see this machine.
    const scout = await agentWith('');
    const bridge = (await scout.bash('grep host.docker.internal /etc/hosts | cut -f1')).stdout.trim();
    await writeFile(path('authorized_keys'), pair.public_line);
    for (const type of ['ed25519', 'ecdsa']) {
      await run('ssh-keygen', ['-q', '-t', type, '-N', '', '-C', '', '-f', path(`host_${type}`)]);
      host_keys[type] = (await readFile(path(`host_${type}.pub`), 'utf8')).trim();
    }
    await writeFile(
      path('sshd_config'),
      [
        ...[
          `ListenAddress ${bridge}:${String(PORT)}`,
          `HostKey ${path('host_ed25519')}`,
          `HostKey ${path('host_ecdsa')}`,
        ],
        ...[
          `AuthorizedKeysFile ${path('authorized_keys')}`,
          'StrictModes no',
          'UsePAM no',
          'PidFile none',
          'PermitRootLogin yes',
        ],
      ].join('\n'),
    );
    await run('git', ['init', '-q', '--bare', '-b', 'main', path('repository')]);
    await mkdir('/run/sshd', { recursive: true });
    const server = spawn(SSHD, ['-D', '-e', '-f', path('sshd_config')], { stdio: 'ignore' });
    endServer = (): void => void server.kill();
    const answers = (): Promise<boolean> =>
      new Promise((resolve) => {
        const socket = createConnection({ host: bridge, port: PORT });
        socket.once('connect', () => {
          socket.destroy();
          resolve(true);
        });
        socket.once('error', () => resolve(false));
      });
    await scout.until(async () => ((await answers()) ? true : undefined));
  }, 900_000);

  afterEach(async () => {
    for (const container of started.splice(0)) await container.remove();
  });

  afterAll(async () => {
    // What a failed beforeAll left.
    for (const container of started.splice(0)) await container.remove();
    endServer();
    await rm(folder, { recursive: true });
  });

  const inAgent = async (agent: AgentContainer): ReturnType<AgentContainer['bash']> =>
    agent.bash(clone.replace('/$REPOSITORY', join(folder, 'repository')));

  it('works at once with a pinned host key and the key in the agent', async () => {
    const agent = await agentWith(`${WHERE} ${host_keys['ed25519'] ?? ''}\n`);
    expect(await inAgent(agent)).toMatchObject({ exit_code: 0 });
    const push = await agent.bash(
      'cd ~/workspace/copy && git commit -q --allow-empty -m "from the agent" && git push -q origin HEAD:main',
    );
    expect(push).toMatchObject({ exit_code: 0 });
    expect((await run('git', ['-C', join(folder, 'repository'), 'log', '--format=%s', 'main'])).stdout).toBe(
      'from the agent\n',
    );
  });

  it('refuses a host that is not pinned, and prints the very line that would pin it', async () => {
    const agent = await agentWith('');
    const { exit_code, stderr } = await inAgent(agent);
    expect(exit_code).toBe(128);
    const line = `${WHERE} ${host_keys['ed25519'] ?? ''}`;
    expect(stderr).toContain(`    ${line}\n`);
    const { stdout } = await run('ssh-keygen', ['-lf', join(folder, 'host_ed25519.pub')]);
    expect(stderr).toContain(stdout.split(' ')[1]);
    expect(await inAgent(await agentWith(`${line}\n`))).toMatchObject({ exit_code: 0 });
  });

  it('refuses a host whose key is another one, and offers no line', async () => {
    const other = await newKey();
    const agent = await agentWith(`${WHERE} ${other.public_line}`);
    const { exit_code, stderr } = await inAgent(agent);
    expect(exit_code).toBe(128);
    expect(stderr).toContain('answered with another host key');
    expect(stderr).not.toContain(host_keys['ed25519']);
  });

  it('learns no host key from what an agent configures', async () => {
    const agent = await agentWith('');
    const ssh = `ssh -p ${String(PORT)} root@host.docker.internal true`;
    expect((await agent.bash(ssh)).exit_code).toBe(255);
    await agent.bash('mkdir -p ~/.ssh && printf "Host *\\n StrictHostKeyChecking no\\n" > ~/.ssh/config');
    expect((await inAgent(agent)).exit_code).toBe(128);
  });

  it('hands on what the server says and the exit code of the command', async () => {
    const agent = await agentWith(`${WHERE} ${host_keys['ed25519'] ?? ''}\n`);
    const told = await agent.bash(
      `filare-ssh -p ${String(PORT)} root@host.docker.internal 'cat; echo words >&2; exit 7' < /etc/hostname`,
    );
    expect(told).toEqual({ exit_code: 7, stdout: expect.stringMatching(/^.+\n$/) as string, stderr: 'words\n' });
  });

  it('says so when nobody answers', async () => {
    const agent = await agentWith('');
    const { exit_code, stderr } = await agent.bash('filare-ssh -p 1 root@host.docker.internal true');
    expect(exit_code).toBe(255);
    expect(stderr).toMatch(/^ssh: connect to host .*refused\s*$/);
  });
});

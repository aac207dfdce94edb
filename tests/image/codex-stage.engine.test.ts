import { readdir, readFile, readlink } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeAll, describe, expect, it } from 'vitest';
import { DockerEngine } from '../../src/engine/docker/docker-engine.js';
import type { Engine } from '../../src/engine/engine.js';
import { buildImage } from '../../src/image/image.js';
import { AgentContainer, key, newKey, variable } from './agent-container.js';
import type { Wish } from './agent-container.js';

const PROJECT = `image-codex-${String(process.pid)}`;
let engine: Engine;
const started: AgentContainer[] = [];

async function start(wish: Wish = {}): Promise<AgentContainer> {
  const container = await AgentContainer.start(engine, PROJECT, wish);
  started.push(container);
  return container;
}

beforeAll(async () => {
  engine = await DockerEngine.connect(process.env);
  await buildImage(engine, { onProgress: () => undefined });
}, 900_000);

afterEach(async () => {
  for (const container of started.splice(0)) await container.remove();
});

describe('the channel', () => {
  it('carries Codex: it answers what is written into the pipe, in the file', async () => {
    const agent = await start();
    agent.send('.');
    expect(JSON.parse(await agent.initialize())).toMatchObject({ id: 0, result: { codexHome: '/home/agent/.codex' } });
  });

  it('has no name left in the container', async () => {
    const agent = await start();
    agent.send('.');
    await agent.initialize();
    expect((await agent.bash('ls -A /io')).stdout).toBe('');
  });

  it('is all that Codex holds of what entry opened', async () => {
    const agent = await start();
    agent.send('.');
    await agent.initialize();
    const folder = `/proc/${String(await agent.hostPid('/usr/local/bin/codex'))}/fd`;
    const held: string[] = [];
    for (const fd of await readdir(folder)) {
      const target = await readlink(join(folder, fd)).catch(() => '');
      if (target.startsWith('/io/')) held.push(`${fd} ${target}`);
    }
    expect(held.sort()).toEqual(['0 /io/in (deleted)', '1 /io/out (deleted)', '2 /io/err (deleted)']);
  });

  it.each(['in', 'out', 'err'] as const)('must be whole: without /io/%s nothing starts (70)', async (name) => {
    const agent = await start({ without: [name] });
    const { exit_code, logs } = await agent.end();
    expect(exit_code).toBe(70);
    expect(logs).toContain(`/io/${name}`);
  });
});

describe('the bootstrap', () => {
  it('gives variables to Codex, byte for byte', async () => {
    const agent = await start();
    const values = {
      PLAIN: 'value',
      LINES: 'first\nsecond\n\n',
      UMLAUT: 'Grüße € 🚀',
      QUOTES: `'"$(touch /tmp/ran)\`touch /tmp/ran\``,
      EMPTY: '',
      LONG: 'x'.repeat(20_000),
      filare_variables: 'of the entry itself',
    };
    agent.send(...Object.entries(values).map(([name, value]) => variable(name, value)), '', '.');
    await agent.initialize();
    const environment = await readFile(`/proc/${String(await agent.hostPid('/usr/local/bin/codex'))}/environ`, 'utf8');
    const entries = environment.split('\0');
    for (const [name, value] of Object.entries(values)) expect(entries).toContain(`${name}=${value}`);
    expect((await agent.bash('ls /tmp/ran')).exit_code).not.toBe(0);
  });

  it('leaves the variables that belong to the shell alone, and goes on', async () => {
    const agent = await start();
    agent.send(variable('UID', '55'), variable('SHELLOPTS', 'xtrace'), variable('BASH_VERSINFO', 'x'), '.');
    await agent.initialize();
    expect(await agent.errors()).not.toContain('readonly');
  });

  it('cannot make entry run a file of the workspace', async () => {
    const evil = '#!/bin/bash\ntouch /tmp/ran\n';
    const agent = await start({ files: { 'evil.sh': evil, base64: evil, rm: evil, codex: evil } });
    const key_text = (await newKey()).text;
    agent.send(
      variable('BASH_ENV', '/home/agent/workspace/evil.sh'),
      variable('ENV', '/home/agent/workspace/evil.sh'),
      variable('PATH', '/home/agent/workspace'),
      variable('LD_PRELOAD', '/home/agent/workspace/evil.sh'),
      variable('PROMPT_COMMAND', '/home/agent/workspace/evil.sh'),
      key(key_text),
      '.',
    );
    await agent.initialize();
    expect((await agent.bash('PATH=/usr/bin ls /tmp/ran')).exit_code).not.toBe(0);
    expect(await agent.errors()).not.toContain('evil.sh');
  });

  it.each([
    ['a word that is nothing', 'hello'],
    ['base64 that is none', 'E NAME not*base64'],
    ['half a base64', 'E NAME abc'],
    ['a name that is no name', `E 1NAME ${Buffer.from('x').toString('base64')}`],
    ['a value with a zero byte', `E NAME ${Buffer.from('a\0b').toString('base64')}`],
    ['words after the end mark', '. and more'],
    ['a leading blank', ' .'],
    ['a key that is not base64', 'K ***'],
  ])('ends with 72 for %s, and does not repeat it', async (_what, line) => {
    const agent = await start();
    agent.send(variable('BEFORE', 'x'), line);
    const { exit_code } = await agent.end();
    expect(exit_code).toBe(72);
    const said = await agent.errors();
    expect(said).toMatch(/^filare-entry: the bootstrap has .+\n$/);
    expect(said).not.toContain(line);
  });
});

describe('the workspace', () => {
  it.each(['missing', 'read only'] as const)('that is %s ends it with 73', async (workspace) => {
    const agent = await start({ workspace });
    agent.send('.');
    expect((await agent.end()).exit_code).toBe(73);
    expect(await agent.errors()).toContain('/home/agent/workspace');
  });
});

describe('the SSH key', () => {
  it('is in the agent and in no file, and cannot be had from any process', async () => {
    const agent = await start();
    const { text, fingerprint } = await newKey();
    agent.send(key(text), '.');
    await agent.initialize();
    expect((await agent.bash('ssh-add -l')).stdout).toContain(fingerprint);
    const inside = text.split('\n').at(-3) ?? '';
    // In two halves, so that the search does not find itself.
    const script = `a=${inside.slice(0, 9)}; a+=${inside.slice(9)}; grep -rlF -f <(echo $a) /home /io /run /tmp /etc /dev/shm /var /proc/*/environ /proc/*/cmdline`;
    expect((await agent.bash(script, '0:0')).stdout).toBe('');
    // The search finds what is there.
    expect(
      (await agent.bash(`${script.split(' grep')[0] ?? ''} echo $a > /tmp/planted; ${script}`, '0:0')).stdout.trim(),
    ).toBe('/tmp/planted');
  });

  it('with a passphrase ends it with 71 and a sentence', async () => {
    const agent = await start();
    agent.send(key((await newKey('secret')).text), '.');
    expect((await agent.end()).exit_code).toBe(71);
    expect(await agent.errors()).toContain('has a passphrase');
  });

  it('that is none ends it with 71 and another sentence', async () => {
    const agent = await start();
    agent.send(key((await newKey()).public_line), '.');
    expect((await agent.end()).exit_code).toBe(71);
    expect(await agent.errors()).toContain('not a private key');
  });
});

describe('a command of the agent', () => {
  it('reaches neither environment, memory nor descriptors of Codex and of ssh-agent', async () => {
    const probe = await readFile(join(import.meta.dirname, 'probe.py'), 'utf8');
    const agent = await start({ files: { 'probe.py': probe } });
    agent.send(variable('SECRET', 'canary'), key((await newKey()).text), '.');
    await agent.initialize();
    const probed = async (of: string): Promise<Record<string, string>> => {
      const { stdout, stderr } = await agent.bash(
        `sleep 60 & python3 probe.py $(pgrep -ox ${of}); kill %1`.replace('probe.py', '/home/agent/workspace/probe.py'),
      );
      expect(stderr).toBe('');
      return JSON.parse(stdout) as Record<string, string>;
    };
    const codex = await probed('codex');
    expect(codex).toEqual(Object.fromEntries(Object.keys(codex).map((way) => [way, 'refused'])));
    const ssh_agent = await probed('ssh-agent');
    expect(ssh_agent).toEqual(codex);
    // The same ways lead into an ordinary process of the same user: the probe can tell.
    const { environ, fd, maps, mem } = await probed('sleep');
    expect([environ, fd, maps, mem]).not.toContain('refused');
  });

  it('cannot read or replace the binary of Codex', async () => {
    const agent = await start();
    agent.send('.');
    await agent.initialize();
    expect((await agent.bash('cat /opt/codex/bin/codex > /tmp/copy')).exit_code).not.toBe(0);
    expect((await agent.bash('stat -c "%a %u" /opt/codex/bin/*')).stdout).toBe('711 0\n711 0\n');
    expect((await agent.bash('codex --version')).stdout).toBe('codex-cli 0.169.0\n');
  });
});

it('runs as any user', async () => {
  for (const user of [
    { uid: 1000, gid: 1000 },
    { uid: 54_321, gid: 100 },
  ]) {
    const agent = await start({ user });
    agent.send('.');
    await agent.initialize();
    const told = await agent.bash(
      'id -u; id -g; id -un; cd ~/workspace && git init -q . && git commit -q --allow-empty -m first && git log --format=%an; touch ~/mine && echo home',
    );
    expect(told.stdout).toBe(`${String(user.uid)}\n${String(user.gid)}\nagent\nAgent\nhome\n`);
  }
});

it('has the tools of a development machine', async () => {
  const agent = await start({ stage: 'startup', script: 'sleep 60' });
  agent.send('.');
  const tools = [
    ...[
      'git --version',
      'git lfs version',
      'ssh -V',
      'curl --version',
      'rg --version',
      'fd --version',
      'jq --version',
      'yq --version',
    ],
    ...[
      'just --version',
      'tmux -V',
      'python3 --version',
      'python3 -m venv /tmp/venv',
      'pip3 --version',
      'node --version',
      'npm --version',
    ],
    ...[
      'npx --version',
      'make --version',
      'gcc --version',
      'g++ --version',
      'socat -V',
      'ps --version',
      'less --version',
      'file --version',
    ],
    ...['unzip -v', 'xz --version', 'tini --version', 'test -s /etc/ssl/certs/ca-certificates.crt'],
  ];
  const script = tools.map((tool) => `${tool} >/dev/null 2>&1 || echo '${tool}'`).join('\n');
  expect((await agent.bash(script)).stdout).toBe('');
  expect((await agent.bash('npm install -g --dry-run --offline 2>&1; npm config get prefix')).stdout).toContain(
    '/home/agent/.local',
  );
  expect((await agent.bash('git config core.sshCommand; git config filter.lfs.process')).stdout).toBe(
    '/usr/local/bin/filare-ssh\ngit-lfs filter-process\n',
  );
});

it('says what it is when it is started by hand', async () => {
  const agent = await start({ stage: '' });
  const { exit_code, logs } = await agent.end();
  expect(exit_code).toBe(64);
  expect(logs).toContain('filare-agents');
});

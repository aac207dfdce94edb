import { once } from 'node:events';
import { mkdirSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { TestProject } from './project.js';

// Doors out of the container: each must be refused, however it is written.
const CLOSED_SOURCES: Readonly<Record<string, string>> = {
  'the root': '/',
  'the root, the long way': '/tmp/../..//',
  'the root through a link': '<links>/root',
  'the Docker socket': '/var/run/docker.sock',
  'the Docker socket in /run': '/run/docker.sock',
  'the Docker socket with dots': '/var/../var/run/./docker.sock',
  'the Docker socket through a link': '<links>/docker.sock',
  'the Docker socket through a linked folder': '<links>/run/docker.sock',
  "the socket's folder": '/var/run',
  "the socket's folder above": '/var',
  'the Podman socket': '/run/podman/podman.sock',
  'the containerd socket': '/run/containerd/containerd.sock',
  'the socket that DOCKER_HOST names': '<top>/elsewhere/engine.sock',
  'a folder with the socket that DOCKER_HOST names': '<top>/elsewhere',
  "the engine's files": '/var/lib/docker/volumes',
  'a folder that holds an engine socket': '<top>/hidden',
  'a socket of another name': '<top>/hidden/deep/other.sock',
  '/proc': '/proc',
  'a process': '/proc/1/root',
  '/sys': '/sys/fs/cgroup',
  '/run': '/run',
  '/dev': '/dev',
  'a device': '/dev/null',
  '/etc': '/etc',
  'a file of /etc': '/etc/shadow',
  'the home folder': '~/',
  'the home folder by variable': '$HOME',
  'the home folder through a link': '<links>/home',
  'what holds the home folder': '<top>',
  "root's home": '/root',
  'the state of the project': '<root>/.filare',
  'a part of the state': '<root>/.filare/agents/one/codex',
  'the state through a link': '<links>/state',
  'the project itself': '<root>',
  'the project, relative': '../..',
  'the records of sessions': '<root>/outputs/agents',
};

test.each(Object.entries(CLOSED_SOURCES))('refuses to mount %s', async (_name, written) => {
  using project = new TestProject();
  project.link('links/root', '/');
  project.link('links/docker.sock', '/var/run/docker.sock');
  project.link('links/run', '/var/run');
  project.link('links/home', project.home);
  project.link('links/state', join(project.root, '.filare'));
  mkdirSync(join(project.top, 'elsewhere'));
  mkdirSync(join(project.top, 'hidden/deep'), { recursive: true });
  const servers = ['docker.sock', 'deep/other.sock'].map((name) =>
    createServer().listen(join(project.top, 'hidden', name)),
  );
  await Promise.all(servers.map((server) => once(server, 'listening')));
  try {
    const source = written
      .replace('<links>', project.path('links'))
      .replace('<root>', project.root)
      .replace('<top>', project.top);
    const { mistakes } = await project.loadText(
      `id: one\nrole: UI\nmounts:\n  - source: "${source}"\n    target: /data\n`,
      {
        HOME: project.home,
        DOCKER_HOST: `unix://${join(project.top, 'elsewhere/engine.sock')}`,
      },
    );
    expect(mistakes).toMatchObject([{ line: 4, column: 13 }]);
    expect(mistakes[0]?.message).toMatch(/^the mount source .* (is|lies|holds) /);
    expect(mistakes[0]?.message).not.toContain('does not exist');
  } finally {
    servers.forEach((server) => server.close());
  }
});

test.each([
  'data',
  '/',
  '/.',
  '/home',
  '/home/agent',
  '/home/agent/workspace',
  '/home/agent/workspace/',
  '/home/agent/.codex',
  '/home/agent/.codex/rules',
  '/home/agent/x/../.codex/config.toml',
  '/io',
  '/io/in',
  '/run',
  '/run/filare',
  '/var/run/x',
  '/var',
  '/etc/passwd',
  '/usr/local/bin/codex',
  '/usr',
  '/bin/sh',
  '/lib64',
  '/opt',
  '/opt/codex/bin',
  '//etc',
  '/data/../etc',
  '/proc',
  '/sys/fs',
  '/dev/shm',
  '/tmp',
  '/root',
])('refuses the target %s, which would cover what the container needs', async (target) => {
  using project = new TestProject();
  project.folder('data');
  const { mistakes } = await project.loadText(
    `id: one\nrole: UI\nmounts: [{ source: ../../data, target: "${target}" }]\n`,
  );
  expect(mistakes).toMatchObject([{ line: 3, column: 40 }]);
  expect(mistakes[0]?.message).toContain(`the mount target "${target}"`);
});

test('mounts what leads nowhere dangerous, by its real path', async () => {
  using project = new TestProject();
  const data = project.folder('data');
  const file = project.write('data/file.txt', 'x');
  project.link('links/data', data);
  const { loaded } = await project.loadText(`
id: one
role: UI
mounts:
  - { source: ../../links/data, target: /data/ }
  - { source: ../../data/file.txt, target: /home/agent/.gitconfig, read_only: true }
  - { source: ../../data, target: /home/agent/workspace/data }
  - { source: ../../data, target: /opt/tools }
  - { source: ../../data, target: /tmp/x }
`);
  expect(loaded?.agents[0]?.mounts).toEqual([
    { source: data, target: '/data', read_only: false },
    { source: file, target: '/home/agent/.gitconfig', read_only: true },
    { source: data, target: '/home/agent/workspace/data', read_only: false },
    { source: data, target: '/opt/tools', read_only: false },
    { source: data, target: '/tmp/x', read_only: false },
  ]);
});

test('refuses a source that is missing, and two mounts on one target; warns of credentials', async () => {
  using project = new TestProject();
  project.folder('data');
  mkdirSync(join(project.home, '.ssh'));
  const text = `
id: one
role: UI
mounts:
  - { source: ../../missing, target: /a }
  - { source: ../../data, target: /b }
  - { source: ../../data, target: /b/ }
  - { source: ~/.ssh, target: /c }
`;
  const { mistakes, warnings } = await project.loadText(text);
  expect(mistakes.map(({ line, message }) => [line, message.replace(project.root, '')])).toEqual([
    [5, 'the mount source /missing does not exist'],
    [7, 'two mounts have the target /b'],
  ]);
  expect(warnings.map(({ line, message }) => [line, message.replace(project.home, '~')])).toEqual([
    [8, '~/.ssh holds your own credentials, and the agent will be able to read them'],
  ]);
});

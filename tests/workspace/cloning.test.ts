import { execFileSync } from 'node:child_process';
import { createServer } from 'node:http';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { chmod, readdir, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { SSHD_PATH, startSshGitServer, type SshGitServer } from '../support/sshd.js';
import { git, IS_ROOT, Playground, refusal, text } from './playground.js';

let playground: Playground;
beforeEach(async () => {
  playground = await Playground.open();
});
afterEach(async () => {
  await playground.close();
});

describe('a clone of a local repository', () => {
  test('has its own objects and a new branch at HEAD', async () => {
    const repo = await playground.repository('repo');
    const head = git(repo, 'rev-parse', 'HEAD');
    expect(await playground.prepare(playground.agent({ workspace: { repo } }))).toEqual({
      ...{ path: playground.path('ws'), branch: 'agents/alpha', head, seeded: true, kind: 'clone' },
    });
    expect(git(playground.path('ws'), 'status', '--porcelain', '--branch')).toBe('## agents/alpha');
    expect(git(playground.path('ws'), 'config', 'remote.origin.url')).toBe(repo);
    const objects = await readdir(playground.path('ws/.git/objects'), { recursive: true, withFileTypes: true });
    const links = await Promise.all(
      objects
        .filter((entry) => entry.isFile())
        .map(async (entry) => (await stat(join(entry.parentPath, entry.name))).nlink),
    );
    expect(new Set(links)).toEqual(new Set([1]));
    expect(await playground.names('ws/.git')).not.toContain('hooks');
    expect(playground.progress.join('\n')).toContain(`cloning ${repo}`);
    expect(await playground.names()).toEqual(['project', 'repo', 'ws']);
    expect(playground.balance()).toEqual([]);
  });

  test('starts at a branch, a tag, a commit, or a ref that clones do not bring', async () => {
    const repo = await playground.repository('repo');
    const first = git(repo, 'rev-parse', 'HEAD');
    git(repo, 'tag', '-a', '-m', 'tag', 'v1');
    git(repo, 'switch', '-q', '-c', 'side/one');
    git(repo, 'commit', '-q', '--allow-empty', '-m', 'side');
    const side = git(repo, 'rev-parse', 'HEAD');
    git(repo, 'commit', '-q', '--allow-empty', '-m', 'pulled');
    const pulled = git(repo, 'rev-parse', 'HEAD');
    git(repo, 'update-ref', 'refs/pull/7/head', pulled);
    git(repo, 'reset', '-q', '--hard', side);
    git(repo, 'switch', '-q', 'main');
    git(repo, 'commit', '-q', '--allow-empty', '-m', 'main');
    const expected = {
      'side/one': side,
      v1: first,
      [first]: first,
      [side.slice(0, 10)]: side,
      'refs/pull/7/head': pulled,
      'refs/tags/v1': first,
    };
    for (const [ref, head] of Object.entries(expected)) {
      const path = playground.path(`ws-${ref.replaceAll('/', '-')}`);
      const made = await playground.prepare(playground.agent({ workspace: { path, repo, ref } }));
      expect(made, ref).toMatchObject({ branch: 'agents/alpha', head });
    }
  });

  test('takes a branch that the repository has, and follows it', async () => {
    const repo = await playground.repository('repo');
    git(repo, 'switch', '-q', '-c', 'agents/alpha');
    git(repo, 'commit', '-q', '--allow-empty', '-m', 'earlier work');
    const head = git(repo, 'rev-parse', 'HEAD');
    git(repo, 'switch', '-q', 'main');
    expect(await playground.prepare(playground.agent({ workspace: { repo } }))).toMatchObject({
      branch: 'agents/alpha',
      head,
    });
    expect(git(playground.path('ws'), 'rev-parse', '--abbrev-ref', '@{upstream}')).toBe('origin/agents/alpha');
  });

  test("of the repository's own branch is that branch", async () => {
    const repo = await playground.repository('repo');
    expect(await playground.prepare(playground.agent({ branch: 'main', workspace: { repo } }))).toMatchObject({
      branch: 'main',
    });
  });

  test('without a commit is on the branch, which the first commit will make', async () => {
    git(playground.root, 'init', '-q', '-b', 'main', playground.path('repo'));
    const repo = playground.path('repo');
    expect(await playground.prepare(playground.agent({ workspace: { repo } }))).toMatchObject({
      branch: 'agents/alpha',
      head: null,
    });
  });

  test('does not follow submodules', async () => {
    const inner = await playground.repository('inner');
    const repo = await playground.repository('repo');
    git(repo, '-c', 'protocol.file.allow=always', 'submodule', '--quiet', 'add', inner, 'sub');
    git(repo, 'commit', '-q', '-m', 'with a submodule');
    await playground.prepare(playground.agent({ workspace: { repo } }));
    expect(await playground.names('ws/sub')).toEqual([]);
  });

  test('works from a file:// address and from a path with spaces and quotes', async () => {
    const repo = await playground.repository('a "strange" repo');
    const agent = playground.agent({ workspace: { repo } });
    expect(await playground.prepare(agent)).toMatchObject({ kind: 'clone' });
    const path = playground.path('ws2');
    const url = new URL(`file://${repo}`).href;
    expect(await playground.prepare(playground.agent({ workspace: { path, repo: url } }))).toMatchObject({
      kind: 'clone',
    });
  });

  test.runIf(IS_ROOT)('works from a repository of another user', async () => {
    const repo = await playground.repository('repo');
    execFileSync('chown', ['-R', '1234:1234', repo]);
    expect(await playground.prepare(playground.agent({ workspace: { repo } }))).toMatchObject({ kind: 'clone' });
  });
});

describe('a clone that cannot be', () => {
  const refused = (repo: string, ref?: string): Promise<string> =>
    refusal(playground.prepare(playground.agent({ workspace: { repo, ...(ref === undefined ? {} : { ref }) } })));

  afterEach(async () => {
    expect((await playground.names()).filter((name) => name.startsWith('ws'))).toEqual([]);
    expect(playground.balance()).toEqual([]);
  });

  test('a path that is missing, or no repository', async () => {
    await playground.write({ 'plain/file': '' });
    expect(await refused(playground.path('nothing'))).toMatch(/^workspace: .*nothing does not exist.*mend `repo`/);
    expect(await refused(playground.path('plain'))).toMatch(/^workspace: .*there is no such repository/);
  });

  test('a ref that is not there, or is an option', async () => {
    const repo = await playground.repository('repo');
    const commit = '0123456789012345678901234567890123456789';
    for (const ref of ['nowhere', '--upload-pack=touch /tmp/x', 'refs/heads/none', commit]) {
      expect(await refused(repo, ref), ref).toMatch(/^workspace: .*has no branch, tag or commit/);
    }
  });

  test('addresses that would run something, or are none', async () => {
    for (const repo of [
      'ext::sh -c touch% /tmp/x',
      '--upload-pack=x',
      'fd::17',
      'ssh://-oProxyCommand=x/y',
      '-host:path',
      'words',
      'ftp://h/x',
      'a\nb',
    ]) {
      expect(await refused(repo), repo).toMatch(/^workspace: .*is not an address/);
    }
  });

  test('a server that does not answer, does not know it, or wants a password, which is not shown', async () => {
    const server = createServer((request, response) => {
      response.statusCode = request.url?.startsWith('/private') === true ? 401 : 404;
      if (response.statusCode === 401) response.setHeader('WWW-Authenticate', 'Basic realm="x"');
      response.end();
    }).listen(0, '127.0.0.1');
    await once(server, 'listening');
    const address = server.address();
    const port = typeof address === 'object' && address !== null ? address.port : 0;
    try {
      expect(await refused(`http://127.0.0.1:${port}/missing.git`)).toMatch(
        /^workspace: .*there is no such repository/,
      );
      expect(await refused(`http://127.0.0.1:${port}/private.git`)).toMatch(/^credentials: .*does not let us in/);
      const secret = await refused(`http://user:hunter2@127.0.0.1:${port}/private.git`);
      expect(secret).toMatch(/^credentials: /);
      expect(secret + playground.progress.join('\n')).not.toContain('hunter2');
    } finally {
      server.close();
      server.closeAllConnections();
    }
    expect(await refused(`http://127.0.0.1:${port}/x.git`)).toMatch(/^workspace: .*cannot be reached/);
  });
});

test('a password in a web address is used, and not left in the workspace', async () => {
  const bare = playground.path('www/repo.git');
  git(playground.root, 'clone', '-q', '--bare', await playground.repository('repo'), bare);
  git(bare, 'update-server-info');
  const seen = new Set<string>();
  const server = createServer((request, response) => {
    seen.add(request.headers.authorization ?? '');
    if (request.headers.authorization === undefined) {
      response.writeHead(401, { 'WWW-Authenticate': 'Basic realm="x"' }).end();
      return;
    }
    const path = new URL(request.url ?? '/', 'http://x').pathname;
    readdir(playground.path('www'))
      .then(() => import('node:fs/promises'))
      .then(({ readFile }) => readFile(playground.path('www', path)))
      .then(
        (bytes) => response.end(bytes),
        () => response.writeHead(404).end(),
      );
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  const port = typeof address === 'object' && address !== null ? address.port : 0;
  try {
    const repo = `http://user:hunter2@127.0.0.1:${port}/repo.git`;
    expect(await playground.prepare(playground.agent({ workspace: { repo } }))).toMatchObject({ kind: 'clone' });
  } finally {
    server.close();
    server.closeAllConnections();
  }
  expect([...seen]).toContain(`Basic ${Buffer.from('user:hunter2').toString('base64')}`);
  expect(git(playground.path('ws'), 'config', 'remote.origin.url')).toBe(`http://127.0.0.1:${port}/repo.git`);
  expect(() => execFileSync('grep', ['-r', 'hunter2', playground.path('ws')])).toThrow();
});

describe.skipIf(SSHD_PATH === undefined)('a clone over SSH', () => {
  let server: SshGitServer;
  beforeAll(async () => {
    server = await startSshGitServer();
  });
  afterAll(async () => {
    await server.stop();
  });
  const overSsh = (changes: { ssh_key?: string; known_hosts?: string; repo?: string } = {}) => {
    const { repo = server.repoUrl(), ssh_key = server.client_key, known_hosts = server.known_hosts } = changes;
    return playground.prepare(playground.agent({ ssh_key, known_hosts, workspace: { repo, ref: 'side' } }));
  };

  test('works with the key and the pinned host key, also from paths that need quoting', async () => {
    expect(await overSsh()).toMatchObject({ kind: 'clone', branch: 'agents/alpha' });
    expect(await text(playground.path('ws/side.txt'))).toBe('side\n');
    await playground.write({
      "odd 100%d 'x'/key": await text(server.client_key),
      "odd 100%d 'x'/hosts": await text(server.known_hosts),
    });
    await chmod(playground.path("odd 100%d 'x'/key"), 0o600);
    const [ssh_key, known_hosts] = [playground.path("odd 100%d 'x'/key"), playground.path("odd 100%d 'x'/hosts")];
    const agent = playground.agent({
      ssh_key,
      known_hosts,
      workspace: { path: playground.path('ws2'), repo: server.repoUrl() },
    });
    expect(await playground.prepare(agent)).toMatchObject({ kind: 'clone' });
  });

  test('is refused by an unknown host, with the line to add, which then works', async () => {
    const known_hosts = playground.path('known_hosts');
    await writeFile(known_hosts, '');
    const said = await refusal(overSsh({ known_hosts }));
    expect(said).toMatch(/^credentials: .*host key .* is not known/);
    const line = /: (\[127\.0\.0\.1\]:\d+ ssh-ed25519 \S+)$/.exec(said)?.[1] ?? '';
    expect(line).toBe(server.hostKeyLine());
    await writeFile(known_hosts, `${line}\n`);
    expect(await overSsh({ known_hosts })).toMatchObject({ kind: 'clone' });
  });

  test('is refused when the host has another key than the pinned one', async () => {
    const known_hosts = playground.path('known_hosts');
    const other = (await text(`${server.stranger_key}.pub`)).split(' ').slice(0, 2).join(' ');
    writeFileSync(known_hosts, `[127.0.0.1]:${server.port} ${other}\n`);
    expect(await refusal(overSsh({ known_hosts }))).toMatch(/^credentials: .*not the pinned one/);
  });

  test('is refused with a key the server does not know, a key others may read, and a missing one', async () => {
    expect(await refusal(overSsh({ ssh_key: server.stranger_key }))).toMatch(
      /^credentials: .*does not let us in.*ssh-keygen -y/,
    );
    await writeFile(playground.path('open_key'), await text(server.client_key));
    await chmod(playground.path('open_key'), 0o644);
    expect(await refusal(overSsh({ ssh_key: playground.path('open_key') }))).toMatch(
      /^credentials: .*others may read it.*chmod 600/,
    );
    expect(await refusal(overSsh({ ssh_key: playground.path('no_key') }))).toMatch(
      /^credentials: ssh_key .* cannot be read/,
    );
  });

  test('says that there is no such repository', async () => {
    const repo = server.repoUrl().replace('sample.git', 'other.git');
    expect(await refusal(overSsh({ repo }))).toMatch(/^workspace: .*there is no such repository/);
  });
});

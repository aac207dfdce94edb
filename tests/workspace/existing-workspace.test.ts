import { chmod, chown, mkdir, symlink, writeFile } from 'node:fs/promises';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { execFileSync } from 'node:child_process';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { git, IS_ROOT, Playground, refusal, USER } from './playground.js';

let playground: Playground;
beforeEach(async () => {
  playground = await Playground.open();
});
afterEach(async () => {
  await playground.close();
});

describe('a folder with content', () => {
  test('is used as it is, and nothing in it changes', async () => {
    await playground.write({ 'ws/notes.txt': 'mine' });
    await playground.giveToAgent('ws');
    expect(await playground.prepare(playground.agent({ workspace: { template: '/nowhere' } }))).toEqual({
      ...{ path: playground.path('ws'), branch: null, head: null, seeded: false, kind: 'existing' },
    });
    expect(await playground.names('ws')).toEqual(['notes.txt']);
    expect(playground.booked).toEqual([]);
  });

  test('with git on the pinned branch is taken with its commit', async () => {
    const repository = await playground.repository('ws', undefined, 'agents/alpha');
    await playground.giveToAgent('ws');
    const head = git(repository, 'rev-parse', 'HEAD');
    expect(await playground.prepare(playground.agent())).toMatchObject({
      branch: 'agents/alpha',
      head,
      kind: 'existing',
    });
  });

  test('is refused when the manifest does not reuse, except to the session that prepared it', async () => {
    await playground.write({ 'ws/notes.txt': 'mine' });
    await playground.giveToAgent('ws');
    const agent = playground.agent({ workspace: { reuse_existing: false } });
    expect(await refusal(playground.prepare(agent))).toMatch(
      /^workspace: .*exists and is not empty.*reuse_existing: true/,
    );
    expect(await playground.prepare(agent, { again: true })).toMatchObject({ kind: 'existing' });
  });

  test('with another branch checked out is refused, naming both and the fix', async () => {
    await playground.repository('ws', undefined, 'main');
    await playground.giveToAgent('ws');
    const said = await refusal(playground.prepare(playground.agent()));
    expect(said).toMatch(/^workspace: .*branch main checked out.*pinned to agents\/alpha/);
    expect(said).toContain('`branch: main`');
    expect(await playground.prepare(playground.agent({ branch: 'main' }))).toMatchObject({ branch: 'main' });
  });

  test('with a detached HEAD, or with a branch but no git, is refused', async () => {
    const repository = await playground.repository('ws');
    git(repository, 'switch', '-q', '--detach');
    await playground.write({ 'plain/file': '' });
    await playground.giveToAgent('ws');
    await playground.giveToAgent('plain');
    expect(await refusal(playground.prepare(playground.agent()))).toMatch(/^workspace: .*no branch checked out/);
    const plain = playground.agent({ branch: 'topic', workspace: { path: playground.path('plain') } });
    expect(await refusal(playground.prepare(plain))).toMatch(/^workspace: .*has no git.*git init -b topic/);
  });

  test('that is a git worktree is refused: never a shared one', async () => {
    const repository = await playground.repository('main-checkout');
    git(repository, 'worktree', 'add', '-q', '-b', 'agents/alpha', playground.path('ws'));
    await playground.giveToAgent('ws');
    expect(await refusal(playground.prepare(playground.agent()))).toMatch(
      /^workspace: .*never gets a shared git worktree.*clone/,
    );
  });

  test('whose .git is a symbolic link is refused', async () => {
    const repository = await playground.repository('elsewhere', undefined, 'agents/alpha');
    await mkdir(playground.path('ws'));
    await symlink(join(repository, '.git'), playground.path('ws/.git'));
    await playground.giveToAgent('ws');
    expect(await refusal(playground.prepare(playground.agent()))).toMatch(
      /^workspace: .*\.git that is a symbolic link/,
    );
  });

  test.runIf(IS_ROOT)("that is root's is refused to a root caller with the command that mends it", async () => {
    await playground.write({ "ws/it's/notes.txt": 'mine' });
    const path = playground.path("ws/it's");
    const said = await refusal(playground.prepare(playground.agent({ workspace: { path } })));
    expect(said).toContain('belongs to root');
    const command = /chown -R 1000:1000 .*$/.exec(said)?.[0] ?? '';
    execFileSync('sh', ['-c', command]);
    expect(await playground.prepare(playground.agent({ workspace: { path } }))).toMatchObject({ kind: 'existing' });
  });

  test.runIf(IS_ROOT)("of another user, or with a .git of root's, is refused", async () => {
    await playground.repository('ws', undefined, 'agents/alpha');
    await chown(playground.path('ws'), 1234, 1234);
    expect(await refusal(playground.prepare(playground.agent()))).toMatch(/belongs to user 1234.*chown -R 1000:1000/);
    await chown(playground.path('ws'), USER.uid, USER.gid);
    expect(await refusal(playground.prepare(playground.agent()))).toMatch(/belongs to root.*chown -R 1000:1000/);
  });

  test('closed to its own owner is refused', async () => {
    await playground.write({ 'ws/notes.txt': 'mine' });
    await playground.giveToAgent('ws');
    await chmod(playground.path('ws'), 0o500);
    expect(await refusal(playground.prepare(playground.agent()))).toMatch(/^workspace: .*chmod u\+rwx/);
  });
});

describe('a place that can hold no workspace', () => {
  const at = (path: string): Promise<string> => refusal(playground.prepare(playground.agent({ workspace: { path } })));

  test('a file, and a folder below a file', async () => {
    await writeFile(playground.path('file'), '');
    expect(await at(playground.path('file'))).toMatch(/^workspace: .*\/file is a file/);
    expect(await at(playground.path('file/below'))).toMatch(/^workspace: .*\/file is a file/);
    expect(await at(playground.path('file/far/below'))).toMatch(/^workspace: .*\/file\b.* is a file/);
  });

  test('a missing parent, with the command that makes it', async () => {
    expect(await at(playground.path('no/where'))).toMatch(
      /^workspace: .*parent folder .*\/no does not exist.*mkdir -p/,
    );
  });

  test('the root, a home, a system folder', async () => {
    for (const path of ['/', homedir(), '/etc', '/etc/ssh', '/tmp', '/proc/self']) {
      expect(await at(path), path).toMatch(/^workspace: .*cannot be a workspace/);
    }
  });

  test("the project, what holds it, and the product's own folders, also through a link", async () => {
    await playground.write({ 'project/.filare/ledger.jsonl': '', 'project/outputs/agents/x/y': '' });
    await symlink(playground.project, playground.path('link'));
    for (const name of [
      '.',
      'project',
      'link',
      'project/.filare',
      'project/.filare/agents-x',
      'project/outputs/agents/x',
      'link/outputs/new',
    ]) {
      expect(await at(playground.path(name)), name).toMatch(/^workspace: .*(cannot be a workspace|does not exist)/);
    }
  });

  test('a link to nothing; a link to a folder is the folder', async () => {
    await symlink(playground.path('nothing'), playground.path('ws'));
    expect(await at(playground.path('ws'))).toMatch(/^workspace: .*symbolic link to nothing/);
    await playground.write({ 'real/notes.txt': '' });
    await playground.giveToAgent('real');
    await symlink(playground.path('real'), playground.path('named'));
    const agent = playground.agent({ workspace: { path: playground.path('named') } });
    expect(await playground.prepare(agent)).toMatchObject({ path: playground.path('real'), kind: 'existing' });
  });

  test.skipIf(IS_ROOT)('a parent that is not writable', async () => {
    await mkdir(playground.path('closed'), { mode: 0o500 });
    expect(await at(playground.path('closed/ws'))).toMatch(/^workspace: .*closed is not writable/);
  });

  test.runIf(IS_ROOT)('a parent on a read-only file system', async () => {
    await mkdir(playground.path('disk'));
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'ro,size=16m', 'none', playground.path('disk')]);
    try {
      expect(await at(playground.path('disk/ws'))).toMatch(/^workspace: .*disk is not writable/);
    } finally {
      execFileSync('umount', [playground.path('disk')]);
    }
  });

  test.runIf(IS_ROOT)('a full disk, before and while it is seeded', async () => {
    await mkdir(playground.path('disk'));
    await playground.write({ 'template/large': 'x'.repeat(20 * 1024 * 1024) });
    const repo = await playground.repository('repo', {
      large: Buffer.from(randomText(20 * 1024 * 1024)).toString('latin1'),
    });
    const path = playground.path('disk/ws');
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=10m', 'none', playground.path('disk')]);
    try {
      const template = playground.agent({ workspace: { path, template: playground.path('template') } });
      expect(await refusal(playground.prepare(template))).toMatch(/^no_space: no space left/);
      expect(await refusal(playground.prepare(playground.agent({ workspace: { path, repo } })))).toMatch(
        /^no_space: no space left/,
      );
      expect(await playground.names('disk')).toEqual([]);
      expect(playground.balance()).toEqual([]);
      await writeFile(playground.path('disk/filler'), Buffer.alloc(5 * 1024 * 1024));
      expect(await at(path)).toMatch(/^no_space: no space left/);
    } finally {
      execFileSync('umount', [playground.path('disk')]);
    }
  });
});

/** Text that does not compress. */
function randomText(bytes: number): string {
  let state = 1;
  const out = Buffer.alloc(bytes);
  for (let at = 0; at < bytes; at += 1) {
    state = (state * 1103515245 + 12345) & 0x7fffffff;
    out[at] = 32 + ((state >> 16) % 90);
  }
  return out.toString('latin1');
}

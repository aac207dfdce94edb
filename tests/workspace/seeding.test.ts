import {
  chmodSync,
  lstatSync,
  mkdirSync,
  readlinkSync,
  statSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { mkdir, readdir, stat, writeFile } from 'node:fs/promises';
import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { projectPaths } from '../../src/contract/project.js';
import { git, IS_ROOT, Playground, refusal, text, USER } from './playground.js';

let playground: Playground;
beforeEach(async () => {
  playground = await Playground.open();
});
afterEach(async () => {
  await playground.close();
});

describe('without a source', () => {
  test('a missing workspace is an empty folder of the agent, without git', async () => {
    expect(await playground.prepare(playground.agent())).toEqual({
      ...{ path: playground.path('ws'), branch: null, head: null, seeded: true, kind: 'empty' },
    });
    expect(await playground.names('ws')).toEqual([]);
    expect(statSync(playground.path('ws')).uid).toBe(USER.uid);
    expect(await playground.names()).toEqual(['project', 'ws']);
    expect(playground.balance()).toEqual([]);
  });

  test('an empty folder stays that folder', async () => {
    await mkdir(playground.path('ws'), { mode: 0o750 });
    const before = await stat(playground.path('ws'));
    expect(await playground.prepare(playground.agent())).toMatchObject({ kind: 'empty', seeded: true });
    const after = await stat(playground.path('ws'));
    expect([after.ino, after.mode & 0o777, after.uid]).toEqual([before.ino, 0o750, USER.uid]);
  });

  test('a branch in the manifest makes it a repository on that branch', async () => {
    expect(await playground.prepare(playground.agent({ branch: 'topic' }))).toMatchObject({
      branch: 'topic',
      head: null,
      kind: 'empty',
    });
    expect(git(playground.path('ws'), 'symbolic-ref', 'HEAD')).toBe('refs/heads/topic');
  });

  test('the default workspace lies in .filare/workspaces, which is private', async () => {
    const path = join(playground.project, '.filare/workspaces/alpha');
    expect(await playground.prepare(playground.agent({ workspace: { path, is_default: true } }))).toMatchObject({
      path,
      kind: 'empty',
    });
    expect(statSync(join(playground.project, '.filare')).mode & 0o777).toBe(0o700);
  });

  test('a name that is no branch is refused', async () => {
    for (const branch of ['-x', 'a..b', 'a b', 'x.lock', 'a/.b', '']) {
      expect(await refusal(playground.prepare(playground.agent({ branch }))), branch).toMatch(
        /^workspace: .*git takes for a branch/,
      );
    }
    expect(await playground.names()).toEqual(['project']);
  });
});

describe('from a template folder', () => {
  const fromTemplate = (changes: { branch?: string } = {}) =>
    playground.agent({ ...changes, workspace: { template: playground.path('template') } });

  test('files, modes, times and links are copied, and the template is left as it was', async () => {
    await playground.write({ 'template/bin/run': '#!/bin/sh\n', 'template/locked/file': 'x', outside: 'secret' });
    chmodSync(playground.path('template/bin/run'), 0o4755);
    utimesSync(playground.path('template/bin/run'), 1e9, 1e9);
    symlinkSync('bin/run', playground.path('template/inner'));
    symlinkSync(playground.path('outside'), playground.path('template/outer'));
    symlinkSync('../outside', playground.path('template/upward'));
    execFileSync('mkfifo', [playground.path('template/pipe')]);
    chmodSync(playground.path('template/locked'), 0o555);
    expect(await playground.prepare(fromTemplate())).toMatchObject({ kind: 'template', branch: null, seeded: true });
    const run = statSync(playground.path('ws/bin/run'));
    expect([run.mode & 0o7777, run.mtimeMs, run.uid]).toEqual([0o755, 1e12, USER.uid]);
    expect(statSync(playground.path('ws/locked')).mode & 0o777).toBe(0o555);
    expect(readlinkSync(playground.path('ws/inner'))).toBe('bin/run');
    // A link is a link: what it points to outside is not in the workspace, and keeps its owner.
    expect(lstatSync(playground.path('ws/outer')).isSymbolicLink()).toBe(true);
    expect(lstatSync(playground.path('ws/outer')).uid).toBe(USER.uid);
    expect(statSync(playground.path('outside')).uid).toBe(process.geteuid?.());
    expect(await playground.names('ws')).toEqual(['bin', 'inner', 'locked', 'outer', 'upward']);
    expect(playground.progress.join('\n')).toMatch(
      /2 entries .* lead out of the template.*\n.*1 entries .* left out: pipe/,
    );
    expect(await playground.names()).toEqual(['outside', 'project', 'template', 'ws']);
    expect(playground.balance()).toEqual([]);
  });

  test('file names that are not UTF-8 survive', async () => {
    await playground.write({ 'template/plain': '' });
    const name = Buffer.from([0x66, 0xe9, 0x74]);
    writeFileSync(Buffer.concat([Buffer.from(playground.path('template/')), name]), 'x');
    await playground.prepare(fromTemplate());
    expect((await readdir(playground.path('ws'), { encoding: 'buffer' })).some((entry) => entry.equals(name))).toBe(
      true,
    );
  });

  test('with git: a copy with its history, on a new branch, clean', async () => {
    const template = await playground.repository('template');
    const head = git(template, 'rev-parse', 'HEAD');
    expect(await playground.prepare(fromTemplate())).toEqual({
      ...{ path: playground.path('ws'), branch: 'agents/alpha', head, seeded: true, kind: 'template' },
    });
    expect(git(playground.path('ws'), 'status', '--porcelain', '--branch')).toBe('## agents/alpha');
    expect(git(template, 'symbolic-ref', '--short', 'HEAD')).toBe('main');
    expect(() => git(template, 'rev-parse', '--verify', 'agents/alpha')).toThrow();
  });

  test('with git: a branch that exists is checked out, with its files', async () => {
    const template = await playground.repository('template', { a: 'one\n', gone: 'x\n' });
    git(template, 'switch', '-q', '-c', 'agents/alpha');
    writeFileSync(join(template, 'a'), 'two\n');
    writeFileSync(join(template, 'b'), 'new\n');
    git(template, 'rm', '-q', 'gone');
    git(template, 'add', '-A');
    git(template, 'commit', '-q', '-m', 'second');
    git(template, 'switch', '-q', 'main');
    git(template, 'pack-refs', '--all');
    await playground.prepare(fromTemplate());
    expect(await text(playground.path('ws/a'))).toBe('two\n');
    expect(await playground.names('ws')).toEqual(['.git', 'a', 'b']);
    expect(git(playground.path('ws'), 'status', '--porcelain', '--branch')).toBe('## agents/alpha');
    git(playground.path('ws'), 'fsck', '--strict');
  });

  test('with uncommitted changes or new files: refused before anything is made', async () => {
    const template = await playground.repository('template', { a: 'one\n', '.gitignore': 'ignored\n' });
    writeFileSync(join(template, 'ignored'), 'fine');
    writeFileSync(join(template, 'a'), 'two\n');
    expect(await refusal(playground.prepare(fromTemplate()))).toMatch(
      /^workspace: .*not committed: a —.*commit or stash/,
    );
    git(template, 'checkout', '-q', 'a');
    writeFileSync(join(template, 'new file'), 'x');
    expect(await refusal(playground.prepare(fromTemplate()))).toMatch(/not committed: new file/);
    git(template, 'add', '-A');
    expect(await refusal(playground.prepare(fromTemplate()))).toMatch(/not committed: new file/);
    expect(await playground.names()).toEqual(['project', 'template']);
    git(template, 'commit', '-q', '-m', 'all');
    expect(await playground.prepare(fromTemplate())).toMatchObject({ branch: 'agents/alpha' });
    expect(await text(playground.path('ws/ignored'))).toBe('fine');
  });

  test('that is a worktree, or borrows objects, is refused: its copies would share', async () => {
    const repository = await playground.repository('repository');
    git(repository, 'worktree', 'add', '-q', '-b', 'other', playground.path('template'));
    expect(await refusal(playground.prepare(fromTemplate()))).toMatch(
      /^workspace: .*worktree or submodule.*write `repo:/,
    );
    git(playground.root, 'clone', '-q', '--shared', repository, playground.path('borrower'));
    const agent = playground.agent({ workspace: { template: playground.path('borrower') } });
    expect(await refusal(playground.prepare(agent))).toMatch(/^workspace: .*borrows its history/);
  });

  test('that an agent can write, that holds the workspace, or that is missing, is refused', async () => {
    const theirs = join(playground.project, '.filare/workspaces/beta');
    mkdirSync(theirs, { recursive: true });
    await playground.write({ 'shared/ws/x': '', 'beta-ws/x': '' });
    const refused = (path: string, template: string, agent_folders: string[] = []): Promise<string> =>
      refusal(playground.prepare(playground.agent({ workspace: { path, template } }), { agent_folders }));
    expect(await refused(playground.path('ws'), theirs)).toMatch(/^workspace: .*lies where an agent can write/);
    expect(await refused(playground.path('ws'), playground.path('beta-ws'), [playground.path('beta-ws')])).toMatch(
      /agent can write/,
    );
    expect(await refused(playground.path('shared/inner'), playground.path('shared'))).toMatch(/lie in each other/);
    expect(await refused(playground.path('ws'), playground.path('nothing'))).toMatch(
      /template .*nothing does not exist/,
    );
    expect(await refused(playground.path('ws'), playground.path('beta-ws/x'))).toMatch(/is not a folder/);
  });

  test('without git and with a branch: a repository is made of it', async () => {
    await playground.write({ 'template/a': 'x' });
    expect(await playground.prepare(fromTemplate({ branch: 'topic' }))).toMatchObject({
      kind: 'template',
      branch: 'topic',
      head: null,
    });
  });
});

describe('what a killed preparation left', () => {
  const leftover = async (name: string, marker: unknown): Promise<void> => {
    await mkdir(playground.path(name, 'tree'), { recursive: true });
    await writeFile(playground.path(name, 'tree/half'), '');
    if (marker !== undefined) await writeFile(playground.path(name, 'filare-seed.json'), JSON.stringify(marker));
  };

  test('is removed when it is provably ours, and only then', async () => {
    const mark = projectPaths(playground.project, '').key;
    const workspace = playground.path('ws');
    await leftover('ws.filare-seed-0123456789abcdef', { product: 'filare-agents', mark, workspace });
    await leftover('ws.filare-seed-1111111111111111', { product: 'filare-agents', mark: 'another', workspace });
    await leftover('ws.filare-seed-2222222222222222', {
      product: 'filare-agents',
      mark,
      workspace: playground.path('other'),
    });
    await leftover('ws.filare-seed-3333333333333333', undefined);
    await leftover('ws.filare-seed-mine', { product: 'filare-agents', mark, workspace });
    await mkdir(playground.path('ws.filare-seed-4444444444444444'));
    const removed: string[] = [];
    await playground.prepare(playground.agent(), {
      onLeftoverRemoved: (path) => Promise.resolve(void removed.push(path)),
    });
    expect(removed.sort()).toEqual([
      playground.path('ws.filare-seed-0123456789abcdef'),
      playground.path('ws.filare-seed-4444444444444444'),
    ]);
    expect(await playground.names()).toEqual([
      ...['project', 'ws', 'ws.filare-seed-1111111111111111', 'ws.filare-seed-2222222222222222'],
      ...['ws.filare-seed-3333333333333333', 'ws.filare-seed-mine'],
    ]);
    expect(await playground.names('ws')).toEqual([]);
  });
});

describe('an interrupted preparation', () => {
  test('leaves nothing, whatever it was doing', async () => {
    await playground.repository(
      'template',
      Object.fromEntries(Array.from({ length: 50 }, (_, n) => [`f${n}`, `${n}\n`])),
    );
    for (const source of [{ template: playground.path('template') }, { repo: playground.path('template') }]) {
      for (const at of [/checking|cloning/, /copying|Receiving|remote:/, /copied|done/]) {
        const controller = new AbortController();
        const said = refusal(
          playground.prepare(playground.agent({ workspace: source }), {
            signal: controller.signal,
            onProgress: (line) => {
              if (at.test(line)) controller.abort();
            },
          }),
        );
        expect(await said, String(at)).toMatch(/^interrupted: /);
        expect(await playground.names()).toEqual(['project', 'template']);
        expect(playground.balance()).toEqual([]);
      }
    }
    expect(await refusal(playground.prepare(playground.agent(), { signal: AbortSignal.abort() }))).toMatch(
      /^interrupted: /,
    );
  });
});

test.runIf(IS_ROOT)('all that root seeds belongs to the agent', async () => {
  const template = await playground.repository('template', { 'deep/er/file': 'x\n' });
  await playground.prepare(playground.agent({ workspace: { repo: template } }));
  const strangers = execFileSync('find', [playground.path('ws'), '!', '(', '-uid', '1000', '-gid', '1000', ')'], {
    encoding: 'utf8',
  });
  expect(strangers).toBe('');
});

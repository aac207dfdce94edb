import { execFileSync, spawn, type ChildProcessByStdio } from 'node:child_process';
import { chmodSync, mkdirSync, statSync, symlinkSync, truncateSync, writeFileSync } from 'node:fs';
import { cp, mkdir, rm, symlink, writeFile } from 'node:fs/promises';
import { once } from 'node:events';
import type { Readable } from 'node:stream';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { readGitState } from '../../src/workspace/git-state.js';
import { removeWorkspace } from '../../src/workspace/remove-workspace.js';
import { makeHostile, markersIn, touchAll } from './hostile-repository.js';
import { git, IS_ROOT, Playground, refusal, text } from './playground.js';

let playground: Playground;
let markers: string;
beforeEach(async () => {
  playground = await Playground.open();
  markers = playground.path('markers');
});
afterEach(async () => {
  await playground.close();
});

async function hostileRepository(name: string, branch = 'main'): Promise<string> {
  const repository = await playground.repository(name, { 'README.md': 'hello\n' }, branch);
  makeHostile(repository, markers);
  touchAll(repository);
  return repository;
}

describe('a hostile repository gets nothing to run', () => {
  test('(the fixture bites: git used carelessly runs what it names)', async () => {
    const repository = await hostileRepository('hostile');
    expect(markersIn(markers)).toEqual([]);
    for (const args of [
      ['status'],
      ['diff', '--ext-diff'],
      ['switch', '-q', '-c', 'x'],
      ['-c', 'core.fsmonitor=false', 'add', '-A'],
    ]) {
      try {
        git(repository, ...args);
      } catch {
        // Some of what it names fails on purpose.
      }
    }
    expect(markersIn(markers)).toEqual(
      expect.arrayContaining(['clean', 'included-fsmonitor', 'hook-post-checkout', 'hook-reference-transaction']),
    );
  });

  test('as an existing workspace, also with the wrong branch', async () => {
    await hostileRepository('ws', 'agents/alpha');
    await playground.giveToAgent('ws');
    expect(await playground.prepare(playground.agent())).toMatchObject({ kind: 'existing', branch: 'agents/alpha' });
    expect(await refusal(playground.prepare(playground.agent({ branch: 'other' })))).toMatch(/^workspace: /);
    expect(markersIn(markers)).toEqual([]);
  });

  test('as a source to clone', async () => {
    const repo = await hostileRepository('repo');
    expect(await playground.prepare(playground.agent({ workspace: { repo } }))).toMatchObject({ kind: 'clone' });
    expect(await playground.names('ws')).toContain('evil.txt');
    expect(markersIn(markers)).toEqual([]);
  });

  test('as a template: clean, switched to a branch with other files, and dirty', async () => {
    const template = await hostileRepository('template');
    const made = await playground.prepare(playground.agent({ workspace: { template } }));
    expect(made).toMatchObject({ kind: 'template', branch: 'agents/alpha' });
    execFileSync(
      'git',
      [
        '-c',
        'user.name=T',
        '-c',
        'user.email=t@e',
        'commit-tree',
        '-m',
        'x',
        `${git(template, 'rev-parse', 'HEAD')}~1^{tree}`,
      ],
      {
        cwd: template,
        encoding: 'utf8',
      },
    );
    writeFileSync(join(template, '.git/refs/heads/older'), `${git(template, 'rev-parse', 'HEAD~1')}\n`);
    await rm(markers, { recursive: true, force: true });
    mkdirSync(markers, { mode: 0o777 });
    const older = playground.agent({ branch: 'older', workspace: { path: playground.path('ws2'), template } });
    expect(await playground.prepare(older)).toMatchObject({ branch: 'older' });
    expect(await playground.names('ws2')).not.toContain('evil.txt');
    const back = playground.agent({ branch: 'main', workspace: { path: playground.path('ws3'), template } });
    expect(await playground.prepare(back)).toMatchObject({ branch: 'main' });
    writeFileSync(join(template, 'evil.txt'), 'changed\n');
    const dirty = playground.agent({ workspace: { path: playground.path('ws4'), template } });
    expect(await refusal(playground.prepare(dirty))).toMatch(/not committed: evil\.txt/);
    expect(markersIn(markers)).toEqual([]);
  });

  test('when it is removed', async () => {
    const path = join(playground.project, '.filare/workspaces/alpha');
    await cp(await hostileRepository('hostile'), path, { recursive: true });
    expect(await removeWorkspace(path, { project_root: playground.project })).toBe('removed');
    expect(markersIn(markers)).toEqual([]);
  });
});

describe('what is checked out is read from files only', () => {
  const inGit = (name: string): string => playground.path('ws/.git', name);

  test('loose, packed, symbolic, detached, unborn and none', async () => {
    const repository = await playground.repository('ws', undefined, 'agents/alpha');
    const commit = git(repository, 'rev-parse', 'HEAD');
    const path = repository;
    expect(await readGitState(path)).toEqual({ kind: 'branch', branch: 'agents/alpha', commit });
    git(repository, 'pack-refs', '--all');
    expect(await readGitState(path)).toEqual({ kind: 'branch', branch: 'agents/alpha', commit });
    git(repository, 'symbolic-ref', 'refs/heads/pointer', 'refs/heads/agents/alpha');
    git(repository, 'symbolic-ref', 'HEAD', 'refs/heads/pointer');
    expect(await readGitState(path)).toEqual({ kind: 'branch', branch: 'pointer', commit });
    git(repository, 'switch', '-q', '--detach');
    expect(await readGitState(path)).toEqual({ kind: 'detached', commit });
    git(repository, 'switch', '-q', '--orphan', 'new');
    expect(await readGitState(path)).toEqual({ kind: 'branch', branch: 'new', commit: null });
    expect(await readGitState(playground.project)).toEqual({ kind: 'none' });
  });

  test('links, FIFOs, huge files, circles and nonsense are answers, and nothing hangs', async () => {
    await playground.repository('ws', undefined, 'main');
    await playground.write({ secret: '0123456789012345678901234567890123456789\n' });
    const cases: Record<string, () => void> = {
      'HEAD is a link': () => symlinkSync(playground.path('secret'), inGit('HEAD')),
      'HEAD is a FIFO': () => execFileSync('mkfifo', [inGit('HEAD')]),
      'HEAD is a folder': () => mkdirSync(inGit('HEAD')),
      'HEAD is huge': () => {
        writeFileSync(inGit('HEAD'), 'ref: refs/heads/main\n');
        truncateSync(inGit('HEAD'), 2 ** 40);
      },
      'HEAD is missing': () => undefined,
      'HEAD leads out': () => writeFileSync(inGit('HEAD'), 'ref: refs/heads/../../../secret\n'),
      'HEAD names no branch': () => writeFileSync(inGit('HEAD'), 'ref: refs/heads/a\u001b]0;x\u0007\n'),
      'a ref is a link': () => {
        writeFileSync(inGit('HEAD'), 'ref: refs/heads/linked\n');
        symlinkSync(playground.path('secret'), inGit('refs/heads/linked'));
      },
      'refs lie behind a link': () => {
        writeFileSync(inGit('HEAD'), 'ref: refs/heads/linked/secret\n');
      },
      'refs go in circles': () => {
        writeFileSync(inGit('HEAD'), 'ref: refs/heads/circle\n');
        writeFileSync(inGit('refs/heads/circle'), 'ref: refs/heads/circle\n');
      },
      'packed-refs is huge': () => {
        writeFileSync(inGit('HEAD'), 'ref: refs/heads/absent\n');
        writeFileSync(inGit('packed-refs'), '');
        truncateSync(inGit('packed-refs'), 2 ** 40);
      },
    };
    for (const [name, arrange] of Object.entries(cases)) {
      await rm(inGit('HEAD'), { recursive: true, force: true });
      arrange();
      expect(await readGitState(playground.path('ws')), name).toMatchObject({ kind: 'unreadable' });
    }
  });

  test('a link in the place of the workspace itself is not followed', async () => {
    await playground.repository('real');
    await symlink(playground.path('real'), playground.path('ws'));
    expect(await readGitState(playground.path('ws'))).toMatchObject({ kind: 'unreadable' });
  });

  test('somebody who swaps folders for links meanwhile never makes us read outside', async () => {
    await playground.repository('ws', undefined, 'main');
    const secret = 'f'.repeat(40);
    await playground.write({ 'outside/HEAD': `${secret}\n`, 'outside/refs/heads/main': `${secret}\n` });
    const racer = swapForLinks(playground.path('ws'), { '.git': '../outside', '.git/refs': '../../outside/refs' });
    try {
      const kinds = new Set<string>();
      for (let round = 0; round < 5000 || (kinds.size < 2 && round < 100_000); round += 1) {
        const state = await readGitState(playground.path('ws'));
        kinds.add(state.kind);
        expect(JSON.stringify(state)).not.toContain(secret);
      }
      // Both worlds were met, or the race proves nothing.
      expect(kinds.size).toBeGreaterThan(1);
    } finally {
      racer.kill('SIGKILL');
      await once(racer, 'exit');
    }
  });
});

describe('removing a workspace', () => {
  const workspaces = (): string => join(playground.project, '.filare/workspaces');
  const remove = (path: string): Promise<'removed' | 'gone'> =>
    removeWorkspace(path, { project_root: playground.project });

  test('takes everything in it, closed folders and deep ones too, and follows no link', async () => {
    const path = join(workspaces(), 'alpha');
    await playground.write({ 'outside/keep': 'kept', 'project/.filare/workspaces/beta/keep': 'kept' });
    mkdirSync(join(path, 'closed/inner'), { recursive: true });
    symlinkSync(playground.path('outside'), join(path, 'link'));
    symlinkSync('../beta', join(path, 'closed/sideways'));
    for (const closed of ['closed/inner', 'closed']) chmodSync(join(path, closed), 0o000);
    // Deeper than a path can be long: only somebody who walks gets there.
    // Deeper than a path can be long, and than this process may have files open: only somebody who walks and lets go gets there.
    const dig =
      "process.chdir(process.argv[1]); for (let n = 0; n < 3000; n++) { fs.mkdirSync('d'); process.chdir('d'); }";
    execFileSync(process.execPath, ['-e', dig, path]);
    const limit = /^Max open files\s+(\d+)/m.exec(await text('/proc/self/limits'))?.[1] ?? '';
    const setLimit = (files: string): Buffer =>
      execFileSync('prlimit', ['--pid', `${process.pid}`, `--nofile=${files}:`]);
    setLimit('512');
    try {
      expect(await remove(path)).toBe('removed');
    } finally {
      setLimit(limit);
    }
    expect(await playground.names('project/.filare/workspaces')).toEqual(['beta']);
    expect(await text(playground.path('outside/keep'))).toBe('kept');
    expect(await remove(path)).toBe('gone');
  });

  test('refuses whatever is not directly in .filare/workspaces', async () => {
    await playground.write({
      'project/.filare/workspaces/alpha/inner/x': '',
      'outside/x': '',
      'project/.filare/ledger.jsonl': '',
    });
    await symlink(playground.path('outside'), join(playground.project, '.filare/workspaces/way'));
    for (const path of [
      'outside',
      'project',
      'project/.filare',
      'project/.filare/workspaces',
      'project/.filare/workspaces/alpha/inner',
    ]) {
      expect(await refusal(remove(playground.path(path))), path).toMatch(/^workspace: .*is not removed/);
    }
    for (const path of [
      join(workspaces(), '..'),
      join(workspaces(), 'way/x'),
      `${workspaces()}/alpha/../../ledger.jsonl`,
    ]) {
      expect(await refusal(remove(path)), path).toMatch(/^workspace: .*is not removed/);
    }
    expect(await remove(join(workspaces(), 'way'))).toBe('removed');
    expect(await playground.names('outside')).toEqual(['x']);
  });

  test('finishes a removal that was cut short', async () => {
    await playground.write({ 'project/.filare/workspaces/alpha.filare-gone-0123456789abcdef/x': '' });
    expect(await remove(join(workspaces(), 'alpha'))).toBe('gone');
    expect(await playground.names('project/.filare/workspaces')).toEqual([]);
  });

  test.runIf(IS_ROOT)('does not reach into a file system that is mounted inside', async () => {
    const path = join(workspaces(), 'alpha');
    await playground.write({ 'outside/keep': 'kept' });
    await mkdir(join(path, 'mounted here'), { recursive: true });
    execFileSync('mount', ['--bind', playground.path('outside'), join(path, 'mounted here')]);
    try {
      expect(await refusal(remove(path))).toMatch(/^workspace: another file system is mounted at .*mounted here/);
      expect(await text(playground.path('outside/keep'))).toBe('kept');
    } finally {
      execFileSync('umount', [join(path, 'mounted here')]);
    }
  });

  test('somebody who swaps folders for links meanwhile loses only their own files', async () => {
    await playground.write({ 'outside/keep': 'kept' });
    const names = Array.from({ length: 100 }, (_, n) => `d${n}`);
    for (let round = 0; round < 20; round += 1) {
      const path = join(workspaces(), 'alpha');
      for (const name of names) {
        mkdirSync(join(path, name), { recursive: true });
        writeFileSync(join(path, name, 'keep'), '');
      }
      const racer = swapForLinks(path, Object.fromEntries(names.map((name) => [name, playground.path('outside')])));
      try {
        await once(racer.stdout, 'data');
        // It may be refused, as something is always in the way; it may not reach outside.
        await remove(path).catch((error: unknown) => expect(error).toMatchObject({ code: 'workspace' }));
      } finally {
        racer.kill('SIGKILL');
        await once(racer, 'exit');
      }
      await remove(path);
    }
    expect(await text(playground.path('outside/keep'))).toBe('kept');
    expect(statSync(playground.path('outside')).isDirectory()).toBe(true);
  });
});

test('a .git file that is far too long is a pointer to nowhere', async () => {
  await playground.write({ 'ws/file': '' });
  await writeFile(playground.path('ws/.git'), `gitdir: ${'x'.repeat(100_000)}\n`);
  await playground.giveToAgent('ws');
  expect(await readGitState(playground.path('ws'))).toEqual({ kind: 'shared', points_to: 'an unknown place' });
});

/** A process that swaps each folder for a link and back, as fast as it can, from within `path`; it says so on its output once it is at it. */
function swapForLinks(path: string, links: Record<string, string>): ChildProcessByStdio<null, Readable, null> {
  const swap = `
    const attempt = (work) => { try { work(); } catch {} };
    process.chdir(process.argv[1]);
    const links = Object.entries(JSON.parse(process.argv[2]));
    for (let round = 0; ; round += 1) {
      for (const [name, target] of links) {
        attempt(() => { fs.renameSync(name, name + '.real'); fs.symlinkSync(target, name); });
        attempt(() => fs.unlinkSync(name));
        attempt(() => fs.renameSync(name + '.real', name));
      }
      if (round === 0) fs.writeSync(1, 'swapping');
    }`;
  return spawn(process.execPath, ['-e', swap, path, JSON.stringify(links)], { stdio: ['ignore', 'pipe', 'ignore'] });
}

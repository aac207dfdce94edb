import { execFileSync } from 'node:child_process';
import { appendFileSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { mkdtemp, realpath, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { SyncOptions, SyncResult } from '../../src/contract/homecoming.js';
import { diffSession } from '../../src/homecoming/diff.js';
import type { Homecomer, HomecomingSurroundings } from '../../src/homecoming/homecoming.js';
import { syncSession } from '../../src/homecoming/sync.js';
import { findUnsynced } from '../../src/homecoming/unsynced.js';
import { containerUser, isRootCaller } from '../../src/workspace/container-user.js';
import { agentSpec } from '../support/agent-spec.js';
import { homecomingWorld } from '../support/homecoming-world.js';
import { git } from '../workspace/playground.js';

const signal = new AbortController().signal;

describe('work comes home from', () => {
  let root: string;
  let around: HomecomingSurroundings;

  beforeAll(async () => {
    root = await realpath(await mkdtemp(join(tmpdir(), 'filare-kinds-')));
    around = await homecomingWorld(root);
  }, 60_000);

  afterAll(async () => {
    const left = await around.engine.list({ 'filare.project': around.paths.key });
    for (const container of left) await around.engine.remove(container.id);
    await around.resources.close();
    await rm(root, { recursive: true, force: true });
    expect(left.map(({ name }) => name)).toEqual([]);
  }, 60_000);

  it('files that git was told not to look at: they are shown, kept, and brought with what is in no commit', async () => {
    const operator = repository('hidden-operator');
    for (const name of ['assumed.txt', 'skipped.txt', 'both.txt', 'sparse.txt'])
      writeFileSync(join(operator, name), 'begin\n');
    git(operator, 'add', '-A');
    git(operator, 'commit', '-q', '-m', 'files');
    const of = clone('hidden', operator);
    const { path } = of.agent.workspace;
    git(path, 'update-index', '--assume-unchanged', 'assumed.txt', 'both.txt');
    git(path, 'update-index', '--skip-worktree', 'skipped.txt', 'both.txt', 'sparse.txt');
    // As a sparse checkout leaves it: that it is not there is no work.
    rmSync(join(path, 'sparse.txt'));
    expect((await findUnsynced(around, of, place(operator), signal)).files).toEqual([]);
    for (const name of ['assumed.txt', 'skipped.txt', 'both.txt']) appendFileSync(join(path, name), 'work\n');
    give(path);
    expect(execFileSync('git', ['-C', path, '-c', 'safe.directory=*', 'status', '--porcelain']).toString()).toBe('');

    const seen = ['assumed.txt', 'both.txt', 'skipped.txt'];
    expect((await findUnsynced(around, of, place(operator), signal)).files).toEqual(seen);
    const diff = await diffSession(around, of, { scope: 'all', base: null, patch: true }, signal);
    expect(diff.files.map((file) => file.path)).toEqual(seen);
    expect(diff.uncommitted).toEqual(seen);
    expect(diff.patch?.match(/^\+work$/gm)).toHaveLength(3);

    const done = await sync(of, operator, { commit: 'all of it' });
    expect(done).toMatchObject({ outcome: 'brought', uncommitted: [] });
    const names = execFileSync('git', ['-C', operator, 'diff', '--name-only', 'main', 'agents/hidden'], {
      encoding: 'utf8',
    });
    expect(names.trim().split('\n')).toEqual(seen);
  }, 60_000);

  it('a shallow clone, where the operator has what it lacks; elsewhere it is refused with what to do', async () => {
    const operator = repository('deep');
    for (const text of ['one', 'two', 'three']) git(operator, 'commit', '-q', '--allow-empty', '-m', text);
    const of = clone('shallow', `file://${operator}`, '--depth', '1');
    work(of);
    expect(await sync(of, operator)).toMatchObject({ outcome: 'brought', commits: 1 });
    git(operator, 'fsck', '--full', '--strict');

    const stranger = repository('stranger');
    await expect(sync(of, stranger)).rejects.toMatchObject({
      code: 'bad_state',
      hint: expect.stringContaining('git fetch --unshallow') as unknown,
    });
    expect(git(stranger, 'for-each-ref', 'refs/heads/agents')).toBeFalsy();
  }, 60_000);

  it('a repository with SHA-256, into one of its kind; into another it is refused in words', async () => {
    const operator = repository('sha256', '--object-format=sha256');
    const of = clone('modern', operator);
    work(of);
    const done = await sync(of, operator);
    expect(done).toMatchObject({ outcome: 'brought', commits: 1 });
    expect(done.commit).toHaveLength(64);
    expect((await diffSession(around, of, { scope: 'all', base: null, patch: false }, signal)).files).toHaveLength(1);

    await expect(sync(of, repository('sha1'))).rejects.toMatchObject({
      code: 'bad_state',
      message: expect.stringMatching(/SHA-256|sha256/) as unknown,
    });
  }, 60_000);

  const place = (repo: string): { repo: string; agent_folders: string[] } => ({
    repo,
    agent_folders: [around.paths.workspaces],
  });

  const sync = (of: Homecomer, repo: string, options: SyncOptions = {}): Promise<SyncResult> =>
    syncSession(around, of, place(repo), options, signal);

  function repository(name: string, ...options: string[]): string {
    const path = join(root, name);
    mkdirSync(path);
    git(path, 'init', '-q', '-b', 'main', ...options);
    writeFileSync(join(path, 'README.md'), `${name}\n`);
    git(path, 'add', '-A');
    git(path, 'commit', '-q', '-m', 'begin');
    return path;
  }

  function clone(id: string, from: string, ...options: string[]): Homecomer {
    const path = join(around.paths.workspaces, id);
    execFileSync('git', ['clone', '-q', ...options, from, path]);
    git(path, 'switch', '-q', '-c', `agents/${id}`);
    const base = execFileSync('git', ['-C', path, 'rev-parse', 'HEAD'], { encoding: 'utf8' }).trim();
    give(path);
    const agent = agentSpec({ id, workspace: { path, reuse_existing: true, is_default: true } });
    return { session_id: `${id}-1`, agent, branch: `agents/${id}`, base, seeded: true, synced: null };
  }

  function work({ agent: { workspace } }: Homecomer): void {
    writeFileSync(join(workspace.path, 'work.txt'), 'work\n');
    git(workspace.path, 'add', '-A');
    git(workspace.path, 'commit', '-q', '-m', 'work');
    give(workspace.path);
  }
});

/** To the user whom containers run as. */
function give(path: string): void {
  const { uid, gid } = containerUser();
  if (isRootCaller()) execFileSync('chown', ['-R', `${String(uid)}:${String(gid)}`, path]);
}

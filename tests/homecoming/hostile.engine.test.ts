import { execFileSync } from 'node:child_process';
import {
  chmodSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { mkdtemp, realpath, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { SyncOptions, SyncResult } from '../../src/contract/homecoming.js';
import { dropWorkspace } from '../../src/fleet/drop-workspace.js';
import type { Fleet } from '../../src/fleet/fleet.js';
import { diffSession } from '../../src/homecoming/diff.js';
import type { Homecomer, HomecomingSurroundings } from '../../src/homecoming/homecoming.js';
import { syncSession } from '../../src/homecoming/sync.js';
import { findUnsynced } from '../../src/homecoming/unsynced.js';
import { containerUser } from '../../src/workspace/container-user.js';
import { agentSpec } from '../support/agent-spec.js';
import { homecomingWorld } from '../support/homecoming-world.js';
import { makeHostile, markersIn, touchAll } from '../workspace/hostile-repository.js';
import { git } from '../workspace/playground.js';

const signal = new AbortController().signal;
const SECRET = 'what only the host has';

describe('a hostile workspace', () => {
  let root: string;
  let operator: string;
  let workspace: string;
  let markers: string;
  let around: HomecomingSurroundings;
  let of: Homecomer;

  beforeAll(async () => {
    root = await realpath(await mkdtemp(join(tmpdir(), 'filare-hostile-home-')));
    markers = join(root, 'markers');
    operator = join(root, 'operator');
    mkdirSync(operator);
    git(operator, 'init', '-q', '-b', 'main');
    writeFileSync(join(operator, 'README.md'), 'begin\n');
    git(operator, 'add', '-A');
    git(operator, 'commit', '-q', '-m', 'begin');
    workspace = join(root, '.filare', 'workspaces', 'a');
    mkdirSync(join(root, '.filare', 'workspaces'), { recursive: true });
    execFileSync('git', ['clone', '-q', operator, workspace]);
    git(workspace, 'switch', '-q', '-c', 'agents/a');
    const base = rev(workspace, 'HEAD');
    makeHostile(workspace, markers);
    // A filter that must work and does not is a failure of git's own; this one may fail.
    git(workspace, 'config', '--unset-all', 'filter.evil.required');
    touchAll(workspace);
    writeFileSync(join(workspace, 'new.txt'), 'new\n');
    // Objects of the host, borrowed by a path of the host.
    const host = join(root, 'host');
    mkdirSync(host);
    git(host, 'init', '-q', '-b', 'main');
    writeFileSync(join(host, 'secret.txt'), SECRET);
    git(host, 'add', '-A');
    git(host, 'commit', '-q', '-m', 'secret');
    writeFileSync(join(workspace, '.git/objects/info/alternates'), `${join(host, '.git/objects')}\n`);
    give(workspace);
    rmSync(markers, { recursive: true, force: true });
    mkdirSync(markers, { mode: 0o777 });
    chmodSync(markers, 0o777);
    around = await homecomingWorld(root);
    of = {
      session_id: 'a-1',
      agent: agentSpec({ id: 'a', workspace: { path: workspace, reuse_existing: true, is_default: true } }),
      branch: 'agents/a',
      base,
      seeded: true,
      synced: null,
    };
  }, 60_000);

  afterAll(async () => {
    const balance = around.resources.balance();
    const left = await around.engine.list({ 'filare.project': around.paths.key });
    for (const container of left) await around.engine.remove(container.id);
    await around.resources.close();
    await rm(root, { recursive: true, force: true });
    expect(left.map(({ name }) => name)).toEqual([]);
    expect(balance.open).toBe(0);
  }, 60_000);

  const sync = (options: SyncOptions = {}, repo = operator): Promise<SyncResult> =>
    syncSession(around, of, { repo, agent_folders: [join(root, '.filare', 'workspaces')] }, options, signal);

  it('runs nothing on the host when it is compared and brought, with every hook, filter, monitor, alias and include that git has', async () => {
    const diff = await diffSession(around, of, { scope: 'all', base: null, patch: true }, signal);
    expect(diff.files.map(({ path }) => path)).toEqual(expect.arrayContaining(['evil.txt', 'new.txt', 'nested']));
    expect(diff.patch).toContain('+evil');
    const done = await sync({ commit: 'all of it' });
    expect(done).toMatchObject({ outcome: 'brought', into: 'agents/a', commits: 2 });
    expect(done.notes).toContainEqual(expect.stringContaining('submodule'));
    expect(rev(operator, 'agents/a')).toBe(done.commit);
    expect(markersIn(markers)).toEqual([]);
    expect(existsSync(around.paths.homecoming) ? readdirSync(around.paths.homecoming) : []).toEqual([]);
  }, 60_000);

  it('brings the whole history into a repository that shares no commit with it', async () => {
    const stranger = join(root, 'stranger');
    mkdirSync(stranger);
    git(stranger, 'init', '-q', '-b', 'main');
    git(stranger, 'commit', '-q', '--allow-empty', '-m', 'of its own');
    const done = await sync({}, stranger);
    expect(done).toMatchObject({ outcome: 'brought', commits: 3, before: null });
    git(stranger, 'fsck', '--full', '--strict');
    expect(rev(stranger, 'agents/a')).toBe(rev(operator, 'agents/a'));
    expect(markersIn(markers)).toEqual([]);
  }, 60_000);

  it('brings no object that only the host has: a path in alternates means nothing in the container', async () => {
    const secret = execFileSync('git', ['-C', join(root, 'host'), 'rev-parse', 'HEAD'], { encoding: 'utf8' }).trim();
    const before = readFileSync(join(workspace, '.git/refs/heads/agents/a'), 'utf8');
    writeFileSync(join(workspace, '.git/refs/heads/agents/a'), `${secret}\n`);
    await expect(sync()).rejects.toThrow();
    expect(() => git(operator, 'cat-file', '-e', secret)).toThrow();
    writeFileSync(join(workspace, '.git/refs/heads/agents/a'), before);
  }, 60_000);

  it('leads nowhere with a link in place of its refs, or of .git itself', async () => {
    const outside = join(root, 'outside');
    writeFileSync(outside, `${rev(operator, 'main')}\n`);
    const ref = join(workspace, '.git/refs/heads/agents/a');
    const before = readFileSync(ref, 'utf8');
    rmSync(ref);
    symlinkSync(outside, ref);
    await expect(sync()).resolves.toMatchObject({ outcome: 'nothing' });
    rmSync(ref);
    writeFileSync(ref, before);
    execFileSync('mv', [join(workspace, '.git'), join(root, 'moved.git')]);
    symlinkSync(join(root, 'moved.git'), join(workspace, '.git'));
    await expect(diffSession(around, of, { scope: 'all', base: null, patch: false }, signal)).rejects.toMatchObject({
      code: 'bad_state',
    });
    rmSync(join(workspace, '.git'));
    execFileSync('mv', [join(root, 'moved.git'), join(workspace, '.git')]);
    expect(markersIn(markers)).toEqual([]);
  }, 60_000);

  it('is not removed for want of a branch: a commit that a tag alone keeps, or one that nothing of its kind has, is work', async () => {
    const place = { repo: operator, agent_folders: [join(root, '.filare', 'workspaces')] };
    const other = join(root, '.filare', 'workspaces', 'b');
    execFileSync('git', ['clone', '-q', operator, other]);
    const tree = rev(other, 'HEAD^{tree}');
    for (const [name, ...tag] of [
      ['light', 'tag', 'light'],
      ['heavy', 'tag', '-m', 'heavy', 'heavy'],
      ['odd', 'update-ref', 'refs/odd/one'],
    ] as const) {
      git(other, ...tag, git(other, 'commit-tree', tree, '-m', name).trim());
    }
    git(other, 'tag', 'no-commit', tree);
    give(other);
    const agent = { ...of.agent, workspace: { ...of.agent.workspace, path: other } };
    const { commits } = await findUnsynced(around, { ...of, agent }, place, signal);
    expect(commits.map(({ subject }) => subject)).toEqual(expect.arrayContaining(['light', 'heavy', 'odd']));
  }, 60_000);

  it('that makes git wait for ever is kept, and holds up nobody for long', async () => {
    const index = join(workspace, '.git/index');
    rmSync(index);
    execFileSync('mkfifo', [index]);
    give(workspace);
    await around.resources.kept(await around.resources.intend({ kind: 'folder', name: workspace }), 'workspace');
    const fleet = { surroundings: around, liveSessions: [], takeTurn: (work: () => Promise<unknown>) => work() };
    const options = { force: false, dry_run: false, look_ms: 3000 };
    const place = { repo: operator, agent_folders: [] };
    const dropped = await dropWorkspace(fleet as unknown as Fleet, of, place, options, signal);
    expect(dropped).toMatchObject({
      outcome: 'kept',
      why: expect.stringContaining('did not come to an end') as unknown,
    });
    rmSync(index);
  }, 30_000);

  it('is given up when it is asked to end, with nothing left', async () => {
    const ending = new AbortController();
    // Asked while git works in the helper.
    const engine = new Proxy(around.engine, {
      get: (target, name) => {
        if (name === 'exec') setTimeout(() => ending.abort(), 20);
        const member: unknown = Reflect.get(target, name);
        return typeof member === 'function' ? (member.bind(target) as unknown) : member;
      },
    });
    const call = syncSession({ ...around, engine }, of, { repo: operator, agent_folders: [] }, {}, ending.signal);
    await expect(call).rejects.toThrow();
    expect(await around.engine.list({ 'filare.project': around.paths.key })).toEqual([]);
    expect(readdirSync(around.paths.homecoming)).toEqual([]);
  }, 60_000);
});

function rev(path: string, name: string): string {
  return execFileSync('git', ['-C', path, 'rev-parse', name], { encoding: 'utf8' }).trim();
}

/** As root, a workspace belongs to the container's user. */
function give(path: string): void {
  const { uid, gid } = containerUser();
  if (process.geteuid?.() === 0) execFileSync('chown', ['-R', `${String(uid)}:${String(gid)}`, path]);
}

import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, lstatSync, readdirSync, readFileSync, readlinkSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Fleet } from '../../src/client/fleet.js';
import type { CleanupItem } from '../../src/contract/api-shapes.js';
import type { SessionDiff, SyncCheck, SyncResult } from '../../src/contract/homecoming.js';
import type { SessionRow, StoppedSession } from '../../src/contract/session.js';
import { eventually, FleetRig } from '../support/fleet-rig.js';

const MANIFEST = `
defaults:
  role: FEATURE
  goal: work
  workspace: { repo: ../.. }
  resources: { cpus: 1, memory: 256m, pids: 256 }
  escalation: { approvals: approve }
sessions:
  - id: one
  - id: two
  - id: three
  - id: four
    goal: leave
    workspace: { sync: on-stop, keep: never }
  - id: five
    goal: litter
    workspace: { sync: on-stop, keep: never }
  - id: six
    goal: stay
    workspace: { sync: on-stop }
`;
const COMMIT = (file: string, text: string): string =>
  `      - run: printf '${text}' > ${file} && git add -A && git commit -qm "${text.split('\\n')[0] ?? ''} in ${file}"`;
const REHEARSAL = `
parts:
  - agent: one
    do:
${COMMIT('app.txt', 'one\\nshared\\n')}
      - run: printf 'draft\\n' > notes.md && printf 'changed\\n' >> lib.txt
      - say: done
  - agent: two
    do:
${COMMIT('app.txt', 'two\\nshared\\n')}
      - say: done
  - agent: three
    do:
${COMMIT('lib.txt', 'three\\n')}
      - run: git mv old-name.txt new-name.txt && git commit -qm rename
      - say: done
  - agent: four
    do:
${COMMIT('four.txt', 'four\\n')}
      - say: done
  - agent: five
    do:
${COMMIT('five.txt', 'five\\n')}
      - run: echo draft > draft.txt
      - say: done
  - agent: six
    do:
${COMMIT('six.txt', 'six\\n')}
      - say: done
`;

describe('bringing work home', () => {
  let rig: FleetRig;
  let fleet: Fleet;
  let rows: SessionRow[];
  let base: string;

  const git = (...args: string[]): string =>
    execFileSync('git', ['-C', rig.root, ...args], { encoding: 'utf8' }).trim();

  beforeAll(async () => {
    rig = await FleetRig.make({
      'configs/agents/fleet.yml': MANIFEST,
      'app.txt': 'begin\nshared\n',
      'lib.txt': 'begin\n',
      'old-name.txt': 'a file\nthat is\nmoved\n',
      '.gitignore': '.filare\noutputs\nrehearsal.yml\n',
    });
    git('init', '-q', '-b', 'main');
    git('config', 'user.name', 'Operator');
    git('config', 'user.email', 'operator@example.org');
    git('add', '-A');
    git('commit', '-qm', 'begin');
    base = git('rev-parse', 'HEAD');
    // Work of the operator's own that is in no commit.
    await rig.write('lib.txt', 'begin\nmine\n');
    await rig.write('mine.txt', 'staged\n');
    git('add', 'mine.txt');
    fleet = await rig.fleet();
    rows = await rig.start(fleet, REHEARSAL);
    await fleet.wait(
      rows.map((row) => row.session_id),
      'idle',
      { timeout_ms: 60_000 },
    );
  }, 180_000);

  afterAll(async () => {
    fleet.close();
    await rig.end();
  }, 60_000);

  it('diff tells what is committed, what is not, and what is new', async () => {
    const all = await rig.json<SessionDiff>(['diff', 'one']);
    expect(all).toMatchObject({ id: 'one', branch: 'agents/one', base, scope: 'all', cut: [], notes: [] });
    expect(all.commits.map((commit) => commit.subject)).toEqual(['one in app.txt']);
    expect(all.files.map((file) => [file.path, file.status, file.added, file.deleted])).toEqual([
      ['app.txt', 'modified', 1, 1],
      ['lib.txt', 'modified', 1, 0],
      ['notes.md', 'added', 1, 0],
    ]);
    expect(all.uncommitted.sort()).toEqual(['lib.txt', 'notes.md']);
    expect((await rig.cli(['diff', 'one', '--committed', '--name-only'])).stdout).toBe('app.txt\n');
    expect((await rig.cli(['diff', 'one', '--uncommitted', '--name-only'])).stdout).toBe('lib.txt\nnotes.md\n');
    expect((await rig.cli(['diff', 'three', '--stat'])).stdout).toMatch(/old-name\.txt => new-name\.txt \| 0/);
    const patch = (await rig.cli(['diff', 'one'])).stdout;
    execFileSync('git', ['-C', rig.root, 'apply', '--check', '--cached'], { input: patch });
    expect(await rig.containers()).toHaveLength(7);
  }, 60_000);

  it('check says which branches conflict, with each other and with the base, and changes nothing', async () => {
    const before = snapshot(rig.root);
    const ran = await rig.cli(['sync', 'one', 'two', 'three', '--check', '--json']);
    expect(ran.code, ran.stderr).toBe(1);
    const check = JSON.parse(ran.stdout) as SyncCheck;
    expect(check.base).toEqual({ name: 'main', commit: base });
    expect(check.trials.map(({ a, b, files }) => [a, b, files])).toEqual([
      ['one', null, []],
      ['one', 'two', ['app.txt']],
      ['one', 'three', []],
      ['two', null, []],
      ['two', 'three', []],
      ['three', null, []],
    ]);
    expect(check.branches.map(({ id, commits, uncommitted }) => [id, commits, uncommitted])).toEqual([
      ['one', 1, 2],
      ['two', 1, 0],
      ['three', 2, 0],
    ]);
    expect((await rig.cli(['sync', 'two', 'three', '--check'])).code).toBe(0);
    expect(snapshot(rig.root)).toEqual(before);
  }, 60_000);

  it('sync brings the branch, and touches nothing of the checkout', async () => {
    const before = snapshot(rig.root);
    const ran = await rig.cli(['sync', 'one', 'two', '--json']);
    expect(ran.code, ran.stderr).toBe(0);
    const done = JSON.parse(ran.stdout) as SyncResult[];
    expect(done.map(({ id, outcome, into, commits, before: was }) => [id, outcome, into, commits, was])).toEqual([
      ['one', 'brought', 'agents/one', 1, null],
      ['two', 'brought', 'agents/two', 1, null],
    ]);
    expect(done[0]?.uncommitted.sort()).toEqual(['lib.txt', 'notes.md']);
    expect(git('rev-parse', 'agents/one')).toBe(done[0]?.commit);
    expect(git('show', 'agents/one:app.txt')).toBe('one\nshared');
    expect(changed(before, snapshot(rig.root))).toEqual([]);
    const row = (await rig.json<SessionRow[]>(['list'])).find((one) => one.id === 'one');
    expect(row?.synced).toMatchObject({ commit: done[0]?.commit, into: 'agents/one' });
    const said = (await rig.transcript(row?.transcript ?? '')).map((entry) => entry.text);
    expect(said).toContainEqual(expect.stringMatching(/was brought into branch agents\/one by operator/));
    expect(JSON.parse((await rig.cli(['sync', 'one', '--json'])).stdout)).toMatchObject([{ outcome: 'up_to_date' }]);
  }, 60_000);

  it('uncommitted work comes only when that is asked for', async () => {
    const [done] = JSON.parse((await rig.cli(['sync', 'one', '--commit', 'A draft', '--json'])).stdout) as SyncResult[];
    expect(done).toMatchObject({ outcome: 'brought', commits: 1, uncommitted: [], made_commit: done?.commit });
    expect(git('log', '-1', '--format=%an %s', 'agents/one')).toBe('one agent A draft');
    expect(git('show', 'agents/one:notes.md')).toBe('draft');
  }, 30_000);

  it('refuses what is checked out, what would lose commits, what is too large, and a repository that an agent can write', async () => {
    const before = snapshot(rig.root);
    const main = await rig.cli(['sync', 'two', '--into', 'main']);
    expect(main).toMatchObject({ code: 4 });
    expect(main.stderr).toContain('is checked out in');
    const large = await rig.cli(['sync', 'three', '--max-size', '100']);
    expect(large).toMatchObject({ code: 4 });
    expect(large.stderr).toContain('larger than 100 bytes');
    const own = await rig.cli(['sync', 'two', '--repo', rows.find((row) => row.id === 'two')?.workspace ?? '']);
    expect(own).toMatchObject({ code: 2 });
    expect(own.stderr).toContain('an agent can write');
    expect((await rig.cli(['sync', 'two', '--into', '../../evil'])).code).toBe(2);
    expect(snapshot(rig.root)).toEqual(before);
    // A commit of the operator's on the branch: never replaced, by force neither.
    const mine = git('commit-tree', '-p', 'agents/two', '-m', 'mine', 'agents/two^{tree}');
    git('update-ref', 'refs/heads/agents/two', mine);
    await rewrite('two');
    for (const force of [[], ['--force']]) {
      const ran = await rig.cli(['sync', 'two', ...force]);
      expect(ran).toMatchObject({ code: 4 });
      expect(ran.stderr).toContain('never replaced');
    }
    expect(git('rev-parse', 'agents/two')).toBe(mine);
    // What a sync brought itself may be.
    await rewrite('one');
    expect((await rig.cli(['sync', 'one'])).stderr).toContain('--force');
    const forced = await rig.cli(['sync', 'one', '--force']);
    expect(forced, forced.stderr).toMatchObject({ code: 0 });
    expect(git('log', '-1', '--format=%s', 'agents/one')).toBe('rewritten');
  }, 90_000);

  it('brings a branch into one of the operator by fast-forward, and writes patches', async () => {
    git('branch', 'topic', base);
    expect((await rig.cli(['sync', 'three', '--into', 'topic'])).stdout).toContain('2 commits into topic');
    expect(git('log', '--format=%s', `${base}..topic`)).toBe('rename\nthree in lib.txt');
    const ran = await rig.cli(['sync', 'three', '--patch', 'patches']);
    expect(ran, ran.stderr).toMatchObject({ code: 0 });
    const files = readdirSync(join(rig.root, 'patches')).sort();
    expect(files).toHaveLength(2);
    git('apply', '--check', '--cached', ...files.map((name) => join(rig.root, 'patches', name)));
    expect((await rig.cli(['sync', 'three', '--patch', 'patches'])).stderr).toContain('is there already');
  }, 60_000);

  it('says in which step it is', async () => {
    const steps: string[] = [];
    const on_step = (step: string): void => void steps.push(step);
    await fleet.diff('three', { on_step });
    expect(steps).toEqual(['starting a container for git', 'reading the workspace', 'comparing']);
    await fleet.sync('three', { into: 'in-steps', on_step });
    expect(steps.slice(3)).toEqual(['starting a container for git', 'reading the workspace', 'moving in-steps']);
    steps.length = 0;
    await fleet.sync('six', { into: 'in-steps-too', on_step });
    expect(steps.join('; ')).toMatch(
      /reading the workspace; bundling.*; checking [\d.]+ (bytes|KiB); moving in-steps-too$/,
    );
  }, 60_000);

  it('into a repository that shares no commit with the branch: it says so, and the check counts it as a conflict', async () => {
    const other = join(rig.root, 'other');
    execFileSync('git', ['init', '-q', '-b', 'main', other]);
    const mine = ['-c', 'user.name=Operator', '-c', 'user.email=operator@example.org'];
    execFileSync('git', ['-C', other, ...mine, 'commit', '-q', '--allow-empty', '-m', 'begin']);
    const [done] = JSON.parse((await rig.cli(['sync', 'three', '--repo', other, '--json'])).stdout) as SyncResult[];
    expect(done?.outcome).toBe('brought');
    expect(done?.notes).toContainEqual(expect.stringContaining('shares no commit with'));
    const checked = await rig.cli(['sync', 'three', '--check', '--repo', other]);
    expect(checked).toMatchObject({ code: 1 });
    expect(checked.stdout).toContain('share no commit');
    rmSync(other, { recursive: true });
  }, 60_000);

  it('leaves nothing when the daemon is killed in the middle, and the next sync works', async () => {
    fleet.close();
    const running = rig.cli(['sync', 'three', '--into', 'agents/three']);
    await eventually('a helper runs', async () => (await rig.containers()).some((name) => name.includes('-home-')));
    process.kill(await rig.daemonPid(), 'SIGKILL');
    expect((await running).code).not.toBe(0);
    fleet = await rig.fleet();
    expect((await rig.containers()).filter((name) => name.includes('-home-'))).toEqual([]);
    expect(readdirSync(rig.paths.homecoming)).toEqual([]);
    const ran = await rig.cli(['sync', 'three', '--into', 'agents/three']);
    expect(ran, ran.stderr).toMatchObject({ code: 0 });
    expect((await rig.cli(['doctor', '--leaks'])).stdout).toContain('nothing leaks');
  }, 90_000);

  it('on stop: brings the branch, removes a workspace that holds nothing else, and keeps one that does', async () => {
    const ran = await rig.cli(['stop', 'four', 'five', '--json']);
    const stopped = JSON.parse(ran.stdout) as StoppedSession[];
    const four = stopped.find((row) => row.id === 'four');
    const five = stopped.find((row) => row.id === 'five');
    expect(four?.synced).toMatchObject({ commit: git('rev-parse', 'agents/four'), into: 'agents/four' });
    expect(existsSync(four?.workspace ?? '')).toBe(false);
    expect(five?.synced).toMatchObject({ commit: git('rev-parse', 'agents/five') });
    expect(existsSync(five?.workspace ?? '')).toBe(true);
    const said = (await rig.transcript(five?.transcript ?? '')).map((entry) => entry.text ?? '');
    expect(said).toContainEqual(expect.stringMatching(/its workspace is kept: .*draft\.txt/));
    expect(four?.warnings).toEqual([]);
    expect(five?.warnings).toEqual([
      {
        message: 'not brought home, because it is in no commit: draft.txt',
        hint: 'filare-agents sync five --commit',
      },
      { message: expect.stringMatching(/^its workspace is kept: .*draft\.txt/) as unknown, hint: null },
    ]);
    expect(ran.stderr).toMatch(
      /^warning: five: not brought home.*draft\.txt\n {2}try: filare-agents sync five --commit\n/,
    );
    expect(five?.not_brought_home).toBe('what is in no commit: draft.txt');
    expect((await rig.cli(['describe', 'five'])).stdout).toContain(
      '; not brought home: what is in no commit: draft.txt\n',
    );
    expect((await rig.cli(['transcript', 'verify', 'five'])).code).toBe(0);
  }, 60_000);

  it('on stop: what could not be brought home is said by stop itself, with why and what to type', async () => {
    git('update-ref', 'refs/heads/agents/six', git('commit-tree', '-m', 'mine', `${base}^{tree}`));
    const ran = await rig.cli(['stop', 'six']);
    expect(ran.code, ran.stderr).toBe(0);
    expect(ran.stdout).toMatch(/^six stopped/);
    expect(ran.stderr).toMatch(
      /^warning: six: its work could not be brought home: .*agents\/six.*\n {2}try: filare-agents sync six\n$/,
    );
    const { stdout } = await rig.cli(['list', '--all']);
    expect(stdout).toMatch(/^six .* not brought home: .*agents\/six/m);
  }, 60_000);

  it('on stop: of one that never left the queue there is nothing to say', async () => {
    const queued = await rig.cli(['start', '--session', 'four', '--max-parallel', '1']);
    expect(queued.stdout, queued.stderr).toContain('is in the queue');
    expect(await rig.cli(['stop', 'four'])).toMatchObject({ code: 0, stderr: '' });
  }, 60_000);

  it('an ended session can still be looked at and brought; cleanup lists what would be lost, and takes it by force alone', async () => {
    expect((await rig.cli(['diff', 'five', '--uncommitted', '--name-only'])).stdout).toBe('draft.txt\n');
    const workspaces = async (...more: string[]): Promise<CleanupItem[]> =>
      (await rig.json<CleanupItem[]>(['cleanup', '--workspaces', '--yes', ...more])).filter(
        (item) => item.kind === 'workspace',
      );
    const kept = await workspaces();
    // What six made is in another branch.
    expect(kept.filter(({ action, name }) => action !== 'kept' && !name.endsWith('/six'))).toEqual([]);
    expect(kept.find(({ name }) => name.endsWith('/five'))?.lost).toEqual({ commits: [], files: ['draft.txt'] });
    const brought = JSON.parse((await rig.cli(['sync', 'five', '--commit', '--json'])).stdout) as SyncResult[];
    expect(brought).toMatchObject([{ outcome: 'brought' }]);
    const ended = (await rig.json<SessionRow[]>(['list', '--all'])).find((row) => row.id === 'five');
    expect(ended?.synced?.commit).toBe(brought[0]?.commit);
    expect(ended?.not_brought_home).toBeNull();
    expect((await workspaces()).filter(({ action }) => action === 'removed').map(({ name }) => name)).toEqual([
      ended?.workspace,
    ]);
    await rig.cli(['stop', 'two', '--grace', '1s']);
    // A later session that was stopped in the queue never had the workspace, and hides nothing of the one that had it.
    const queued = await rig.cli(['start', '--session', 'two', '--max-parallel', '1']);
    expect(queued.stdout, queued.stderr).toContain('is in the queue');
    await rig.cli(['stop', 'two']);
    const lost = await workspaces();
    expect(lost.find(({ name }) => name.endsWith('/two'))).toMatchObject({ action: 'kept' });
    expect(lost.find(({ name }) => name.endsWith('/two'))?.lost?.commits[0]).toMatch(/rewritten$/);
    expect((await workspaces('--force')).find(({ name }) => name.endsWith('/two'))?.action).toBe('removed');
  }, 90_000);

  /** The agent changes its last commit. */
  async function rewrite(id: string): Promise<void> {
    const row = rows.find((one) => one.id === id);
    const ran = await rig.engine.exec(row?.container_id ?? '', {
      command: ['git', '-C', '/home/agent/workspace', 'commit', '-q', '--amend', '-m', 'rewritten'],
    });
    expect(ran.exit_code, ran.stderr).toBe(0);
  }
});

/** Every file of the operator's, with what is in it. */
function snapshot(root: string): Record<string, string> {
  const seen: Record<string, string> = {};
  const look = (folder: string): void => {
    for (const name of readdirSync(folder)) {
      const path = join(folder, name);
      if (path === join(root, '.filare') || path === join(root, 'outputs')) continue;
      const stats = lstatSync(path);
      if (stats.isDirectory()) look(path);
      else if (stats.isSymbolicLink()) seen[path.slice(root.length + 1)] = `-> ${readlinkSync(path)}`;
      else
        seen[path.slice(root.length + 1)] =
          `${String(stats.mode)} ${String(stats.mtimeMs)} ${createHash('sha256').update(readFileSync(path)).digest('hex')}`;
    }
  };
  look(root);
  return seen;
}

/** What is other than before, but for new objects and the branches of agents. */
function changed(before: Record<string, string>, after: Record<string, string>): string[] {
  return [...new Set([...Object.keys(before), ...Object.keys(after)])].filter(
    (path) =>
      before[path] !== after[path] &&
      !(before[path] === undefined && /^\.git\/(?:objects|refs\/heads\/agents|logs\/refs\/heads\/agents)\//.test(path)),
  );
}

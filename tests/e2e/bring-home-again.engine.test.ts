import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Fleet } from '../../src/client/fleet.js';
import type { SyncResult } from '../../src/contract/homecoming.js';
import type { SessionRow } from '../../src/contract/session.js';
import { FleetRig } from '../support/fleet-rig.js';

const MANIFEST = `
defaults:
  role: FEATURE
  goal: work
  resources: { cpus: 1, memory: 256m, pids: 256 }
  escalation: { approvals: approve }
sessions:
  - id: bravo
    workspace: { repo: ../.. }
  - id: stray
    workspace: { repo: ../../other }
  - id: own
`;
const REHEARSAL = `
parts:
  - agent: bravo
    do:
      - run: git commit -q --allow-empty -m "work of a session"
      - say: done
  - agent: stray
    do:
      - run: git commit -q --allow-empty -m "work of a session"
      - say: done
  - agent: own
    do:
      - run: git init -q -b agents/own . && git commit -q --allow-empty -m "work of a session"
      - say: done
`;

describe('bringing work home, session after session', () => {
  let rig: FleetRig;
  let fleet: Fleet;
  let rows: SessionRow[];

  const git = (...args: string[]): string =>
    execFileSync('git', ['-C', rig.root, ...args], { encoding: 'utf8' }).trim();

  beforeAll(async () => {
    rig = await FleetRig.make({
      'configs/agents/fleet.yml': MANIFEST,
      'app.txt': 'begin\n',
      '.gitignore': '.filare\noutputs\nrehearsal.yml\nother\n',
      'other/other.txt': 'another project\n',
    });
    repository(rig.root);
    repository(join(rig.root, 'other'));
    fleet = await rig.fleet();
    await session();
  }, 180_000);

  afterAll(async () => {
    fleet.close();
    await rig.end();
  }, 60_000);

  it('what an earlier session brought may be replaced by force, where the branch stands exactly there', async () => {
    expect(await rig.cli(['sync', 'bravo'])).toMatchObject({ code: 0 });
    const brought = git('rev-parse', 'agents/bravo');
    // A later sync into another branch takes nothing away from that.
    expect(await rig.cli(['sync', 'bravo', '--into', 'elsewhere'])).toMatchObject({ code: 0 });
    await inside('bravo', 'git', 'commit', '-q', '--amend', '--allow-empty', '-m', 'rewritten');
    await stop();
    await session();

    const mine = git('commit-tree', '-p', brought, '-m', 'mine', `${brought}^{tree}`);
    git('update-ref', 'refs/heads/agents/bravo', mine);
    const refused = await rig.cli(['sync', 'bravo', '--force']);
    expect(refused).toMatchObject({ code: 4 });
    expect(refused.stderr).toContain('never replaced: no record of bravo says');
    expect(git('rev-parse', 'agents/bravo')).toBe(mine);

    git('update-ref', 'refs/heads/agents/bravo', brought);
    const asked = await rig.cli(['sync', 'bravo']);
    expect(asked).toMatchObject({ code: 4 });
    expect(asked.stderr).toContain('try: replace them: filare-agents sync bravo --force');
    const forced = await rig.cli(['sync', 'bravo', '--force']);
    expect(forced.code, forced.stderr).toBe(0);
    expect(git('log', '-2', '--format=%s', 'agents/bravo')).toBe('work of a session\nrewritten');
  }, 120_000);

  it('a clone of another repository comes to the one that is named; what an agent began itself comes home', async () => {
    const refused = await rig.cli(['sync', 'stray']);
    expect(refused).toMatchObject({ code: 4 });
    expect(refused.stderr).toContain(`the work of stray shares no commit with ${rig.root}, `);
    expect(refused.stderr).toMatch(
      /try: .*filare-agents sync stray --repo PATH; --repo .* brings it there all the same/,
    );
    expect(git('for-each-ref', 'refs/heads/agents/stray')).toBe('');
    const brought = async (...args: string[]): Promise<SyncResult | undefined> =>
      (await rig.json<SyncResult[]>(['sync', ...args]))[0];
    expect(await brought('stray', '--repo', 'other')).toMatchObject({ outcome: 'brought', notes: [] });
    const unrelated = [expect.stringContaining('it shares no commit with')];
    expect(await brought('stray', '--repo', '.')).toMatchObject({ outcome: 'brought', notes: unrelated });
    // This is a later session of it: its workspace is there already, and holds commits.
    expect(await brought('own')).toMatchObject({ outcome: 'brought', into: 'agents/own', notes: unrelated });
  }, 120_000);

  it('what came out of a workspace that is gone is never replaced: it may be nowhere else', async () => {
    const only = git('rev-parse', 'agents/bravo');
    await stop();
    expect(await rig.cli(['cleanup', '--workspaces', '--yes', '--force'])).toMatchObject({ code: 0 });
    // The new one is seeded without the branch.
    git('update-ref', '-d', 'refs/heads/agents/bravo');
    await session();
    git('update-ref', 'refs/heads/agents/bravo', only);
    const refused = await rig.cli(['sync', 'bravo', '--force']);
    expect(refused).toMatchObject({ code: 4 });
    expect(refused.stderr).toContain('never replaced');
    expect(git('rev-parse', 'agents/bravo')).toBe(only);
  }, 120_000);

  /** Every agent has a session, and has done its part. */
  async function session(): Promise<void> {
    rows = await rig.start(fleet, REHEARSAL);
    const ids = rows.map((row) => row.session_id);
    await fleet.wait(ids, 'idle', { timeout_ms: 60_000 });
  }

  async function stop(): Promise<void> {
    expect(await rig.cli(['stop', '--all', '--grace', '1s'])).toMatchObject({ code: 0 });
  }

  /** Runs a command where the agent works. */
  async function inside(id: string, ...command: string[]): Promise<void> {
    const container = rows.find((row) => row.id === id)?.container_id ?? '';
    const ran = await rig.engine.exec(container, {
      command: ['env', '-C', '/home/agent/workspace', ...command],
    });
    expect(ran.exit_code, ran.stderr).toBe(0);
  }
});

/** Makes a repository of a folder, with a commit of what is there. */
function repository(path: string): void {
  execFileSync('git', ['init', '-q', '-b', 'main', path]);
  const git = (...args: string[]): void => void execFileSync('git', ['-C', path, ...args]);
  git('config', 'user.name', 'Operator');
  git('config', 'user.email', 'operator@example.org');
  git('add', '-A');
  git('commit', '-q', '--allow-empty', '-m', 'begin');
}

import { execFileSync } from 'node:child_process';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Fleet } from '../../src/client/fleet.js';
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
`;
const REHEARSAL = `
parts:
  - agent: bravo
    do:
      - run: git commit -q --allow-empty -m "work of a session"
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
      '.gitignore': '.filare\noutputs\nrehearsal.yml\n',
    });
    repository(rig.root);
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
    await rig.cli(['stop', 'bravo', '--grace', '1s']);
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

  it('what came out of a workspace that is gone is never replaced: it may be nowhere else', async () => {
    const only = git('rev-parse', 'agents/bravo');
    await rig.cli(['stop', 'bravo', '--grace', '1s']);
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

import { readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Fleet } from '../../src/client/fleet.js';
import type { SessionRow } from '../../src/contract/session.js';
import { FleetRig } from '../support/fleet-rig.js';

const MANIFEST = `
- id: one
  role: FEATURE
  resources: { cpus: 1, memory: 256m, pids: 256 }
  escalation: { approvals: approve }
  workspace: { template: ../../template }
- id: two
  role: UI
  resources: { cpus: 1, memory: 256m, pids: 256 }
  escalation: { approvals: approve }
  network: none
`;

describe('agents of one fleet', () => {
  let rig: FleetRig;
  let fleet: Fleet;
  let one: SessionRow;
  let two: SessionRow;

  beforeAll(async () => {
    rig = await FleetRig.make({ 'configs/agents/two.yml': MANIFEST, 'template/only-in-one.txt': 'mark-of-one\n' });
    fleet = await rig.fleet();
    const rows = await rig.start(fleet);
    one = found(rows, 'one');
    two = found(rows, 'two');
  }, 120_000);

  afterAll(async () => {
    await fleet[Symbol.asyncDispose]();
    await rig.end();
  }, 60_000);

  const inside = async (row: SessionRow, script: string): Promise<string> => {
    const ran = await rig.engine.exec(row.container_id ?? '', { command: ['/bin/bash', '-c', script] });
    return ran.stdout + ran.stderr;
  };

  it('have containers, workspaces and Codex homes of their own', () => {
    for (const key of ['container_id', 'container_name', 'workspace', 'codex_home', 'thread_id', 'transcript'] as const)
      expect(one[key]).not.toBe(two[key]);
  });

  it('do not see each other’s paths', async () => {
    expect(await inside(one, 'cat /home/agent/workspace/only-in-one.txt')).toBe('mark-of-one\n');
    for (const row of [one, two]) {
      const mounts = await inside(
        row,
        'cat /proc/self/mountinfo; find / -xdev 2>/dev/null | head -100000; find /home /io /run /tmp 2>/dev/null',
      );
      const other = row === one ? two : one;
      expect(mounts).not.toContain(`/agents/${other.id}/`);
      expect(mounts).not.toContain(other.session_id);
    }
    expect(await inside(two, 'ls -A /home/agent/workspace')).toBe('');
  });

  it('run as nobody special, with nothing to escape by', async () => {
    const status = await inside(
      one,
      'cat /proc/1/status; id -u; touch /usr/x 2>&1; cat /proc/sys/kernel/core_pattern >/dev/null; ulimit -c',
    );
    expect(status).toMatch(/CapEff:\s+0000000000000000/);
    expect(status).toMatch(/CapBnd:\s+0000000000000000/);
    expect(status).toMatch(/NoNewPrivs:\s+1/);
    expect(status).toMatch(/Seccomp:\s+2/);
    expect(status).toContain('Read-only file system');
    expect(status).not.toMatch(/^0$[\s\S]*^0$[\s\S]*^0$/m);
    const view = await rig.engine.inspect(one.container_id ?? '');
    expect(view?.labels).toMatchObject({
      'filare.project': rig.paths.key,
      'filare.session': one.session_id,
      'filare.agent': 'one',
      'filare.role': 'FEATURE',
      'filare.attempt': '1',
    });
  });

  it('have no network where the manifest says none', async () => {
    expect(
      await inside(
        two,
        'ls /sys/class/net; timeout 2 bash -c "exec 3<>/dev/tcp/172.17.0.1/22" 2>&1; getent hosts rehearsal; true',
      ),
    ).toMatch(/^lo\n/);
    expect(await inside(two, 'ls /sys/class/net')).toBe('lo\n');
    expect(await inside(one, 'ls /sys/class/net')).toContain('eth0');
  });

  it('keep their records private to the user', async () => {
    const mode = async (path: string): Promise<string> => ((await stat(path)).mode & 0o777).toString(8);
    expect(await mode(rig.paths.state)).toBe('700');
    expect(await mode(rig.paths.socket)).toBe('600');
    expect(await mode(one.transcript)).toBe('600');
    const folder = join(one.transcript, '..');
    expect(await mode(join(folder, 'ledger.jsonl'))).toBe('600');
    expect(await mode(join(folder, 'attempts', '1', 'journal', 'out'))).toBe('600');
    expect(JSON.parse(await readFile(join(folder, 'state.json'), 'utf8'))).toMatchObject({
      session_id: one.session_id,
    });
  });
});

function found(rows: readonly SessionRow[], id: string): SessionRow {
  const row = rows.find((r) => r.id === id);
  if (row === undefined) throw new Error(`no row of ${id}`);
  return row;
}

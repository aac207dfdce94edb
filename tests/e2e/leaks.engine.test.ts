import { spawn, type ChildProcess } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdir, readFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { CleanupItem } from '../../src/contract/api-shapes.js';
import type { SessionRow } from '../../src/contract/session.js';
import type { Finding } from '../../src/leaks/finding.js';
import { ProjectLedger } from '../../src/ledger/project-ledger.js';
import { readProjectLedger } from '../../src/ledger/read-project-ledger.js';
import { FleetRig, run, smallAgents } from '../support/fleet-rig.js';

describe('what leaks is found, and cleanup takes what is provably ours and unused', () => {
  let rig: FleetRig;
  let planted: string[];
  let stray: ChildProcess | undefined;
  beforeEach(async () => {
    planted = [];
    rig = await FleetRig.make({ 'configs/agents/a.yml': smallAgents(['one']), 'r.yml': 'parts: []\n' });
  });
  afterEach(async () => {
    stray?.kill('SIGKILL');
    stray = undefined;
    for (const id of planted) await run('docker', ['rm', '-f', id]);
    await rig.end();
  }, 60_000);

  const start = async (): Promise<SessionRow> => {
    const [outcome] = await rig.json<{ session: SessionRow }[]>(['start', '--rehearsal', 'r.yml']);
    if (outcome === undefined) throw new Error('nothing was started');
    return outcome.session;
  };
  const plant = async (name: string, labels: Record<string, string>, args: readonly string[] = []): Promise<string> => {
    const flags = Object.entries(labels).flatMap(([key, value]) => ['--label', `${key}=${value}`]);
    const made = await run('docker', [
      'create',
      '--name',
      name,
      ...flags,
      ...args,
      '--entrypoint',
      'sleep',
      'filare-codex',
      '600',
    ]);
    expect(made.code, made.stderr).toBe(0);
    planted.push(made.stdout.trim());
    return name;
  };
  const doctor = async (code: number): Promise<readonly Finding[]> => {
    const ran = await rig.cli(['doctor', '--leaks', '--json']);
    expect(ran.code, ran.stdout + ran.stderr).toBe(code);
    return (JSON.parse(ran.stdout) as { findings: Finding[] }).findings;
  };
  const ended = async (session_id: string): Promise<Record<string, string>> => {
    await rig.cli(['stop', '--all', '--grace', '1s']);
    return {
      'filare.project': rig.paths.key,
      'filare.session': session_id,
      'filare.attempt': '1',
      'filare.purpose': 'agent',
    };
  };

  it('beside a live session: each planted thing with its fix; cleanup takes the sure ones and says why it keeps the others', async () => {
    const first = await start();
    expect(await doctor(0)).toEqual([]);
    const of_ended = await ended(first.session_id);
    const second = await start();
    const project = { 'filare.project': rig.paths.key };
    const foreign = await plant(`filare-${rig.paths.key}-extra`, {});
    const nobodys = await plant('filare-e2e-nobody', { ...project, 'filare.session': 'nobody-knows' });
    const left = await plant('filare-e2e-left', of_ended);
    const other_life = await plant('filare-e2e-other', { ...of_ended, 'filare.instance': 'another' });
    const pipe = join(dirname(first.transcript), 'attempts', '1', 'journal', 'in');
    expect((await run('mkfifo', [pipe])).code).toBe(0);
    const seed = join(rig.paths.workspaces, 'one.filare-seed-0123456789abcdef');
    await mkdir(join(seed, 'tree'), { recursive: true });
    stray = spawn(process.execPath, ['-e', 'setInterval(() => {}, 1000)', `${rig.paths.state}/agent.sock`], {
      detached: true,
      stdio: 'ignore',
    });

    const found = await doctor(1);
    const by = (name: string): Finding | undefined => found.find((one) => one.name === name);
    expect(by(foreign)).toMatchObject({
      verdict: 'foreign',
      fix: expect.stringContaining(`docker rm -f ${foreign}`) as string,
    });
    expect(by(nobodys)).toMatchObject({
      verdict: 'leak',
      cleanup: false,
      fix: expect.stringContaining('docker rm -f') as string,
    });
    expect(by(left)).toMatchObject({ verdict: 'leak', fix: 'filare-agents cleanup' });
    expect(by(other_life)).toMatchObject({ verdict: 'foreign' });
    expect(by(pipe)).toMatchObject({ kind: 'fifo', verdict: 'leak', fix: 'filare-agents cleanup' });
    expect(found.find(({ kind }) => kind === 'process')).toMatchObject({
      fix: expect.stringContaining(`kill ${String(stray.pid)}`) as string,
    });
    expect(found).toHaveLength(6);
    const shown = await rig.cli(['doctor', '--leaks']);
    expect(shown.code).toBe(1);
    expect(shown.stdout).toContain('FIX');

    const dry = await rig.json<CleanupItem[]>(['cleanup', '--dry-run']);
    expect(
      dry
        .filter(({ action }) => action === 'would_remove')
        .map(({ name }) => name)
        .sort(),
    ).toEqual([pipe, left].sort());
    expect(existsSync(pipe)).toBe(true);
    const items = await rig.json<CleanupItem[]>(['cleanup', '--yes']);
    expect(
      items
        .filter(({ action }) => action === 'removed')
        .map(({ name }) => name)
        .sort(),
    ).toEqual([pipe, left].sort());
    for (const name of [foreign, nobodys, other_life, second.container_name ?? ''])
      expect(
        items.find((item) => item.name === name),
        name,
      ).toMatchObject({ action: 'kept' });
    expect(await rig.containers()).toContain(nobodys);
    expect(await rig.containers()).toContain(other_life);
    expect(existsSync(pipe)).toBe(false);
    expect((await rig.cli(['send', 'one', 'still there?', '--wait'])).code).toBe(0);

    // With the session gone its workspace is nobody's to seed: what does not carry our mark is kept all the same.
    await rig.cli(['stop', '--all', '--grace', '1s']);
    const after = await rig.json<CleanupItem[]>(['cleanup', '--yes']);
    expect(after.find(({ name }) => name === seed)).toMatchObject({
      action: 'kept',
      reason: expect.stringContaining('mark') as string,
    });
  }, 60_000);

  it('takes no more than its share without --force, and what a killed daemon left is said until the next one settles it', async () => {
    const { session_id } = await start();
    const of_ended = await ended(session_id);
    const names = await Promise.all(
      [1, 2, 3, 4].map((n) => plant(`filare-e2e-many-${String(n)}-${rig.paths.key}`, of_ended)),
    );
    expect(
      (
        await run('docker', [
          'network',
          'create',
          '--label',
          `filare.project=${rig.paths.key}`,
          `filare-${rig.paths.key}-old`,
        ])
      ).code,
    ).toBe(0);
    const refused = await rig.cli(['cleanup', '--yes']);
    expect(refused.code, refused.stderr).toBe(4);
    expect(refused.stderr).toContain(`5 of the 5`);
    expect(refused.stderr).toContain(names[0]);
    expect(refused.stderr).toContain('--force');
    expect(await rig.containers()).toHaveLength(4);
    const forced = await rig.cli(['cleanup', '--yes', '--force']);
    expect(forced.code, forced.stderr).toBe(0);
    expect(forced.stderr).toContain('5 things removed');
    expect(await rig.containers()).toEqual([]);

    process.kill(await rig.daemonPid(), 'SIGKILL');
    const kinds = (await doctor(1)).map(({ kind, verdict }) => `${verdict} ${kind}`);
    expect(kinds.sort()).toEqual(['leak socket', 'missing process', 'missing socket', 'missing socket']);
    await rig.cli(['list']);
    expect(await doctor(0)).toEqual([]);
    await rig.cli(['daemon', 'stop']);
    expect(await doctor(0)).toEqual([]);
  }, 60_000);

  it('a network that the engine does not let go keeps no stop from ending: said once, open in the book, gone with the next cleanup', async () => {
    await start();
    const network = `filare-${rig.paths.key}`;
    const guest = await plant(`filare-e2e-guest-${rig.paths.key}`, {}, ['--network', network]);
    expect((await run('docker', ['start', guest])).code).toBe(0);
    expect((await rig.cli(['stop', '--all', '--grace', '1s'])).code).toBe(0);
    const open = async (): Promise<string[]> =>
      (await readProjectLedger(rig.paths.ledger))
        .filter(({ kind, state }) => kind === 'network' && state === 'opened')
        .map(({ name }) => name);
    expect(await open()).toEqual([network]);
    const log = await readFile(rig.paths.daemon_log, 'utf8');
    expect(log.split('\n').filter((line) => line.includes('does not remove the network'))).toHaveLength(1);
    expect(await doctor(1)).toMatchObject([
      { kind: 'network', verdict: 'leak', fix: expect.stringContaining('restart the engine') as string },
    ]);
    const kept = await rig.json<CleanupItem[]>(['cleanup', '--yes']);
    expect(kept).toMatchObject([
      { kind: 'network', action: 'kept', reason: expect.stringContaining('active endpoints') as string },
    ]);
    await run('docker', ['rm', '-f', guest]);
    expect(await rig.json<CleanupItem[]>(['cleanup', '--yes'])).toMatchObject([{ kind: 'network', action: 'removed' }]);
    expect(await open()).toEqual([]);
    expect(await doctor(0)).toEqual([]);
  }, 60_000);

  it('a session that never began because its daemon died leaves neither a folder nor an entry in the book', async () => {
    const row = await start();
    await rig.cli(['stop', '--all', '--grace', '1s']);
    await rig.cli(['daemon', 'stop']);
    const session_id = `two-20260101T000000Z-abcd`;
    const folder = join(dirname(dirname(row.transcript)), session_id);
    await mkdir(folder);
    const detail = { stays: 'record of the session' };
    const ledger = await ProjectLedger.load(rig.paths.ledger);
    await ledger.intend({ kind: 'folder', name: folder, session_id, detail });
    await ledger.close();
    expect((await readProjectLedger(rig.paths.ledger)).filter((one) => one.state === 'intended')).toHaveLength(1);
    expect((await rig.json<SessionRow[]>(['list', '--all'])).map((one) => one.session_id)).toEqual([row.session_id]);
    expect(existsSync(folder)).toBe(false);
    expect((await readProjectLedger(rig.paths.ledger)).filter((one) => one.state === 'intended')).toEqual([]);
  });
});

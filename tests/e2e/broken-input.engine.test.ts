import { chmod, mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { TranscriptEntry } from '../../src/contract/transcript.js';
import { eventually, FleetRig, smallAgents } from '../support/fleet-rig.js';

describe('broken input ends in a clear error and a consistent state', () => {
  let rig: FleetRig;
  beforeEach(async () => {
    rig = await FleetRig.make();
  });
  afterEach(async () => {
    await rig.end();
  }, 60_000);

  const rows = (): Promise<{ id: string; phase: string; end_reason: string | null; container_id: string | null }[]> =>
    rig.json(['list', '--all']);

  it('every mistake of a manifest is shown at once, with its place, and nothing is started', async () => {
    await rig.write('configs/agents/a.yml', 'id: one\nrole: FEATURE\ngaol: typo\nresources: { cpus: many }\n');
    const ran = await rig.cli(['start']);
    expect(ran.code).toBe(2);
    expect(ran.stderr).toContain('a.yml:3:1');
    expect(ran.stderr).toContain('goal');
    expect(ran.stderr).toMatch(/a\.yml:4:\d+/);
    expect(ran.stderr).toMatch(/\n\s+\^|\^/);
    expect(await rig.leftovers()).toEqual([]);
  });

  it('no engine: exit 6, with what to do', async () => {
    await rig.write('configs/agents/a.yml', smallAgents(['one']));
    const ran = await rig.cli(['start'], { env: { DOCKER_HOST: 'unix:///nowhere/docker.sock' } });
    expect(ran.code, ran.stderr).toBe(6);
    expect(ran.stderr).toContain('/nowhere/docker.sock');
    expect(ran.stderr).toMatch(/try: .+/);
  });

  it('an image that is not there: exit 6 before any workspace is made', async () => {
    await rig.write(
      'configs/agents/a.yml',
      'id: one\nrole: FEATURE\nimage: no-such-image:1\nresources: { memory: 256m }\n',
    );
    const ran = await rig.cli(['start']);
    expect(ran.code, ran.stderr).toBe(6);
    expect(ran.stderr).toContain('no-such-image:1');
    expect(await rows()).toMatchObject([{ id: 'one', phase: 'failed' }]);
    expect(await rig.containers()).toEqual([]);
  });

  it('a workspace that is a file: exit 2, and the file is what it was', async () => {
    await rig.write('work', 'a file');
    await rig.write(
      'configs/agents/a.yml',
      'id: one\nrole: FEATURE\nworkspace: ../../work\nresources: { memory: 256m }\n',
    );
    const ran = await rig.cli(['start']);
    expect(ran.code, ran.stderr).toBe(2);
    expect(ran.stderr).toContain(join(rig.root, 'work'));
    expect(await rig.containers()).toEqual([]);
  });

  it('a workspace of root’s is refused with the command that mends it', async () => {
    if (process.getuid?.() !== 0) return;
    await mkdir(join(rig.root, 'work'));
    await writeFile(join(rig.root, 'work', 'file'), 'x');
    await rig.write(
      'configs/agents/a.yml',
      'id: one\nrole: FEATURE\nworkspace: ../../work\nresources: { memory: 256m }\n',
    );
    const ran = await rig.cli(['start']);
    expect(ran.code, ran.stderr).toBe(2);
    expect(ran.stderr).toContain('chown -R 1000:1000');
  });

  it('a startup script that fails: its output and status are said, and no agent runs', async () => {
    await rig.write(
      'configs/agents/a.yml',
      'id: one\nrole: FEATURE\nstartup_script: |\n  echo installing; echo no such package >&2; exit 7\nresources: { memory: 256m }\n',
    );
    const ran = await rig.cli(['start']);
    expect(ran.code).not.toBe(0);
    expect(ran.stderr).toContain('exit status 7');
    expect(ran.stderr).toContain('no such package');
    expect(await rows()).toMatchObject([{ phase: 'failed' }]);
    expect(await rig.containers()).toEqual([]);
  });

  it('a key in codex.config that Codex refuses: what Codex said is shown', async () => {
    await rig.write(
      'configs/agents/a.yml',
      'id: one\nrole: FEATURE\ncodex: { config: { model_context_window: not-a-number } }\nresources: { memory: 256m }\n',
    );
    const ran = await rig.cli(['start']);
    expect(ran.code).not.toBe(0);
    expect(ran.stderr).toMatch(/model_context_window|did not start/);
    expect(await rows()).toMatchObject([{ phase: 'failed' }]);
    expect(await rig.containers()).toEqual([]);
  }, 90_000);

  it('a model that never answers can be interrupted, and a model that fails ends the turn with its reason', async () => {
    await rig.write('configs/agents/a.yml', smallAgents(['one']));
    await rig.write(
      'r.yml',
      'parts:\n  - { text: hang, do: [hang: true] }\n  - { text: fail, do: [fail: { status: 400, message: model is out }] }\n',
    );
    expect((await rig.cli(['start', '--rehearsal', 'r.yml'])).code).toBe(0);
    expect((await rig.cli(['send', 'one', 'hang'])).code).toBe(0);
    await eventually(
      'it works',
      async () => (await rig.json<{ activity: string }[]>(['list']))[0]?.activity === 'working',
    );
    expect((await rig.cli(['wait', 'one', '--until', 'idle', '--timeout', '1s'])).code).toBe(5);
    expect((await rig.cli(['interrupt', 'one'])).code).toBe(0);
    const failed = await rig.cli(['send', 'one', 'fail', '--wait']);
    expect(failed.code).toBe(1);
    expect(failed.stderr).toContain('model is out');
  }, 90_000);

  it('a journal line of 8 MiB is taken in whole, cut for people, and the session goes on', async () => {
    await rig.write('configs/agents/a.yml', smallAgents(['one']).replace('256m', '1g'));
    await rig.write(
      'r.yml',
      'parts:\n  - text: much\n    do:\n      - run: head -c 9000000 /dev/zero | tr "\\\\0" x > /home/agent/big; cat /home/agent/big | head -c 500000\n      - say: much was said\n',
    );
    expect((await rig.cli(['start', '--rehearsal', 'r.yml'])).code).toBe(0);
    const [row] = await rig.json<{ transcript: string; session_id: string }[]>(['list']);
    // Codex itself cuts what commands print, so the line is written as Codex would write it: by its own hand into its own journal.
    const journal = join(row?.transcript ?? '', '..', 'attempts', '1', 'journal', 'out');
    const line = JSON.stringify({ method: 'warning', params: { message: 'x'.repeat(8 * 1024 * 1024) } });
    await writeFile(journal, `${line}\n`, { flag: 'a' });
    const sent = await rig.cli(['send', 'one', 'after the long line', '--wait']);
    expect(sent.code, sent.stderr).toBe(0);
    const entries: TranscriptEntry[] = await rig.transcript(row?.transcript ?? '');
    const long = entries.find((e) => (e.text?.length ?? 0) > 60_000);
    expect(long?.text?.length).toBeLessThan(1_100_000);
    expect(entries.map((e) => e.seq)).toEqual(entries.map((_, at) => at + 1));
  }, 90_000);

  it('an id that fits several sessions is exit 2 with the candidates; one that fits none is exit 3', async () => {
    await rig.write('configs/agents/a.yml', smallAgents(['alpha-one', 'alpha-two']));
    await rig.write('r.yml', 'parts: []\n');
    expect((await rig.cli(['start', '--rehearsal', 'r.yml'])).code).toBe(0);
    const several = await rig.cli(['describe', 'alpha-']);
    expect(several.code).toBe(2);
    expect(several.stderr).toContain('alpha-one-');
    expect(several.stderr).toContain('alpha-two-');
    expect((await rig.cli(['describe', 'nobody'])).code).toBe(3);
    expect((await rig.cli(['send', 'alpha-one'])).code).toBe(2);
    expect((await rig.cli(['frobnicate'])).code).toBe(2);
  }, 60_000);

  it('more memory than the host has: one agent is refused, many wait in a queue that says why', async () => {
    const { memory_bytes } = await rig.engine.info();
    const most = `${String(Math.floor((memory_bytes * 0.6) / 2 ** 20))}m`;
    await rig.write('configs/agents/a.yml', smallAgents(['big-one', 'big-two']).replaceAll('256m', most));
    await rig.write('r.yml', 'parts: []\n');
    expect((await rig.cli(['start', '--rehearsal', 'r.yml'])).code).toBe(0);
    const listed = await rig.json<{ id: string; phase: string; waiting_for: string | null }[]>(['list']);
    expect(listed.map((row) => row.phase).sort()).toEqual(['queued', 'running']);
    expect(listed.find((row) => row.phase === 'queued')?.waiting_for).toContain('of memory');
    const running = listed.find((row) => row.phase === 'running')?.id ?? '';
    expect((await rig.cli(['stop', running])).code).toBe(0);
    await eventually('the other one runs', async () =>
      (await rig.json<{ phase: string }[]>(['list'])).some((row) => row.phase === 'running'),
    );
    await rig.cli(['stop', '--all']);
    await rig.write('configs/agents/a.yml', smallAgents(['huge']).replace('256m', '100000g'));
    const refused = await rig.cli(['start', '--rehearsal', 'r.yml']);
    expect(refused.code).not.toBe(0);
    expect(refused.stderr).toContain('memory');
  }, 90_000);

  it('no space left where the record is kept: said, and nothing half-done', async () => {
    await rig.write('configs/agents/a.yml', smallAgents(['one']));
    if (process.getuid?.() !== 0) return;
    const { run } = await import('../support/fleet-rig.js');
    await mkdir(join(rig.root, 'outputs'));
    expect((await run('mount', ['-t', 'tmpfs', '-o', 'size=64k', 'tmpfs', join(rig.root, 'outputs')])).code).toBe(0);
    try {
      await writeFile(join(rig.root, 'outputs', 'filler'), Buffer.alloc(60 * 1024));
      await writeFile(join(rig.root, 'outputs', 'filler2'), Buffer.alloc(16 * 1024)).catch(() => undefined);
      await chmod(join(rig.root, 'outputs'), 0o755);
      const ran = await rig.cli(['start']);
      expect(ran.code).not.toBe(0);
      expect(ran.stderr).toMatch(/space|ENOSPC/i);
      expect(await rig.containers()).toEqual([]);
      await rig.cli(['daemon', 'stop']);
    } finally {
      await run('umount', ['-l', join(rig.root, 'outputs')]);
    }
  });
});

import { appendFile, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { FleetRig, smallAgents } from '../support/fleet-rig.js';

describe('a session whose record cannot be read', () => {
  let rig: FleetRig | undefined;
  afterEach(async () => {
    await rig?.end();
  }, 60_000);

  it('is shown as failed with the reason, is left as it is, and keeps no other from coming back', async () => {
    rig = await FleetRig.make({ 'configs/agents/a.yml': smallAgents(['good', 'bad']), 'r.yml': 'parts: []\n' });
    expect((await rig.cli(['start', '--rehearsal', 'r.yml'])).code).toBe(0);
    const before = await rig.json<{ id: string; transcript: string; container_name: string }[]>(['list']);
    expect((await rig.cli(['daemon', 'stop'])).code).toBe(0);
    const ledger = join(before.find((row) => row.id === 'bad')?.transcript ?? '', '..', 'ledger.jsonl');
    const whole = await readFile(ledger, 'utf8');
    await writeFile(ledger, whole.split('\n').slice(1).join('\n'));

    const after = await rig.json<{ id: string; phase: string; end_reason: string | null }[]>(['list']);
    expect(after.find((row) => row.id === 'good')).toMatchObject({ phase: 'running' });
    expect(after.find((row) => row.id === 'bad')).toMatchObject({ phase: 'failed' });
    expect(after.find((row) => row.id === 'bad')?.end_reason).toContain('cannot be read');
    expect(await rig.containers()).toContain(before.find((row) => row.id === 'bad')?.container_name);

    // Mended, it is taken up where it was.
    await rig.cli(['daemon', 'stop']);
    await writeFile(ledger, whole);
    await appendFile(ledger, '');
    expect(await rig.json<{ phase: string }[]>(['list'])).toMatchObject([{ phase: 'running' }, { phase: 'running' }]);
    expect((await rig.cli(['send', 'bad', 'still there?', '--wait'])).code).toBe(0);
  }, 120_000);

  it('can be stopped: its container goes, its record stays', async () => {
    rig = await FleetRig.make({ 'configs/agents/a.yml': smallAgents(['good', 'bad']), 'r.yml': 'parts: []\n' });
    expect((await rig.cli(['start', '--rehearsal', 'r.yml'])).code).toBe(0);
    const rows = await rig.json<{ id: string; transcript: string; container_name: string }[]>(['list']);
    const bad = rows.find((row) => row.id === 'bad');
    const container = String(bad?.container_name);
    const ledger = join(bad?.transcript ?? '', '..', 'ledger.jsonl');
    /** Takes the first record out; answers with what puts it right. */
    const damage = async (): Promise<() => Promise<void>> => {
      expect((await rig?.cli(['daemon', 'stop']))?.code).toBe(0);
      const whole = await readFile(ledger, 'utf8');
      await writeFile(ledger, whole.split('\n').slice(1).join('\n'));
      return async () => {
        expect((await rig?.cli(['daemon', 'stop']))?.code).toBe(0);
        await writeFile(ledger, whole);
      };
    };
    let mend = await damage();
    const stopped = await rig.cli(['stop', 'bad']);
    expect(stopped.code).toBe(0);
    expect(stopped.stderr).toContain(`bad: its record cannot be read; ${container} was stopped and removed`);
    expect(await rig.containers()).not.toContain(container);
    expect((await rig.cli(['stop', 'bad'])).stderr).toContain('no container of it is there');
    // Mended, its next attempt begins: its container is gone.
    await mend();
    expect((await rig.cli(['send', 'bad', 'still there?', '--wait'])).code).toBe(0);

    mend = await damage();
    expect((await rig.cli(['stop', '--all'])).stderr).toContain('bad: its record cannot be read;');
    expect(await rig.containers()).toEqual([]);
    await mend();
  }, 120_000);
});

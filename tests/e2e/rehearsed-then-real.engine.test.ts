import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { SessionDetail, StartOutcome, StartPlan } from '../../src/contract/api-shapes.js';
import type { SessionRow } from '../../src/contract/session.js';
import { FleetRig, smallAgents } from '../support/fleet-rig.js';

describe('an agent that was rehearsed', () => {
  let rig: FleetRig;

  beforeAll(async () => {
    rig = await FleetRig.make({ 'configs/agents/a.yml': smallAgents(['foxtrot']), 'day.yml': 'parts: []\n' });
  }, 60_000);

  afterAll(async () => {
    await rig.end();
  }, 60_000);

  it('is shown as such, and what is said of starting it again names the script', async () => {
    const [outcome] = await rig.json<StartOutcome[]>(['start', '--all', '--rehearsal', 'day.yml']);
    expect(outcome).toMatchObject({ outcome: 'started', warnings: [] });
    expect(await rig.json<SessionRow[]>(['list'])).toMatchObject([{ id: 'foxtrot', rehearsal: 'day.yml' }]);
    const described = await rig.cli(['describe', 'foxtrot']);
    expect(described.stdout).toMatch(/^ {2}model {6}rehearsal day\.yml$/m);
    await rig.cli(['stop', '--all']);
    const sent = await rig.cli(['send', 'foxtrot', 'hello']);
    expect(sent.stderr).toContain('filare-agents start --session foxtrot --rehearsal day.yml');
  }, 120_000);

  it('does not call the model provider without a word, whoever served it before', async () => {
    await rig.cli(['daemon', 'stop']);
    const words = 'foxtrot was rehearsed last time; this session calls the model provider';
    const [plan] = await rig.json<StartPlan[]>(['start', '--all', '--dry-run']);
    expect(plan?.warnings).toEqual([expect.stringContaining(words), expect.stringContaining('no model key')]);
    const started = await rig.cli(['start', '--session', 'foxtrot']);
    expect(started.code, started.stderr).toBe(0);
    expect(started.stderr).toContain(`warning: ${words} (start --session foxtrot --rehearsal day.yml`);
    expect(started.stderr).toContain('warning: foxtrot has no model key and no login');
    const detail = await rig.json<SessionDetail>(['describe', 'foxtrot']);
    expect(detail.row.rehearsal).toBeNull();
    await rig.cli(['stop', '--all']);
    const up = await rig.cli(['up', '--no-wait']);
    expect(up.stderr).not.toContain('rehearsed');
    expect(up.stderr).toContain('warning: foxtrot has no model key and no login');
  }, 120_000);
});

import { execFileSync } from 'node:child_process';
import { readdir } from 'node:fs/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Fleet } from '../../src/client/fleet.js';
import { eventually, FleetRig } from '../support/fleet-rig.js';

const IDS = Array.from({ length: 8 }, (_, at) => `a${at + 1}`);
const MANIFEST = [
  'defaults:',
  '  resources: { cpus: 1, memory: 128m, pids: 128 }',
  'sessions:',
  ...IDS.map((id) => `  - { id: ${id}, role: FIXER }`),
  '',
].join('\n');
const REHEARSAL = 'parts:\n  - text: hello\n    do: [{ say: hello yourself }]\n';
/** Room for a launch or two at a time, whatever the daemon has open by itself. */
const ROOM = 40;

describe('a daemon that may open few files', () => {
  let rig: FleetRig;
  let fleet: Fleet;
  let pid: number;

  const openFiles = async (): Promise<number> => (await readdir(`/proc/${pid}/fd`)).length;
  /** `ulimit -n` of the running daemon. */
  const allow = (files: number): void => {
    execFileSync('prlimit', ['--pid', String(pid), `--nofile=${files}:`]);
  };
  const outcomes = async (ids: readonly string[]): Promise<Record<string, string>> => {
    const ran = await rig.cli(['start', '--rehearsal', 'rehearsal.yml', '--json', ...ids.flatMap((id) => ['-s', id])]);
    // When none was started that is a failure, which carries the same.
    const all = (
      ran.stdout === ''
        ? (JSON.parse(ran.stderr) as { error: { details: { outcomes: unknown } } }).error.details.outcomes
        : JSON.parse(ran.stdout)
    ) as { id: string; outcome: string; error: { message: string; hint: string } | null }[];
    for (const { error } of all)
      if (error !== null) {
        expect(error.message).toMatch(/^no room for agent a\d: the daemon has \d+ files open and may have \d+$/);
        expect(error.hint).toContain('ulimit -n');
      }
    return Object.fromEntries(all.map(({ id, outcome }) => [id, outcome]));
  };

  beforeAll(async () => {
    rig = await FleetRig.make({ 'configs/agents/a.yml': MANIFEST, 'rehearsal.yml': REHEARSAL });
    fleet = await rig.fleet();
    pid = await rig.daemonPid();
    allow((await openFiles()) + ROOM);
  }, 60_000);

  afterAll(async () => {
    fleet.close();
    await rig.end();
  }, 60_000);

  it('refuses agents that it could not look after, before anything of them is made; those that run go on', async () => {
    const first = await outcomes(IDS);
    const started = IDS.filter((id) => first[id] === 'started');
    expect(started.length).toBeGreaterThan(0);
    expect(IDS.filter((id) => first[id] === 'refused')).toHaveLength(IDS.length - started.length);
    expect(started.length).toBeLessThan(IDS.length);
    // Until nothing more goes in, one by one.
    for (const id of IDS.filter((id) => first[id] === 'refused'))
      if ((await outcomes([id]))[id] === 'refused') break;
      else started.push(id);
    expect((await fleet.sessions({ all: true })).map(({ id }) => id).sort()).toEqual([...started].sort());
    for (const id of started)
      expect(await fleet.send(id, 'hello', { wait_ms: 30_000 })).toMatchObject({ reply: 'hello yourself' });
    expect((await fleet.sessions()).map(({ health, attempt }) => ({ health, attempt }))).toEqual(
      started.map(() => ({ health: 'ok', attempt: 1 })),
    );
  }, 120_000);

  it('has room again when one is stopped, or when it may open more', async () => {
    const [one = ''] = (await fleet.sessions()).map(({ id }) => id);
    const refused = IDS.filter((id) => id !== one);
    await fleet.stop(one);
    await eventually('its files are closed', async () => (await outcomes([one]))[one] === 'started');
    allow(4096);
    const all = await outcomes(refused);
    expect(Object.values(all).every((outcome) => outcome !== 'refused')).toBe(true);
    expect(await fleet.sessions()).toHaveLength(IDS.length);
  }, 120_000);
});

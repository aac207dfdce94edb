import { randomUUID } from 'node:crypto';
import { existsSync } from 'node:fs';
import { readFile, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Fleet } from '../../src/client/fleet.js';
import type { Prompt, SessionRow } from '../../src/contract/session.js';
import { DockerEngine } from '../../src/engine/docker/docker-engine.js';
import { eventually, FleetRig } from '../support/fleet-rig.js';
import { checkInvariants, type Said } from '../support/invariants.js';
import { buildMisbehaving } from '../support/misbehaving.js';
import { PrivateEngine } from '../support/private-engine.js';

/** How often the engine is killed under agents that work; more through the environment. */
const KILLS = Number(process.env['FILARE_ENGINE_KILLS'] ?? 3);
/** Lines of the agent that floods: some seconds of it. */
const LINES = 60_000;
const WITH_ENGINE = 'the engine was restarted and its container ended with it';
const COUNTING = `filare-counting:${randomUUID()}`;

const DEFAULTS = `
defaults:
  resources: { cpus: 1, memory: 256m, pids: 256 }
  health: { interval: 2s, timeout: 2s, failures: 3 }
  restart: { backoff: 5m, max_attempts: 1 }
sessions:
`;
const TWO = `${DEFAULTS}
  - { id: asker, role: FEATURE }
  - { id: talker, role: FIXER, escalation: { approvals: approve } }
`;
const REHEARSAL = `
parts:
  - agent: asker
    text: please
    do:
      - ask_approval: touch approved
      - say: it was approved
  - agent: talker
    text: work
    do:
      - run: sleep 60
      - say: done
`;

const why_not = PrivateEngine.whyNot;
describe.skipIf(why_not !== null)(`an engine whose daemon dies${why_not === null ? '' : `: ${why_not}`}`, () => {
  let engine: PrivateEngine;
  let rig: FleetRig;
  let fleet: Fleet;

  beforeAll(async () => {
    engine = await PrivateEngine.make(['filare-codex'], 'live-restore');
    await buildMisbehaving(await DockerEngine.connect(engine.env), COUNTING);
  }, 240_000);
  afterAll(async () => {
    await engine[Symbol.asyncDispose]();
  }, 60_000);

  const begin = async (manifest: string, more: Record<string, string> = {}): Promise<SessionRow[]> => {
    rig = await FleetRig.make({ 'configs/agents/a.yml': manifest, ...more }, undefined, engine.env);
    fleet = await rig.fleet();
    return rig.start(fleet, REHEARSAL);
  };
  const end = async (): Promise<void> => {
    await engine.start('live-restore');
    await fleet[Symbol.asyncDispose]();
    await rig.end();
  };
  const rowOf = async (id: string): Promise<SessionRow> => (await fleet.describe(id)).row;
  const allAre = (health: string): Promise<void> =>
    eventually(`all are ${health}`, async () => (await fleet.sessions()).every((row) => row.health === health));
  const allIdle = (): Promise<void> =>
    eventually('all are idle', async () => (await fleet.sessions()).every((row) => row.activity === 'idle'), 60_000);
  const promptOf = async (id: string): Promise<Prompt> => {
    await eventually(`${id} asks`, async () => (await fleet.prompts(id)).length === 1);
    const [prompt] = await fleet.prompts(id);
    if (prompt === undefined) throw new Error('no prompt');
    return prompt;
  };
  const replies = async (id: string): Promise<(string | undefined)[]> =>
    (await rig.transcript((await rowOf(id)).transcript)).filter((e) => e.kind === 'reply').map((e) => e.text);
  const violations = async (said: readonly Said[]) =>
    (await checkInvariants(fleet, rig.engine, { said, canaries: [] })).violations;

  /** Everything stopped: nothing is open in the book, nothing is in the engine. */
  const balance = async (): Promise<void> => {
    expect(await rig.cli(['stop', '--all', '--grace', '2s'])).toMatchObject({ code: 0 });
    expect(await violations([])).toEqual([]);
  };

  it(
    `is killed ${KILLS} times with live-restore: answers and messages reach agents meanwhile, who go on in the same container`,
    async () => {
      const before = await begin(TWO);
      const said: Said[] = [];
      try {
        const approved = join((await rowOf('asker')).workspace, 'approved');
        for (let n = 0; n < KILLS; n += 1) {
          await fleet.send('asker', `please ${n}`);
          const prompt = await promptOf('asker');
          await rm(approved, { force: true });
          await engine.kill('SIGKILL');
          await allAre('degraded');
          expect((await rowOf('talker')).waiting_for).toContain('the engine does not answer');

          await fleet.decide(prompt.prompt_id, { choice: 'accept' });
          await eventually('its command has run', () => existsSync(approved));
          const text = `round ${n}`;
          expect(await fleet.send('talker', text)).toMatchObject({ delivery: 'accepted' });
          said.push({ agent: 'talker', text, acknowledged: true });

          await engine.start('live-restore');
          await allAre('ok');
          await allIdle();
          expect((await fleet.sessions()).map((row) => [row.container_id, row.attempt])).toEqual(
            before.map((row) => [row.container_id, 1]),
          );
        }
        expect(await violations(said)).toEqual([]);
        expect(await replies('asker')).toEqual(Array.from({ length: KILLS }, () => 'it was approved'));
        expect(await replies('talker')).toHaveLength(KILLS);
        await balance();
      } finally {
        await end();
      }
    },
    120_000 + KILLS * 20_000,
  );

  it('is killed again and again while an agent floods: no line is lost, none is there twice', async () => {
    const env = { 'env/counter.env': `MISBEHAVES=counts:${LINES}\n` };
    const counter = `  - { id: counter, role: FIXER, image: ${COUNTING}, env_file: ../../env/counter.env }\n`;
    const [before] = await begin(`${DEFAULTS}${counter}`, env);
    try {
      const journal = join(before?.transcript ?? '', '../attempts/1/journal/out');
      const sizeOf = async (): Promise<number> => (await stat(journal)).size;
      await fleet.send('counter', 'count', { mode: 'queue' });
      let grown = 0;
      while (!(await hasCounted(journal))) {
        await engine.kill('SIGKILL');
        const size = await sizeOf();
        await sleep(500);
        if ((await sizeOf()) > size) grown += 1;
        await engine.start('live-restore');
      }
      expect(grown, 'kills during which lines were written').toBeGreaterThan(1);
      await allIdle();
      await allAre('ok');
      expect(await rowOf('counter')).toMatchObject({ container_id: before?.container_id, attempt: 1 });
      const lines = Array.from({ length: LINES }, (_, n) => `line ${n}`);
      expect((await replies('counter')).join('\n')).toBe([...lines, 'counted'].join('\n'));
      expect(await violations([])).toEqual([]);
      await balance();
    } finally {
      await end();
    }
  }, 180_000);

  it('is restarted without live-restore: every agent comes back at once on its thread, it counts as no failure, and nothing is lost or left', async () => {
    await engine.kill('SIGKILL');
    await engine.start('containers end with it');
    const before = await begin(TWO);
    try {
      const said: Said[] = [];
      const restarts = [
        { signal: 'SIGTERM', away_ms: 0 },
        { signal: 'SIGKILL', away_ms: 0 },
        // Longer than Codex may be silent: that it does not answer is not held against it.
        { signal: 'SIGTERM', away_ms: 12_000 },
      ] as const;
      for (const [n, { signal, away_ms }] of restarts.entries()) {
        await fleet.send('asker', `please ${n}`);
        const prompt = await promptOf('asker');
        await fleet.send('talker', `work ${n}`);
        const text = `later ${n}`;
        expect(await fleet.send('talker', text)).toMatchObject({ delivery: 'queued' });
        said.push({ agent: 'talker', text, acknowledged: true });

        await engine.kill(signal);
        await sleep(away_ms);
        await engine.start('containers end with it');
        await eventually(
          'both are back',
          async () => (await fleet.sessions()).every((row) => row.attempt === n + 2 && row.phase === 'running'),
          60_000,
        );
        await allIdle();
        expect((await fleet.sessions()).map((row) => [row.id, row.thread_id])).toEqual(
          before.map((row) => [row.id, row.thread_id]),
        );
        expect(await fleet.prompt(prompt.prompt_id)).toMatchObject({ decision: { outcome: 'expired' } });
        expect((await replies('talker')).at(-1)).toBe(text);
      }
      for (const id of ['asker', 'talker']) {
        const { attempts } = await fleet.describe(id);
        expect(attempts.map((one) => one.end_reason)).toEqual([...restarts.map(() => WITH_ENGINE), null]);
        const told = (await rig.transcript((await rowOf(id)).transcript)).map((entry) => entry.text ?? '');
        expect(told.filter((text) => text.includes(WITH_ENGINE))).toHaveLength(restarts.length);
        expect(told.filter((text) => /ended by itself|not answered|looks\)/.test(text))).toEqual([]);
      }
      await fleet.send('asker', 'please go on');
      await fleet.decide((await promptOf('asker')).prompt_id, { choice: 'accept' });
      await allIdle();
      expect(await replies('asker')).toEqual(['it was approved']);
      expect(await violations(said)).toEqual([]);
      await balance();
    } finally {
      await end();
    }
  }, 240_000);
});

/** The last line of the flood is in the journal. */
async function hasCounted(journal: string): Promise<boolean> {
  return (await readFile(journal, 'utf8')).includes('"text":"counted"');
}

import { randomUUID } from 'node:crypto';
import { mkdir, mkdtemp, realpath, rm, writeFile } from 'node:fs/promises';
import { homedir, tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { Fleet } from '../../src/client/fleet.js';
import { DockerEngine } from '../../src/engine/docker/docker-engine.js';
import { loadManifests } from '../../src/manifest/load-manifests.js';
import { loadRehearsal } from '../../src/rehearsal/script.js';
import { checkInvariants } from '../support/invariants.js';
import { leftoversOf } from '../support/leftovers.js';
import { buildMisbehaving, misbehaviours, misbehavingProject } from '../support/misbehaving.js';
import type { Tally } from './tally.js';

const FULL = { long_mib: 100, flood_lines: 1_000_000, endless_mib: 256, garbage: 1_000 };
const SENDS = 40;

/** Every misbehaviour at once and at full size, beside an ordinary agent that is talked to meanwhile. */
export async function soakMisbehaving(tally: Tally, say: (text: string) => void): Promise<void> {
  const engine = await DockerEngine.connect(process.env);
  const root = await realpath(await mkdtemp(join(tmpdir(), 'filare-misbehaving-')));
  const image = `filare-misbehaving:${randomUUID()}`;
  const ways = misbehaviours(FULL);
  tally.of = ways.length;
  for (const [path, text] of Object.entries(misbehavingProject(image, ways))) {
    await mkdir(dirname(join(root, path)), { recursive: true });
    await writeFile(join(root, path), text, { mode: 0o600 });
  }
  await buildMisbehaving(engine, image);
  const fleet = await Fleet.open({ project: root });
  const wrong = (kind: Tally['violations'][number]['kind'], where: string, text: string): void => {
    tally.violations.push({ kind, where, text });
    say(`VIOLATION ${kind} ${where}: ${text}`);
  };
  try {
    const { agents } = await loadManifests(undefined, {
      project_root: root,
      cwd: root,
      env: process.env,
      home: homedir(),
    });
    await writeFile(join(root, 'rehearsal.yml'), 'parts: []\n');
    const script = await loadRehearsal([join(root, 'rehearsal.yml')]);
    const rehearsal = { script, origin: 'rehearsal.yml' };
    const calm = agents.filter(({ id }) => id === 'calm');
    await fleet.start(calm, { rehearsal });
    const before = await sendTimes(fleet);
    let most = 0;
    const base = (await fleet.daemon())?.memory_bytes ?? 0;
    const watching = setInterval(() => {
      void fleet.daemon().then(
        (status) => (most = Math.max(most, status?.memory_bytes ?? 0)),
        () => undefined,
      );
    }, 250);
    const starting = fleet.start(
      agents.filter(({ id }) => id !== 'calm'),
      { rehearsal },
    );
    await sleep(2_000);
    const meanwhile = await sendTimes(fleet);
    const outcomes = await starting;
    const doomed = ways.filter(({ ending }) => ending === 'crash loop' || ending === 'restarted');
    await Promise.all(doomed.map(({ id }) => fleet.send(id, 'hello', { mode: 'queue' })));
    for (const { id, ending, reason } of ways) {
      const ended = await until(async () => {
        const { row } = await fleet.describe(id);
        switch (ending) {
          case 'talks':
            return (await fleet.send(id, 'hello', { wait_ms: 120_000 })).delivery === 'accepted';
          case 'failed':
            return (
              row.phase === 'failed' &&
              outcomes.find((one) => one.id === id)?.error?.message.includes(reason ?? '') === true
            );
          case 'restarted':
            return row.phase === 'running' && row.attempt === 2;
          case 'crash loop':
            return (await fleet.prompts(id)).some(
              (prompt) => prompt.origin === 'crash_loop' && prompt.summary.includes(reason ?? ''),
            );
        }
      });
      tally.cases += 1;
      if (!ended) wrong('state', id, `expected: ${ending}${reason === null ? '' : `, ${reason}`}`);
    }
    clearInterval(watching);
    let checked = await checkInvariants(fleet, engine, { said: [], canaries: [] });
    await until(async () => {
      checked = await checkInvariants(fleet, engine, { said: [], canaries: [] });
      return checked.violations.length === 0;
    });
    for (const { kind, text } of checked.violations) wrong(kind, 'afterwards', text);
    tally.entries += checked.entries;
    tally.notes.push(
      `a message to the ordinary agent and its reply took, of ${SENDS}, p50 ${at(before, 0.5)} ms and p99 ${at(before, 0.99)} ms before, p50 ${at(meanwhile, 0.5)} ms and p99 ${at(meanwhile, 0.99)} ms while the others misbehaved`,
      `the daemon held ${mib(base)} MiB before and at most ${mib(most)} MiB meanwhile`,
    );
    for (const row of await fleet.sessions()) await fleet.stop(row.session_id, { grace_ms: 1_000 });
    await fleet.stopDaemon();
    await until(async () => (await leftoversOf(fleet.project, engine)).length === 0);
    for (const left of await leftoversOf(fleet.project, engine)) wrong('leak', 'afterwards', left);
  } finally {
    await fleet.stopDaemon().catch(() => undefined);
    fleet.close();
    const label = { 'filare.project': fleet.project.key };
    for (const { id } of await engine.list(label)) await engine.remove(id);
    for (const { id } of await engine.listNetworks(label)) await engine.removeNetwork(id);
    await engine.removeImage(image);
    await rm(root, { recursive: true, force: true });
  }
}

async function sendTimes(fleet: Fleet): Promise<number[]> {
  const times: number[] = [];
  for (let n = 0; n < SENDS; n += 1) {
    const before = performance.now();
    await fleet.send('calm', `hello ${n}`, { wait_ms: 60_000 });
    times.push(performance.now() - before);
    await until(async () => (await fleet.describe('calm')).row.activity === 'idle');
  }
  return times.sort((a, b) => a - b);
}

async function until(test: () => Promise<boolean>): Promise<boolean> {
  const end = Date.now() + 120_000;
  while (Date.now() < end) {
    if (await test().catch(() => false)) return true;
    await sleep(100);
  }
  return false;
}

function at(sorted: readonly number[], share: number): string {
  return (sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0).toFixed();
}

function mib(bytes: number): string {
  return (bytes / 2 ** 20).toFixed();
}

import { agentSpec } from './agent-spec.js';
import { anchor, ECHO, removeBare } from './anchor.js';
import { BareAgent } from './bare-agent.js';
import { prepareBare, type BareSetting } from './bare-request.js';
import { EngineApi } from './engine-api.js';
import { BenchProject } from './project.js';
import { median, ms } from './statistics.js';
import { judged, told, type Findings, type Suite } from './suite.js';

const MAX_RATIO = 1.2;
/** How the bare side may be run: so many at once, and whether one counts as done when it has started or when it has answered. */
const WAYS = [
  { at_once: 4, until: 'answered' },
  { at_once: 8, until: 'answered' },
  { at_once: 20, until: 'answered' },
  { at_once: 4, until: 'started' },
  { at_once: 8, until: 'started' },
] as const;
type Way = (typeof WAYS)[number];

/** 20 agents through the fleet against 20 bare containers with the bare handshake. */
export const launch: Suite = {
  name: 'launch',
  title: 'Launch: 20 agents to `thread/start` answered',
  run: async (bench) => {
    const count = bench.quick ? 6 : 20;
    const rounds = bench.quick ? 2 : 5;
    const project = await BenchProject.open(bench);
    const setting = await anchor(bench, project);
    const api = await EngineApi.connect();
    bench.undo.add('bare containers', () => removeBare(api, project));

    let way: Way = WAYS[1];
    if (!bench.quick) {
      const tried: { readonly way: Way; readonly took_ms: number }[] = [];
      for (const one of WAYS) {
        tried.push({ way: one, took_ms: await bareRound(project, api, setting, `try${tried.length}`, count, one) });
        bench.say(`bare, ${one.at_once} at once until ${one.until}: ${ms(tried.at(-1)?.took_ms ?? 0)}`);
        bench.signal.throwIfAborted();
      }
      way = tried.toSorted((a, b) => a.took_ms - b.took_ms)[0]?.way ?? way;
    }
    await fleetRound(project, 'warm', count);
    const fleet: number[] = [];
    const bare: number[] = [];
    for (let round = 1; round <= rounds; round += 1) {
      const first = round % 2 === 1;
      if (first) fleet.push(await fleetRound(project, `r${round}`, count));
      bare.push(await bareRound(project, api, setting, `r${round}`, count, way));
      if (!first) fleet.push(await fleetRound(project, `r${round}`, count));
      bench.say(`round ${round}: fleet ${ms(fleet.at(-1) ?? 0)}, bare ${ms(bare.at(-1) ?? 0)}`);
      bench.signal.throwIfAborted();
    }
    return findings(count, way, fleet, bare);
  },
};

function findings(count: number, way: Way, fleet: readonly number[], bare: readonly number[]): Findings {
  const ratio = median(fleet) / median(bare);
  return {
    rows: [
      judged(`${count} agents through the fleet, over ${count} bare`, `${ratio.toFixed(2)} ×`, {
        text: `≤ ${MAX_RATIO} ×`,
        met: ratio <= MAX_RATIO,
      }),
      told(`${count} agents through the fleet (median of ${fleet.length})`, ms(median(fleet))),
      told(`${count} bare containers and handshakes (median of ${bare.length})`, ms(median(bare))),
    ],
    method: [
      'Fleet: one `start` of the library to its answer, which comes when every agent’s `thread/start` is answered. One rehearsed agent runs all the while, so that the fleet’s network and model server are there for both sides.',
      `Bare: files, folders, pipe and journal of each container are ready before the clock starts, and so is the whole handshake, in its pipe. Then \`create\` and \`start\` of the Engine API with the request that the product would send (same hardening, mounts, limits and network), and the answer read from the journal. Of five ways to run them side by side the quickest in a trial was taken: ${way.at_once} at once, each until it has ${way.until}.`,
      'Both sides in turn, the order changing each round; a warm-up before. Stopping and removing is not timed.',
    ],
    raw: { fleet_ms: fleet, bare_ms: bare },
  };
}

async function fleetRound(project: BenchProject, round: string, count: number): Promise<number> {
  const agents = Array.from({ length: count }, (_, n) => agentSpec(project.paths, `${round}-${n}`));
  await project.makeWorkspaces(agents);
  const begin = performance.now();
  const outcomes = await project.fleet.start(agents, { rehearsal: { script: ECHO, origin: 'bench' } });
  const took_ms = performance.now() - begin;
  for (const { id, session, error } of outcomes) {
    if (session?.phase !== 'running' || session.thread_id === null)
      throw new Error(`${id} did not start: ${error?.message ?? session?.phase ?? 'unknown'}`);
  }
  await project.stop(agents.map((agent) => agent.id));
  return took_ms;
}

async function bareRound(
  project: BenchProject,
  api: EngineApi,
  setting: BareSetting,
  round: string,
  count: number,
  way: Way,
): Promise<number> {
  const specs = Array.from({ length: count }, (_, n) => agentSpec(project.paths, `bare-${round}-${n}`));
  await project.makeWorkspaces(specs);
  const ready: { readonly spec: (typeof specs)[number]; readonly agent: BareAgent }[] = [];
  for (const spec of specs) ready.push({ spec, agent: new BareAgent(api, await prepareBare(project, spec, setting)) });
  const waiting = [...ready];
  const answers: Promise<void>[] = [];
  const begin = performance.now();
  const work = async (): Promise<void> => {
    for (let next = waiting.shift(); next !== undefined; next = waiting.shift()) {
      const answer = next.agent.ready();
      answers.push(answer);
      await next.agent.start(next.spec);
      if (way.until === 'answered') await answer;
    }
  };
  await Promise.all(Array.from({ length: way.at_once }, work));
  await Promise.all(answers);
  const took_ms = performance.now() - begin;
  await Promise.all(ready.map(({ agent }) => agent.end()));
  return took_ms;
}

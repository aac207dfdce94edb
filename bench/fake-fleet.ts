import { join } from 'node:path';
import type { AgentSpec } from '../src/contract/agent-spec.js';
import { agentSpec } from './agent-spec.js';
import type { FakeAgent } from './fake-agent.js';
import { FakeEngine } from './fake-engine.js';
import { BenchProject } from './project.js';
import type { Bench } from './suite.js';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';

const STARTS_AT_ONCE = 10;

/** A session whose agent the benchmark plays. */
export interface PlayedSession {
  readonly id: string;
  readonly session_id: string;
  readonly agent: FakeAgent;
}

/** The real daemon with so many running sessions, their containers played by the benchmark. */
export async function fakeFleet(
  bench: Bench,
  count: number,
  change: (spec: AgentSpec) => AgentSpec = (spec) => spec,
): Promise<{ readonly project: BenchProject; readonly sessions: readonly PlayedSession[] }> {
  const folder = await mkdtemp(join(tmpdir(), 'filare-bench-engine-'));
  bench.undo.add(`folder ${folder}`, () => rm(folder, { recursive: true, force: true }));
  const socket = join(folder, 'engine.sock');
  const engine = await FakeEngine.listen(socket);
  bench.undo.add('played engine', () => engine.close());
  const project = await BenchProject.open(bench, `unix://${socket}`);
  const specs = Array.from({ length: count }, (_, n) => change(agentSpec(project.paths, `agent-${n}`)));
  await project.makeWorkspaces(specs);
  const sessions: PlayedSession[] = [];
  for (let at = 0; at < specs.length; at += STARTS_AT_ONCE) {
    for (const { id, session, error } of await project.fleet.start(specs.slice(at, at + STARTS_AT_ONCE))) {
      if (session?.phase !== 'running') throw new Error(`${id} did not start: ${error?.message ?? 'unknown'}`);
      sessions.push({ id, session_id: session.session_id, agent: engine.agent(session.session_id) });
    }
  }
  bench.say(`${count} sessions run`);
  return { project, sessions };
}

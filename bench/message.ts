import { constants, openSync, readSync, writeSync, closeSync } from 'node:fs';
import { Socket } from 'node:net';
import { join } from 'node:path';
import { execFileSync } from 'node:child_process';
import { agentSpec } from './agent-spec.js';
import { anchor, removeBare } from './anchor.js';
import { BareAgent } from './bare-agent.js';
import { prepareBare } from './bare-request.js';
import { EngineApi } from './engine-api.js';
import { fakeFleet } from './fake-fleet.js';
import { BenchProject } from './project.js';
import { ms, percentile } from './statistics.js';
import { judged, told, type Bench, type Findings, type Suite } from './suite.js';

const MAX_ADDED_MS = 1.5;
/** Codex gets as much of a processor as it wants, on both sides. */
const CPUS = 2;
const PAUSE_MS = 5;

/** How long a message takes to Codex and back, through the API and through a bare pipe; and what of it is the daemon's own. */
export const message: Suite = {
  name: 'message',
  title: 'Message: from `send` to Codex acknowledging',
  run: async (bench) => {
    const { api, bare } = await talkToCodex(bench, bench.quick ? 40 : 400);
    const { in_pipe, answered, fifo } = await talkToNobody(bench, bench.quick ? 100 : 1000);
    const added = percentile(api, 0.5) - percentile(bare, 0.5);
    return {
      rows: [
        judged('`send` over a bare FIFO round trip, p50', `${added < 0 ? '' : '+'}${ms(added)}`, {
          text: `≤ +${MAX_ADDED_MS} ms`,
          met: added <= MAX_ADDED_MS,
        }),
        told('`send` to Codex showing the message, p50 / p99', pair(api)),
        told('bare FIFO, `turn/start` to the shown message, p50 / p99', pair(bare)),
        told('daemon alone: `send` to the line in the pipe, p50 / p99', pair(in_pipe)),
        told('daemon alone: `send` to its answer, the message shown at once, p50 / p99', pair(answered)),
        told('one line through a pipe and back through a file, p50 / p99', pair(fifo)),
      ],
      method: [
        'API: the library’s `send` to an idle rehearsed agent, from the call to its answer `accepted`, which comes when Codex has shown the message: one HTTP request, two records made durable in the ledger, the pipe, Codex, the journal, the transcript.',
        'Bare: `turn/start` written into the pipe of the same kind of container, to the `userMessage` item in its journal, read with a file watch. A message here, a message there, each when the turn before is over.',
        'Daemon alone: the same `send` with the container played by the benchmark, which sees the line as it leaves the pipe and answers at once.',
      ],
      raw: { api_ms: api, bare_ms: bare, daemon_in_pipe_ms: in_pipe, daemon_answered_ms: answered, fifo_ms: fifo },
    } satisfies Findings;
  },
};

function pair(samples: readonly number[]): string {
  return `${ms(percentile(samples, 0.5))} / ${ms(percentile(samples, 0.99))}`;
}

async function talkToCodex(
  bench: Bench,
  count: number,
): Promise<{ readonly api: readonly number[]; readonly bare: readonly number[] }> {
  const project = await BenchProject.open(bench);
  const setting = await anchor(bench, project, CPUS);
  const engine = await EngineApi.connect();
  bench.undo.add('bare containers', () => removeBare(engine, project));
  const spec = agentSpec(project.paths, 'bare', { cpus: CPUS });
  await project.makeWorkspaces([spec]);
  const agent = new BareAgent(engine, await prepareBare(project, spec, setting));
  bench.undo.add('bare agent', () => agent.end());
  const ready = agent.ready();
  await agent.start(spec);
  await ready;

  const turns = new TurnCounter(project, 'anchor', bench.signal);
  const api: number[] = [];
  const bare: number[] = [];
  const warm_up = Math.ceil(count / 10);
  for (let n = -warm_up; n < count; n += 1) {
    const text = `message ${n}`;
    const over = turns.next();
    const sent = performance.now();
    const { delivery } = await project.fleet.send('anchor', text);
    const through_api = performance.now() - sent;
    if (delivery !== 'accepted') throw new Error(`message ${n} was ${delivery}`);
    await over;
    const bare_over = agent.turnEnd();
    const written = performance.now();
    await agent.send(`bare-${n}`, text);
    const through_pipe = performance.now() - written;
    await bare_over;
    await new Promise((resolve) => setTimeout(resolve, PAUSE_MS));
    if (n < 0) continue;
    api.push(through_api);
    bare.push(through_pipe);
    bench.signal.throwIfAborted();
  }
  return { api, bare };
}

/** Tells when a turn of an agent is over, from its story. */
class TurnCounter {
  #over: () => void = () => undefined;

  constructor(project: BenchProject, id: string, signal: AbortSignal) {
    this.#follow(project, id, signal).catch(() => undefined);
  }

  /** Resolves at the end of the next turn that ends. */
  next(): Promise<void> {
    return new Promise((resolve) => (this.#over = resolve));
  }

  async #follow(project: BenchProject, id: string, signal: AbortSignal): Promise<void> {
    for await (const event of project.fleet.tail(id, { last: 0, follow: true, signal }))
      if (event.type === 'row' && event.row.activity === 'idle') this.#over();
  }
}

async function talkToNobody(
  bench: Bench,
  count: number,
): Promise<{
  readonly in_pipe: readonly number[];
  readonly answered: readonly number[];
  readonly fifo: readonly number[];
}> {
  const { project, sessions } = await fakeFleet(bench, 1);
  const [session] = sessions;
  if (session === undefined) throw new Error('no session');
  const in_pipe: number[] = [];
  const answered: number[] = [];
  let seen = 0;
  session.agent.onLine = () => (seen = performance.now());
  const warm_up = Math.ceil(count / 10);
  for (let n = -warm_up; n < count; n += 1) {
    const sent = performance.now();
    const { delivery } = await project.fleet.send(session.id, `message ${n}`);
    const took = performance.now() - sent;
    if (delivery !== 'accepted') throw new Error(`message ${n} was ${delivery}`);
    await new Promise((resolve) => setTimeout(resolve, PAUSE_MS));
    if (n < 0) continue;
    in_pipe.push(seen - sent);
    answered.push(took);
    bench.signal.throwIfAborted();
  }
  return { in_pipe, answered, fifo: await bareFifo(project, count) };
}

/** A line into a pipe, read at its other end, written to a file, and read there: the floor of the transport itself. */
async function bareFifo(project: BenchProject, count: number): Promise<readonly number[]> {
  const path = join(project.paths.state, 'bench-fifo');
  execFileSync('mkfifo', [path]);
  const reader = new Socket({
    fd: openSync(path, constants.O_RDWR | constants.O_NONBLOCK),
    readable: true,
    writable: false,
  });
  const writer = openSync(path, constants.O_RDWR | constants.O_NONBLOCK);
  const out = openSync(join(project.paths.state, 'bench-out'), 'w+');
  const samples: number[] = [];
  const back = Buffer.alloc(4096);
  let position = 0;
  for (let n = 0; n < count; n += 1) {
    const begin = performance.now();
    const came = new Promise<Buffer>((resolve) => reader.once('data', resolve));
    writeSync(writer, `{"id":${n},"method":"turn/start"}\n`);
    const line = await came;
    writeSync(out, line);
    position += readSync(out, back, 0, line.length, position);
    samples.push(performance.now() - begin);
  }
  reader.destroy();
  closeSync(writer);
  closeSync(out);
  return samples;
}

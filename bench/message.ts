import { agentSpec } from './agent-spec.js';
import { anchor, removeBare } from './anchor.js';
import { ApiClient } from './api-client.js';
import { BareAgent } from './bare-agent.js';
import { bareFifo } from './bare-fifo.js';
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
    const { api, library, bare } = await talkToCodex(bench, bench.quick ? 40 : 400);
    const { in_pipe, answered, fifo } = await talkToNobody(bench, bench.quick ? 100 : 1000);
    const added = percentile(answered, 0.5) - percentile(fifo, 0.5);
    return {
      rows: [
        judged('added by the daemon over a bare FIFO round trip, p50', `+${ms(added)}`, {
          text: `≤ +${MAX_ADDED_MS} ms`,
          met: added <= MAX_ADDED_MS,
        }),
        told('the same, p99', `+${ms(percentile(answered, 0.99) - percentile(fifo, 0.99))}`),
        told('`send` entering the API to Codex showing the message, p50 / p99', pair(api)),
        told(
          'the same over a bare pipe to the real Codex, with its turn, model server, daemon and client on one machine, p50',
          signed(percentile(api, 0.5) - percentile(bare, 0.5)),
        ),
        told('the same through the library, p50 / p99', pair(library)),
        told('bare FIFO, `turn/start` to the shown message, p50 / p99', pair(bare)),
        told('daemon alone: `send` to the line in the pipe, p50 / p99', pair(in_pipe)),
        told('daemon alone: `send` to its answer, the message shown at once, p50 / p99', pair(answered)),
        told('one line through a pipe and back through a file, p50 / p99', pair(fifo)),
      ],
      method: [
        'API: a POST to an idle rehearsed agent over a connection that is kept, to its answer `accepted`, which comes when Codex has shown the message: HTTP, a record made durable in the ledger, the pipe, Codex, the journal, the transcript. The library makes a connection for each call.',
        'Bare: `turn/start` written into the pipe of the same kind of container, to the `userMessage` item in its journal, read with a file watch. One message after the other, here and there in turn, each when the turn before is over; both threads grow alike.',
        'Daemon alone: the same POST with the container played by the benchmark, which sees the line as it leaves the pipe and answers at once. What it takes beyond a line through a pipe and back through a file is what the daemon adds: HTTP, a durable record, the pipe, the journal, the transcript. What the real Codex adds on two cores, of which it and the model server want both, is told beside it.',
      ],
      raw: {
        api_ms: api,
        library_ms: library,
        bare_ms: bare,
        daemon_in_pipe_ms: in_pipe,
        daemon_answered_ms: answered,
        fifo_ms: fifo,
      },
    } satisfies Findings;
  },
};

function signed(added_ms: number): string {
  return `${added_ms < 0 ? '' : '+'}${ms(added_ms)}`;
}

function pair(samples: readonly number[]): string {
  return `${ms(percentile(samples, 0.5))} / ${ms(percentile(samples, 0.99))}`;
}

async function talkToCodex(
  bench: Bench,
  count: number,
): Promise<{ readonly api: readonly number[]; readonly library: readonly number[]; readonly bare: readonly number[] }> {
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
  const client = new ApiClient(project.paths.socket);
  bench.undo.add('connection', () => Promise.resolve(client.close()));

  const timed = async (send: () => Promise<unknown>, over: () => Promise<void>): Promise<number> => {
    const begin = performance.now();
    await send();
    const took_ms = performance.now() - begin;
    await over();
    await pause();
    return took_ms;
  };
  const api: number[] = [];
  const library: number[] = [];
  const bare: number[] = [];
  const quiet = (): Promise<void> => idle(project, 'anchor');
  const through_api = async (text: string): Promise<number> => timed(() => client.send('anchor', text), quiet);
  const through_library = async (text: string): Promise<number> =>
    timed(() => project.fleet.send('anchor', text), quiet);
  const through_pipe = async (text: string): Promise<number> => {
    const over = agent.turnEnd();
    return timed(
      () => agent.send(text, text),
      () => over,
    );
  };
  for (let n = -Math.ceil(count / 10); n < count; n += 1) {
    const text = `message ${n}`;
    // Twice bare, for both threads grow alike; the order turns round.
    const samples = { api: 0, library: 0, bare: [0, 0] };
    const steps = [
      async (): Promise<unknown> => (samples.api = await through_api(text)),
      async (): Promise<unknown> => (samples.bare[0] = await through_pipe(`${text} a`)),
      async (): Promise<unknown> => (samples.library = await through_library(text)),
      async (): Promise<unknown> => (samples.bare[1] = await through_pipe(`${text} b`)),
    ];
    for (let at = 0; at < steps.length; at += 1) await steps[(at + (n & 3)) % steps.length]?.();
    bench.signal.throwIfAborted();
    if (n < 0) continue;
    api.push(samples.api);
    library.push(samples.library);
    bare.push(...samples.bare);
  }
  return { api, library, bare };
}

/** Resolves when the agent is idle again. Asks now and then, when nothing is timed: a stream would have to be read while it is. */
async function idle(project: BenchProject, id: string): Promise<void> {
  for (;;) {
    await pause();
    const row = (await project.fleet.sessions()).find((one) => one.id === id);
    if (row?.activity === 'idle') return;
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
  const client = new ApiClient(project.paths.socket);
  const in_pipe: number[] = [];
  const answered: number[] = [];
  let seen = 0;
  session.agent.onLine = () => (seen = performance.now());
  for (let n = -Math.ceil(count / 10); n < count; n += 1) {
    const begin = performance.now();
    await client.send(session.id, `message ${n}`);
    const took_ms = performance.now() - begin;
    await pause();
    bench.signal.throwIfAborted();
    if (n < 0) continue;
    in_pipe.push(seen - begin);
    answered.push(took_ms);
  }
  client.close();
  return { in_pipe, answered, fifo: await bareFifo(project, count) };
}

function pause(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, PAUSE_MS));
}

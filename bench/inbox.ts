import { agentSpec } from './agent-spec.js';
import { ApiClient } from './api-client.js';
import { bareFifo } from './bare-fifo.js';
import { fakeFleet, type PlayedSession } from './fake-fleet.js';
import { ms, percentile } from './statistics.js';
import { judged, told, type Bench, type Findings, type Suite } from './suite.js';

const MAX_ADDED_MS = 5;
const MAX_LIST_MS = 200;
const SESSIONS = 50;
const PROMPTS_EACH = 20;
const PAUSE_MS = 5;

/** How soon a prompt is in the inbox, how soon its answer is with Codex, and how long a full inbox takes to list. */
export const inbox: Suite = {
  name: 'inbox',
  title: 'Inbox: from asked to listed, from answered to Codex',
  run: async (bench) => {
    const { listed, answered, fifo } = await oneByOne(bench, bench.quick ? 100 : 1000);
    const { list } = await manyOpen(bench, bench.quick ? 10 : 50);
    const floor = percentile(fifo, 0.5);
    const asked_ms = percentile(listed, 0.5) - floor;
    const answer_ms = percentile(answered, 0.5) - floor;
    const list_ms = percentile(list, 0.5);
    const target = (added: number): { readonly text: string; readonly met: boolean } => ({
      text: `≤ +${MAX_ADDED_MS} ms`,
      met: added <= MAX_ADDED_MS,
    });
    return {
      rows: [
        judged('asked → listed: added by the daemon, p50', `+${ms(asked_ms)}`, target(asked_ms)),
        told('asked → listed, p50 / p99', pair(listed)),
        judged('answered → in Codex’s pipe: added by the daemon, p50', `+${ms(answer_ms)}`, target(answer_ms)),
        told('answered → in Codex’s pipe, p50 / p99', pair(answered)),
        judged(`${SESSIONS * PROMPTS_EACH} open prompts listed, p50`, ms(list_ms), {
          text: `≤ ${MAX_LIST_MS} ms`,
          met: list_ms <= MAX_LIST_MS,
        }),
        told(`${SESSIONS * PROMPTS_EACH} open prompts listed, p50 / p99`, pair(list)),
        told('one line through a pipe and back through a file, p50 / p99', pair(fifo)),
      ],
      method: [
        'Asked: the container, played by the benchmark, writes the request for an approval into its journal; listed: it is in the answer of GET /v1/prompts, asked for over and over on a connection that is kept. The command is parsed and judged by the policy on the way.',
        'Answered: a POST of the decision; in the pipe: the answer reaches the other end. The decision is durable in the ledger before it goes.',
        `Many: ${SESSIONS} sessions with ${PROMPTS_EACH} open approvals each, listed through the API as JSON.`,
      ],
      raw: { asked_listed_ms: listed, answered_in_pipe_ms: answered, list_1000_ms: list, fifo_ms: fifo },
    } satisfies Findings;
  },
};

async function oneByOne(
  bench: Bench,
  count: number,
): Promise<{
  readonly listed: readonly number[];
  readonly answered: readonly number[];
  readonly fifo: readonly number[];
}> {
  const { project, sessions } = await fakeFleet(bench, 1, asking);
  const [session] = sessions;
  if (session === undefined) throw new Error('no session');
  const client = new ApiClient(project.paths.socket);
  const listed: number[] = [];
  const answered: number[] = [];
  for (let n = -Math.ceil(count / 10); n < count; n += 1) {
    const request_id = n + count;
    const asked_at = performance.now();
    ask(session, request_id);
    let prompt_id: string | undefined;
    while (prompt_id === undefined) prompt_id = (await client.prompts())[0]?.prompt_id;
    const listed_ms = performance.now() - asked_at;
    const came = answerTo(session, request_id);
    const answered_at = performance.now();
    const decided = client.decide(prompt_id, 'accept');
    const answered_ms = (await came) - answered_at;
    await decided;
    session.agent.resolved(request_id);
    while ((await client.prompts()).length > 0) await pause();
    bench.signal.throwIfAborted();
    if (n < 0) continue;
    listed.push(listed_ms);
    answered.push(answered_ms);
  }
  client.close();
  return { listed, answered, fifo: await bareFifo(project, count) };
}

async function manyOpen(bench: Bench, count: number): Promise<{ readonly list: readonly number[] }> {
  const { project, sessions } = await fakeFleet(bench, SESSIONS, asking);
  for (const session of sessions) for (let n = 0; n < PROMPTS_EACH; n += 1) ask(session, n);
  const client = new ApiClient(project.paths.socket);
  while ((await client.prompts()).length < SESSIONS * PROMPTS_EACH) await pause();
  const list: number[] = [];
  for (let n = 0; n < count; n += 1) {
    const begin = performance.now();
    const prompts = await client.prompts();
    list.push(performance.now() - begin);
    if (prompts.length !== SESSIONS * PROMPTS_EACH) throw new Error(`${prompts.length} prompts were listed`);
    await pause();
  }
  client.close();
  return { list };
}

/** Agents whose approvals wait for a person. */
function asking(spec: ReturnType<typeof agentSpec>): ReturnType<typeof agentSpec> {
  return { ...spec, escalation: { ...spec.escalation, approvals: 'ask' } };
}

function ask(session: PlayedSession, request_id: number): void {
  session.agent.ask(request_id, `git commit -m "part ${String(request_id)}" && git push origin HEAD`);
}

/** When the answer to this request came out of the pipe. */
function answerTo(session: PlayedSession, request_id: number): Promise<number> {
  return new Promise((resolve) => {
    session.agent.onLine = (line) => {
      if (line.includes('"result"') && line.includes(`"id":${String(request_id)},`)) resolve(performance.now());
    };
  });
}

function pair(samples: readonly number[]): string {
  return `${ms(percentile(samples, 0.5))} / ${ms(percentile(samples, 0.99))}`;
}

function pause(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, PAUSE_MS));
}

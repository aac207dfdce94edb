/**
 * What `up` does before its live view: image, then every agent. Whatever ends it early (Ctrl-C, an image that cannot be built) is taken back by
 * `rollBack`, from what is noted in `Begun`.
 */
import type { AgentSpec } from '../contract/agent-spec.js';
import type { StartOutcome } from '../contract/api-shapes.js';
import { FilareError } from '../contract/errors.js';
import type { SessionRow } from '../contract/session.js';
import type { Fleet } from '../client/fleet.js';
import type { RehearsalInput } from '../client/fleet-options.js';
import { orderLines } from '../contract/start-order.js';
import { plural, stateWords } from './fleet-table.js';
import type { ProgressDisplay } from './progress.js';

/** The image that we build; any other is its owner's. */
const OUR_IMAGES: ReadonlySet<string> = new Set(['filare-codex', 'filare-codex:latest']);

/** What this call has begun, for taking it back. */
export interface Begun {
  readonly agent_ids: ReadonlySet<string>;
  /** Sessions that were there before. */
  known: ReadonlySet<string>;
  /** The start, once it was asked for; settles when the daemon has answered. */
  starting: Promise<StartOutcome[]> | undefined;
}

/** What to bring up. */
export interface BringUp {
  readonly fleet: Fleet;
  /** The same fleet, deaf to Ctrl-C: the answer to a start must be known to take it back. */
  readonly deaf: Fleet;
  readonly agents: readonly AgentSpec[];
  readonly rehearsal: RehearsalInput | undefined;
  readonly max_parallel: number | undefined;
  readonly progress: ProgressDisplay;
  readonly signal: AbortSignal;
  readonly begun: Begun;
}

/** Image, then agents; answers with what became of each agent. Ctrl-C is thrown. */
export async function bringUp(up: BringUp): Promise<StartOutcome[]> {
  for (const image of new Set(up.agents.map((agent) => agent.image))) await readyImage(up, image);
  up.signal.throwIfAborted();
  up.progress.step(`start ${plural(up.agents.length, 'agent')}`);
  for (const line of orderLines(up.agents)) up.progress.text(line);
  up.begun.known = new Set((await up.deaf.sessions({ all: true })).map((row) => row.session_id));
  up.signal.throwIfAborted();
  const watching = new AbortController();
  const watched = sayChanges(up, AbortSignal.any([watching.signal, up.signal]));
  try {
    up.begun.starting = up.deaf.start(up.agents, { rehearsal: up.rehearsal, max_parallel: up.max_parallel });
    const outcomes = await orInterrupted(up.begun.starting, up.signal);
    const refused = outcomes.filter((outcome) => outcome.outcome === 'refused').length;
    if (refused > 0) up.progress.failed(`(${refused} refused)`);
    else up.progress.done(inQueue(outcomes));
    return outcomes;
  } finally {
    watching.abort();
    await watched;
  }
}

function inQueue(outcomes: readonly StartOutcome[]): string | undefined {
  const waiting = outcomes.filter(({ session }) => session?.phase === 'queued').length;
  return waiting === 0 ? undefined : `(${waiting} in the queue)`;
}

async function readyImage(up: BringUp, image: string): Promise<void> {
  up.progress.step(`image ${image}`);
  const status = await up.fleet.imageStatus(image);
  if (status.current) {
    up.progress.done('is up to date');
    return;
  }
  if (!OUR_IMAGES.has(image)) {
    throw new FilareError({
      code: 'image_unavailable',
      message: `the engine has no image called ${image}`,
      hint: `build it, or get it with: docker pull ${image}`,
    });
  }
  for (const reason of status.reasons) up.progress.text(reason);
  const built = await up.fleet.buildImage({
    signal: up.signal,
    on_progress: ({ step, text }) => up.progress.text(text ?? step ?? ''),
  });
  up.progress.done(`built (Codex ${built.codex_version ?? '?'})`);
}

/** Shows what the agents that are started go through. Best effort: the answer of the start is what counts. */
async function sayChanges(up: BringUp, signal: AbortSignal): Promise<void> {
  const said = new Map<string, string>();
  const say = (row: SessionRow): void => {
    const words = stateWords(row);
    if (!up.begun.agent_ids.has(row.id) || up.begun.known.has(row.session_id) || said.get(row.id) === words) return;
    said.set(row.id, words);
    up.progress.text(`${row.id}: ${words}`);
  };
  try {
    for await (const event of up.deaf.watch({ signal })) if (event.type === 'row') say(event.row);
  } catch {
    // Ended, or broken off: the start itself says how it went.
  }
}

async function orInterrupted<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  work.catch(() => undefined);
  let stop = (): void => undefined;
  const interrupted = new Promise<never>((_, fail) => {
    stop = (): void => fail(signal.reason as FilareError);
    signal.addEventListener('abort', stop, { once: true });
  });
  try {
    return await Promise.race([work, interrupted]);
  } finally {
    signal.removeEventListener('abort', stop);
  }
}

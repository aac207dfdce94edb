import type { AgentSpec } from '../contract/agent-spec.js';
import type { StartOutcome, StartPlan } from '../contract/api-shapes.js';
import { asFilareError, FilareError } from '../contract/errors.js';
import { startWaves } from '../contract/start-order.js';
import type { SessionRow } from '../contract/session.js';
import type { SessionMemory } from '../session/session-memory.js';
import { Session } from '../session/session.js';
import type { SessionSurroundings } from '../session/surroundings.js';
import type { Admission } from './admission.js';
import { beginRecord, refuseTooLarge, runningSession, type BeginOptions } from './begin-session.js';
import { refuseWithoutDescriptors } from './descriptor-room.js';
import { forkSession, type ForkRequest } from './fork/fork-session.js';
import type { HostInfo } from './host-info.js';
import type { RehearsalHost, RehearsalScript } from './rehearsal-host.js';
import type { Roster } from './roster.js';
import { startOutcome, type Begun } from './start-outcome.js';
import { startPlan } from './start-plan.js';
import { startWarnings } from './start-warnings.js';
import type { FleetSurroundings } from './surroundings.js';
import type { Turns } from './turns.js';

/** How agents are started. */
export interface StartOptions {
  readonly by: string;
  /** Each begins while fewer agents of the project than this run; absent: as the project's settings say. */
  readonly max_parallel?: number | undefined;
}

/** What starting needs of the fleet. */
export interface StartDeskContext {
  readonly around: FleetSurroundings;
  readonly roster: Roster;
  readonly admission: Admission;
  readonly host: HostInfo;
  readonly rehearsal: RehearsalHost;
  readonly turns: Turns;
  readonly session: () => SessionSurroundings;
  /** A session belongs to the fleet from now on, and begins. */
  readonly take: (session: Session) => void;
}

/** Begins sessions: of agents from their manifests, and forks. At most one live session per agent. */
export class StartDesk {
  readonly #context: StartDeskContext;

  constructor(context: StartDeskContext) {
    this.#context = context;
  }

  /** Starts an agent each; one that runs already is left alone and said so. Answers when each runs, waits in the queue, or was refused. */
  start(
    agents: readonly AgentSpec[],
    rehearsal: RehearsalScript | null,
    options: StartOptions,
    signal: AbortSignal,
  ): Promise<readonly StartOutcome[]> {
    return this.#startAll(agents, options, signal, async () => {
      if (rehearsal !== null) await this.#context.rehearsal.use(rehearsal, signal);
      return rehearsal?.origin ?? null;
    });
  }

  /** As `start`, with the rehearsal that is being played, where `rehearsed`; `bad_state` when none is. */
  startAlong(
    agents: readonly AgentSpec[],
    rehearsed: boolean,
    by: string,
    signal: AbortSignal,
  ): Promise<readonly StartOutcome[]> {
    return this.#startAll(agents, { by }, signal, () => {
      if (!rehearsed) return Promise.resolve(null);
      const { live } = this.#context.roster;
      const origin = live.find((one) => one.state.rehearsal !== null && !one.ended)?.state.rehearsal;
      if (origin == null)
        throw new FilareError({ code: 'bad_state', message: 'no rehearsal is being played any more' });
      return Promise.resolve(origin);
    });
  }

  /** A second session from the point at which one stands; see fork/fork-session.ts. Answers when it runs or waits in the queue. */
  async fork(ref: string, request: ForkRequest, by: string, signal: AbortSignal): Promise<SessionRow> {
    const { around, roster, host, turns } = this.#context;
    const info = await host.ask({ signal });
    const max_parallel = await around.max_parallel();
    const session = await turns.take(async () => {
      await refuseWithoutDescriptors(request.as, roster.live);
      return this.#taken(await forkSession({ around, roster, info, max_parallel, by, signal }, ref, request));
    });
    const { error } = await startOutcome(request.as, { outcome: 'started', session }, signal);
    const { stage } = session.state;
    if (error !== null && stage.phase === 'failed')
      throw new FilareError({ code: stage.failure?.code ?? 'bad_state', message: error.message, hint: error.hint });
    return session.row;
  }

  /** What `start` would do for agents, with nothing done. */
  async plan(agents: readonly AgentSpec[], rehearsed: boolean, asked?: number): Promise<readonly StartPlan[]> {
    const { around, admission, host, roster } = this.#context;
    await host.ask();
    const max_parallel = asked ?? (await around.max_parallel());
    const waits = (agent: AgentSpec): string | null =>
      admission.foresee({ session_id: '', agent, max_parallel, started_ms: around.now_ms() });
    const session = this.#context.session();
    return Promise.all(
      agents.map(async (agent) => {
        const plan = await startPlan(session, agent, { rehearsed, waits: waits(agent) });
        if (rehearsed || roster.live.some(({ state }) => state.agent.id === agent.id)) return plan;
        const last = roster.lastEndedOf(agent.id)?.row;
        return { ...plan, warnings: [...plan.warnings, ...(await startWarnings(session, agent, last))] };
      }),
    );
  }

  /** Begins agents, in the rehearsal that `rehearse` names, and waits for each. */
  async #startAll(
    agents: readonly AgentSpec[],
    { by, max_parallel: asked }: StartOptions,
    signal: AbortSignal,
    rehearse: () => Promise<string | null>,
  ): Promise<readonly StartOutcome[]> {
    const { around, host, turns } = this.#context;
    await host.ask({ signal });
    const max_parallel = asked ?? (await around.max_parallel());
    // One piece: a last rehearsed session that ends meanwhile must not take away the server of those that begin here.
    const begun = await turns.take(async () => {
      const origin = await rehearse();
      const sessions = new Map<AgentSpec, Begun | FilareError>();
      // Who is waited for is there before those who look for it.
      for (const agent of startWaves(agents).flat())
        sessions.set(agent, await this.#begin(agent, { rehearsal: origin, by, max_parallel }).catch(asFilareError));
      return sessions;
    });
    const outcomes = agents.flatMap((agent) => {
      const one = begun.get(agent);
      return one === undefined ? [] : [this.#outcome(agent, one, signal)];
    });
    return Promise.all(outcomes);
  }

  /** Looks for a login only now: a startup script may have made one. */
  async #outcome(agent: AgentSpec, begun: Begun | FilareError, signal: AbortSignal): Promise<StartOutcome> {
    const { roster, session } = this.#context;
    const done = await startOutcome(agent.id, begun, signal);
    const calls_provider = done.outcome === 'started' && done.session?.rehearsal === null;
    const last = roster.lastEndedOf(agent.id)?.row;
    return { ...done, warnings: calls_provider ? await startWarnings(session(), agent, last) : [] };
  }

  async #begin(agent: AgentSpec, options: BeginOptions): Promise<Begun> {
    const { around, roster, host } = this.#context;
    const running = runningSession(agent.id, roster.live);
    if (running !== undefined) return { outcome: 'already_running', session: running };
    refuseTooLarge(agent, host.known);
    await refuseWithoutDescriptors(agent.id, roster.live);
    return { outcome: 'started', session: this.#taken(await beginRecord(around, agent, options)) };
  }

  #taken({ folder, memory }: { readonly folder: string; readonly memory: SessionMemory }): Session {
    const session = new Session(this.#context.session(), folder, memory);
    this.#context.take(session);
    return session;
  }
}

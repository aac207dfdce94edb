/**
 * All sessions of a project: which may start now, in which order, what a dead daemon left, what must go. The only owner of what sessions share:
 * the network, the rehearsal's model server, the room on the host.
 *
 * Invariants: one live session per agent; the memory promised to live sessions never exceeds the host's; a network or model server without a
 * live session is removed; nothing without our labels is touched. Tests: tests/fleet.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import PQueue from 'p-queue';
import type { Logger } from 'pino';
import type { AgentSpec } from '../contract/agent-spec.js';
import type { SessionDetail, StartOutcome, StartPlan } from '../contract/api.js';
import { asFilareError, FilareError } from '../contract/errors.js';
import type { ProjectPaths } from '../contract/project.js';
import type { Retention } from '../contract/retention.js';
import type { Prompt, SessionRow, StoppedSession, StopWarning } from '../contract/session.js';
import type { Policy } from '../inbox/policy.js';
import type { ContainerView, Engine, EngineInfo } from '../engine/engine.js';
import type { ProjectLedger } from '../ledger/project-ledger.js';
import type { ContainerUser } from '../session/attempt-folder.js';
import { activityOf } from '../session/row.js';
import { whyForeign } from '../leaks/ownership.js';
import { startWaves } from '../contract/start-order.js';
import { LABEL } from '../session/labels.js';
import { removeContainer } from '../session/remove-container.js';
import { Session } from '../session/session.js';
import type { SessionSurroundings } from '../session/surroundings.js';
import { Admission } from './admission.js';
import { beginRecord, refuseTooLarge, runningSession, sayGoal, type BeginOptions } from './begin-session.js';
import { findSessions, readCheckpoint, writeCheckpoint } from './checkpoint.js';
import { FleetNetwork } from './fleet-network.js';
import { HomecomingDesk } from './homecoming-desk.js';
import { removeHalfMade } from './half-made.js';
import { forkSession, type ForkRequest } from './fork/fork-session.js';
import { settleForks } from './fork/settle-forks.js';
import { inTurn } from './in-turn.js';
import { ManifestFiles } from './manifest-files.js';
import { openMemory } from './open-memory.js';
import { RehearsalHost, type RehearsalScript } from './rehearsal-host.js';
import { Roster, type FoundSession } from './roster.js';
import { SharedThings } from './shared-things.js';
import { startPlan } from './start-plan.js';
import { sessionDetail } from './detail.js';
import { EngineWatch } from './engine-watch.js';
import type { CallLog } from './call-log.js';
import { InboxDesk } from './inbox-desk.js';
import { Notifier } from '../inbox/notify/notifier.js';
import { NothingToBring } from './nothing-to-bring.js';
import { PromptNotices } from './prompt-notices.js';
import { orchestratorCaller, outsideCaller } from './orchestrator.js';
import type { StandingRules } from './standing-rules.js';
import { settleBook } from './settle-book.js';
import { startOutcome, type Begun } from './start-outcome.js';
import type { UsageBook } from './usage-book.js';
import { ToolDesk, type ToolAnswer, type ToolCall } from './tool-desk.js';

const LAUNCHES_AT_ONCE = 8;
const OPENED_AT_ONCE = 16;
const LEARN_MS = 10_000;
/** How long `resume-all` waits to know where every session stands. */
const SETTLE_MS = 60_000;
const SETTLE_LOOK_MS = 50;

/** What the daemon hands in. */
export interface FleetSurroundings {
  readonly engine: Engine;
  readonly paths: ProjectPaths;
  readonly resources: ProjectLedger;
  /** Which life of the project this is; see LABEL.instance. */
  readonly instance: string;
  readonly user: ContainerUser;
  readonly caller_uid: number;
  /** Judges what agents ask. */
  readonly policy: Policy;
  readonly standing: StandingRules;
  readonly calls: CallLog;
  readonly usage: UsageBook;
  /** Which start of the machine this is; null where that cannot be known. */
  readonly boot_id: string | null;
  /** Agents that the project's manifests declare now; rejects with the manifests' mistakes. */
  readonly declared: () => Promise<readonly AgentSpec[]>;
  /** Which ended sessions are kept; null: all. Rejects with the mistake of who wrote it. */
  readonly retention: () => Promise<Retention | null>;
  /** How many agents may run at once where a start does not say; null: as many as the memory holds. Rejects with the mistake of who wrote it. */
  readonly max_parallel: () => Promise<number | null>;
  readonly log: Logger;
  readonly now_ms: () => number;
  readonly random: (characters: number) => string;
}

/** How agents are started. */
export interface StartOptions {
  readonly by: string;
  /** Each begins while fewer agents of the project than this run; absent: as the project's settings say. */
  readonly max_parallel?: number | undefined;
}

/** The sessions of a project, live and ended. */
export class Fleet {
  readonly #around: FleetSurroundings;
  /** Who belongs to it. */
  readonly roster = new Roster();
  readonly #launches = new PQueue({ concurrency: LAUNCHES_AT_ONCE });
  readonly #admission: Admission;
  readonly #network: FleetNetwork;
  readonly #rehearsal: RehearsalHost;
  readonly #shared: SharedThings;
  readonly #watch: EngineWatch;
  readonly #manifests = new ManifestFiles();
  readonly inbox: InboxDesk;
  /** Brings agents' work into the operator's repository. */
  readonly home: HomecomingDesk;
  readonly #notifier: Notifier;
  readonly #notices: PromptNotices;
  readonly #nothing: NothingToBring;
  readonly #tools: ToolDesk;
  /** Ends under way, by session. */
  readonly #endings = new Map<string, Promise<readonly StopWarning[]>>();
  #info: EngineInfo | null = null;
  #starting: Promise<unknown> = Promise.resolve();

  constructor(around: FleetSurroundings) {
    this.#around = around;
    this.#admission = new Admission({
      states: () => this.roster.live.map((session) => session.state),
      ended: () => this.roster.ended,
      info: () => this.#info,
    });
    this.#network = new FleetNetwork(around);
    this.#rehearsal = new RehearsalHost(around, this.#network);
    this.#shared = new SharedThings({
      live: () => this.roster.live,
      rehearsal: this.#rehearsal,
      network: this.#network,
      exclusive: (work) => this.#exclusive(work),
      log: around.log,
    });
    this.inbox = new InboxDesk({
      around,
      live: () => this.liveSessions,
      ended: () =>
        this.roster.ended.map(({ row, folder }) => ({
          session_id: row.session_id,
          folder,
          started_at: row.started_at,
        })),
    });
    this.home = new HomecomingDesk(this);
    this.#nothing = new NothingToBring(this);
    this.#notifier = new Notifier({
      project_root: around.paths.root,
      report: ({ prompt, outcome: { way, target, error } }) =>
        this.roster
          .liveOf(prompt.session_id)
          ?.warn(
            `nobody could be told of prompt ${prompt.prompt_id} by ${way} (${target}): ${error ?? 'no reason given'}`,
          ),
    });
    this.#notices = new PromptNotices((...told) => this.#notifier.tell(...told));
    this.#tools = new ToolDesk({ fleet: this, calls: around.calls, declared: around.declared });
    this.#watch = new EngineWatch(around, (containers, complete) => this.#observe(containers, complete));
  }

  /** Finds the sessions of earlier daemons: takes up those that are not over, lists the others. */
  async adopt(): Promise<void> {
    // Before any of them begins: what runs already holds memory that those in the queue must not be given.
    await this.#learn();
    const stored = await findSessions(this.#around.paths.outputs);
    const opening = new PQueue({ concurrency: OPENED_AT_ONCE });
    const halves = await opening.addAll(
      stored.map(
        ({ folder }) =>
          () =>
            removeHalfMade(folder),
      ),
    );
    const whole = stored.filter((_, at) => halves[at] === false);
    const found = await opening.addAll(whole.map((one) => () => this.#openAgain(one)));
    // A session that cannot be read may be mended: what is its own stays as it is.
    const unsettled = whole
      .map((one) => one.session_id)
      .filter((session_id) => this.roster.endedOf(session_id) === undefined);
    await this.home.settle();
    await settleForks(
      this.#around,
      found.filter((session) => session !== null),
      (ref) => this.find(ref),
    );
    await settleBook(this.#around, new Set([...this.roster.live.map(({ state }) => state.session_id), ...unsettled]));
    for (const session of found) if (session !== null) this.#take(session);
    await this.inbox.keepRules();
    await this.#rehearsal.adopt(this.roster.live.some((s) => s.state.rehearsal !== null));
    this.#watch.begin();
    this.#nothing.look();
    await this.#sweep();
  }

  /** Starts an agent each; one that runs already is left alone and said so. Answers when each runs, waits in the queue, or was refused. */
  async start(
    agents: readonly AgentSpec[],
    rehearsal: RehearsalScript | null,
    options: StartOptions,
    signal: AbortSignal,
  ): Promise<readonly StartOutcome[]> {
    return this.#startAll(agents, options, signal, async () => {
      if (rehearsal !== null) await this.#rehearsal.use(rehearsal, signal);
      return rehearsal?.origin ?? null;
    });
  }

  /** As `start`, with the rehearsal that is being played, where `rehearsed`; `bad_state` when none is. */
  async startAlong(
    agents: readonly AgentSpec[],
    rehearsed: boolean,
    by: string,
    signal: AbortSignal,
  ): Promise<readonly StartOutcome[]> {
    return this.#startAll(agents, { by }, signal, () => {
      if (!rehearsed) return Promise.resolve(null);
      const origin = this.liveSessions.find((one) => one.state.rehearsal !== null && !one.ended)?.state.rehearsal;
      if (origin == null)
        throw new FilareError({ code: 'bad_state', message: 'no rehearsal is being played any more' });
      return Promise.resolve(origin);
    });
  }

  /** Begins agents, in the rehearsal that `rehearse` names, and waits for each. */
  async #startAll(
    agents: readonly AgentSpec[],
    { by, max_parallel: asked }: StartOptions,
    signal: AbortSignal,
    rehearse: () => Promise<string | null>,
  ): Promise<readonly StartOutcome[]> {
    this.#info ??= await this.#around.engine.info({ signal });
    const max_parallel = asked ?? (await this.#around.max_parallel());
    // One piece: a last rehearsed session that ends meanwhile must not take away the server of those that begin here.
    const begun = await this.#exclusive(async () => {
      const origin = await rehearse();
      const sessions = new Map<AgentSpec, Begun | FilareError>();
      // Who is waited for is there before those who look for it.
      for (const agent of startWaves(agents).flat())
        sessions.set(agent, await this.#begin(agent, { rehearsal: origin, by, max_parallel }).catch(asFilareError));
      return sessions;
    });
    const outcomes = agents.flatMap((agent) => {
      const one = begun.get(agent);
      return one === undefined ? [] : [startOutcome(agent.id, one, signal)];
    });
    return Promise.all(outcomes);
  }

  /** The agent of a session, as it was started. */
  async agentOf(session_id: string): Promise<AgentSpec> {
    const found = this.find(session_id);
    return found.live === null ? (await this.describe(session_id)).agent : found.live.state.agent;
  }

  /** Waits until a session is idle, waits for a person, or has ended; `ended` when it can never be so any more. */
  async waitFor(session_id: string, until: 'idle' | 'waiting' | 'stopped', signal: AbortSignal): Promise<SessionRow> {
    const found = this.find(session_id);
    if (found.live === null) {
      if (until === 'stopped') return found.row;
      throw new FilareError({ code: 'ended', message: `session ${session_id} has ended` });
    }
    const session = found.live;
    await session.until(
      (state) =>
        session.ended || (until !== 'stopped' && activityOf(state) === until && !state.outbox.some((m) => !m.sent)),
      signal,
    );
    if (session.ended && until !== 'stopped')
      throw new FilareError({ code: 'ended', message: `session ${session_id} ended while it was waited for` });
    return session.row;
  }

  /** Carries out a tool for an outside program, under its name. */
  callTool(caller: string, call: ToolCall): Promise<ToolAnswer> {
    const rehearsed = this.liveSessions.some((one) => one.state.rehearsal !== null && !one.ended);
    return this.#tools.call(outsideCaller(caller, rehearsed), call);
  }

  /** Stops a session; an ended one is left as it is. */
  async stop(ref: string, by: string, grace_ms: number | undefined): Promise<StoppedSession> {
    const found = this.find(ref);
    const { session_id } = found.row;
    await found.live?.stop(by, grace_ms);
    // The session is over; what it shared with others may take another try, which the log says.
    const warnings = (await this.#endings.get(session_id)?.catch(() => [])) ?? [];
    return { ...(this.roster.endedOf(session_id)?.row ?? found.live?.row ?? found.row), warnings: [...warnings] };
  }

  /** A new attempt on the same thread. */
  async restart(ref: string, by: string, signal: AbortSignal): Promise<SessionRow> {
    const session = this.live(ref);
    await session.restart(by, signal);
    return session.row;
  }

  /** A second session from the point at which one stands; see fork/fork-session.ts. Answers when it runs or waits in the queue. */
  async fork(ref: string, request: ForkRequest, by: string, signal: AbortSignal): Promise<SessionRow> {
    const around = this.#around;
    const info = (this.#info ??= await around.engine.info({ signal }));
    const max_parallel = await around.max_parallel();
    const session = await this.#exclusive(async () => {
      const context = { around, fleet: this, info, max_parallel, by, signal };
      const { folder, memory } = await forkSession(context, ref, request);
      const begun = new Session(this.#sessionSurroundings(), folder, memory);
      this.#take(begun);
      return begun;
    });
    const { error } = await startOutcome(request.as, { outcome: 'started', session }, signal);
    const { stage } = session.state;
    if (error !== null && stage.phase === 'failed')
      throw new FilareError({ code: stage.failure?.code ?? 'bad_state', message: error.message, hint: error.hint });
    return session.row;
  }

  /** Sessions that wait for their next attempt begin it now; answers with their ids once each runs, or has failed again. */
  async resumeAll(by: string, signal: AbortSignal): Promise<readonly string[]> {
    // After a reboot nobody has noticed yet which containers are gone.
    await this.#watch.look();
    const sessions = this.liveSessions;
    const begun = await Promise.all(
      sessions.map(async (session) => {
        const until_ms = performance.now() + SETTLE_MS;
        while (!session.isSettled && performance.now() < until_ms) await sleep(SETTLE_LOOK_MS, undefined, { signal });
        return session.resumeNow(by, signal);
      }),
    );
    return sessions.filter((_, at) => begun[at] === true).map((session) => session.state.session_id);
  }

  async describe(ref: string): Promise<SessionDetail> {
    return sessionDetail(this.#around, this.find(ref));
  }

  /** What `start` would do for agents, with nothing done. */
  async plan(agents: readonly AgentSpec[], rehearsed: boolean, asked?: number): Promise<readonly StartPlan[]> {
    this.#info ??= await this.#around.engine.info();
    const max_parallel = asked ?? (await this.#around.max_parallel());
    const waits = (agent: AgentSpec): string | null =>
      this.#admission.foresee({ session_id: '', agent, max_parallel, started_ms: this.#around.now_ms() });
    const around = this.#sessionSurroundings();
    return Promise.all(agents.map((agent) => startPlan(around, agent, { rehearsed, waits: waits(agent) })));
  }

  /** Open prompts of all sessions, oldest first. */
  get prompts(): readonly Prompt[] {
    return this.inbox.prompts;
  }

  /** What is known of an ended session has changed. */
  amend(row: SessionRow): void {
    const ended = this.roster.endedOf(row.session_id);
    if (ended === undefined) return;
    this.roster.over({ ...ended, row });
    this.roster.tell({ type: 'row', row });
    this.#nudgeQueued();
  }

  /** See Roster. */
  get liveSessions(): readonly Session[] {
    return this.roster.live;
  }

  /** See Roster. */
  rows(all: boolean): readonly SessionRow[] {
    return this.roster.rows(all);
  }

  /** See Roster. */
  find(ref: string): FoundSession {
    return this.roster.find(ref);
  }

  /** The live session a user means; `ended` when it is over. */
  live(ref: string): Session {
    return this.roster.liveNamed(ref);
  }

  /** Runs work while nothing is started and nothing that sessions share is made or removed. */
  takeTurn<T>(work: (shared: { readonly network: FleetNetwork }) => Promise<T>): Promise<T> {
    return this.#exclusive(() => work({ network: this.#network }));
  }

  /** What the fleet was given. */
  get surroundings(): FleetSurroundings {
    return this.#around;
  }

  /** Lets go of every session: agents go on, the next daemon takes them up. */
  async letGo(): Promise<void> {
    this.home.close();
    await this.#watch.end();
    await this.#notifier.close();
    await Promise.all(this.roster.live.map((session) => session.letGo()));
    await Promise.allSettled(this.#endings.values());
    await this.#starting;
  }

  async #begin(agent: AgentSpec, options: BeginOptions): Promise<Begun> {
    const running = runningSession(agent.id, this.roster.live);
    if (running !== undefined) return { outcome: 'already_running', session: running };
    refuseTooLarge(agent, this.#info);
    const { folder, memory } = await beginRecord(this.#around, agent, options);
    const session = new Session(this.#sessionSurroundings(), folder, memory);
    this.#take(session);
    return { outcome: 'started', session };
  }

  /** A session of an earlier daemon that is not over; null when it is, or cannot be read. */
  async #openAgain({ session_id, folder }: { session_id: string; folder: string }): Promise<Session | null> {
    const row = await readCheckpoint(folder);
    if (row !== null && (row.phase === 'stopped' || row.phase === 'failed')) {
      this.roster.over({ row, folder });
      return null;
    }
    try {
      const memory = await openMemory(this.#around, session_id, folder);
      await sayGoal(this.#around, memory);
      const session = new Session(this.#sessionSurroundings(), folder, memory);
      this.roster.add(session);
      return session;
    } catch (failure) {
      // One broken session never keeps the others from coming back.
      this.#around.log.error(
        { session_id, err: failure },
        'a session cannot be opened again; its folder and container are left as they are',
      );
      if (row !== null) this.roster.cannotRead(row, folder, asFilareError(failure));
      return null;
    }
  }

  #take(session: Session): void {
    const { session_id } = session.state;
    this.roster.add(session);
    let shown = '';
    let before: SessionRow | null = null;
    session.memory.watch((news) => {
      this.roster.tell({ type: 'session', session, news });
      this.#notices.look(session);
      if (
        news.events.length > 0 &&
        news.entries.length === 0 &&
        news.events.every((e) => e.type === 'item_piece' || e.type === 'quiet')
      )
        return;
      const row = session.row;
      if (news.events.some((event) => event.type === 'turn_ended')) this.#noteUsage(row);
      const now = JSON.stringify(row);
      if (now === shown) return;
      shown = now;
      this.roster.tell({ type: 'row', row });
      const { phase, reached, activity } = before ?? {};
      before = row;
      if (row.phase !== phase || row.activity !== activity) this.#nothing.look();
      if (row.phase !== phase || row.reached.length !== reached?.length) {
        void writeCheckpoint(session.folder, row, this.#around.log);
        this.#nudgeQueued();
      }
    });
    session.begin();
    this.#notices.look(session);
    void writeCheckpoint(session.folder, session.row, this.#around.log);
    const ending = session.finished.then(() => this.#completeEnd(session));
    this.#endings.set(session_id, ending);
    ending
      .catch((failure: unknown) => {
        this.#around.log.error({ session_id, err: failure }, 'the end of a session could not be completed');
      })
      .finally(() => this.#endings.delete(session_id));
  }

  #noteUsage(row: SessionRow): void {
    this.#around.usage.note(row, this.#around.now_ms()).catch((failure: unknown) => {
      this.#around.log.warn({ session_id: row.session_id, err: failure }, 'tokens used could not be written down');
    });
  }

  #nudgeQueued(): void {
    for (const session of this.roster.live) if (session.state.stage.phase === 'queued') session.nudge();
  }

  /** A session that is over moves to the ended ones; what it shared goes when it was the last. */
  async #completeEnd(session: Session): Promise<readonly StopWarning[]> {
    if (!session.ended) return [];
    const { row } = session;
    await writeCheckpoint(session.folder, row, this.#around.log);
    this.#noteUsage(row);
    this.roster.over({ row, folder: session.folder });
    this.roster.tell({ type: 'row', row });
    for (const other of this.roster.live) other.nudge();
    const warnings = await this.home.afterEnd(session.state);
    this.#nothing.look();
    await this.#shared.giveBack();
    return warnings;
  }

  /** Containers of ours that belong to sessions that have ended: a daemon died between the end and the removal. */
  async #sweep(): Promise<void> {
    try {
      for (const container of await this.#around.engine.list({ [LABEL.project]: this.#around.paths.key })) {
        const session_id = container.labels[LABEL.session] ?? '';
        if (this.roster.endedOf(session_id) === undefined) continue;
        if (whyForeign(container, { instance: this.#around.instance, book: this.#around.resources.entries() }) !== null)
          continue;
        await removeContainer(this.#around, container, 'removed after its session had ended');
      }
      await this.#shared.giveBack();
    } catch (failure) {
      this.#around.log.warn({ err: failure }, 'nothing was swept: the engine did not answer');
    }
  }

  #observe(containers: readonly ContainerView[], complete: boolean): void {
    if (this.#info === null) void this.#learn().then(() => this.#nudgeQueued());
    if (complete) this.#shared.tryAgain();
    for (const session of this.roster.live) {
      const { session_id, attempt } = session.state;
      const own = containers.find(
        (c) =>
          c.labels[LABEL.session] === session_id &&
          c.labels[LABEL.attempt] === String(attempt) &&
          c.labels[LABEL.purpose] === 'agent',
      );
      if (own !== undefined) session.observe(own);
      else if (complete) session.observe(null);
    }
  }

  #sessionSurroundings(): SessionSurroundings {
    return {
      ...this.#around,
      network: (agent) => (agent.network === 'none' ? Promise.resolve('none') : this.#network.ensure()),
      rehearsal: (signal) => this.#rehearsal.endpoint(signal),
      agentFolders: (session_id) =>
        this.roster.live
          .map((session) => session.state)
          .filter((state) => state.session_id !== session_id)
          .flatMap(({ agent }) => [
            agent.workspace.path,
            ...agent.mounts.filter((m) => !m.read_only).map((m) => m.source),
          ]),
      noRoom: (session_id) => this.#admission.ask(session_id),
      manifestChanged: (agent) => this.#manifests.changed(agent.source),
      callTool: (agent, call) => {
        const rehearsed = this.liveSessions.some(
          (one) => one.state.agent.id === agent.id && one.state.rehearsal !== null,
        );
        return this.#tools.call(orchestratorCaller(agent, rehearsed), call);
      },
      launchSlot: (work, signal) => inTurn(this.#launches, work, signal),
    };
  }

  /** What the host has. While the engine has not said so, nobody leaves the queue. */
  async #learn(): Promise<void> {
    try {
      this.#info ??= await this.#around.engine.info({ deadline_ms: LEARN_MS });
    } catch (failure) {
      this.#around.log.warn({ err: failure }, 'the engine does not answer; agents in the queue wait for it');
    }
  }

  #exclusive<T>(work: () => Promise<T>): Promise<T> {
    const result = this.#starting.then(work);
    this.#starting = result.catch(() => undefined);
    return result;
  }
}

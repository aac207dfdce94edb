/**
 * All sessions of a project: which may start now, in which order, what a dead daemon left, what must go. The only owner of what sessions share:
 * the network, the rehearsal's model server, the room on the host.
 *
 * Invariants: one live session per agent; the memory promised to live sessions never exceeds the host's; a network or model server without a
 * live session is removed; nothing without our labels is touched. Tests: tests/fleet.
 */
import PQueue from 'p-queue';
import type { AgentSpec } from '../contract/agent-spec.js';
import type { SessionDetail } from '../contract/api-shapes.js';
import type { Prompt, SessionRow, StoppedSession, StopWarning } from '../contract/session.js';
import { Notifier } from '../inbox/notify/notifier.js';
import { LABEL } from '../session/labels.js';
import type { Session } from '../session/session.js';
import type { SessionSurroundings } from '../session/surroundings.js';
import { Admission } from './admission.js';
import { writeCheckpoint } from './checkpoint.js';
import { sessionDetail } from './detail.js';
import { EngineWatch, type Look } from './engine-watch.js';
import { FleetNetwork } from './fleet-network.js';
import { followSession, noteUsage } from './follow-session.js';
import { HomecomingDesk } from './homecoming-desk.js';
import { HostInfo } from './host-info.js';
import { InboxDesk } from './inbox-desk.js';
import { ManifestFiles } from './manifest-files.js';
import { openEarlier, sweepEnded } from './open-earlier.js';
import { outsideCaller } from './orchestrator.js';
import { NothingToBring } from './nothing-to-bring.js';
import { PromptNotices } from './prompt-notices.js';
import { RehearsalHost } from './rehearsal-host.js';
import { resumeAll } from './resume-all.js';
import { Roster, type FoundSession } from './roster.js';
import { sessionSurroundings } from './session-surroundings.js';
import { SharedThings } from './shared-things.js';
import { StartDesk } from './start-desk.js';
import { stopUnreadable } from './stop-unreadable.js';
import type { FleetSurroundings } from './surroundings.js';
import { ToolDesk, type ToolAnswer, type ToolCall } from './tool-desk.js';
import { Turns } from './turns.js';
import { waitFor } from './wait-for.js';

const LAUNCHES_AT_ONCE = 8;

/** The sessions of a project, live and ended. */
export class Fleet {
  readonly #around: FleetSurroundings;
  /** Who belongs to it. */
  readonly roster = new Roster();
  readonly #launches = new PQueue({ concurrency: LAUNCHES_AT_ONCE });
  /** Starting, and making and removing what sessions share, go one after the other. */
  readonly #turns = new Turns();
  readonly #host: HostInfo;
  readonly #admission: Admission;
  readonly #network: FleetNetwork;
  readonly #rehearsal: RehearsalHost;
  readonly #shared: SharedThings;
  readonly #watch: EngineWatch;
  readonly #manifests = new ManifestFiles();
  /** Begins sessions. */
  readonly starts: StartDesk;
  /** What waits for a person. */
  readonly inbox: InboxDesk;
  /** Brings agents' work into the operator's repository. */
  readonly home: HomecomingDesk;
  readonly #notifier: Notifier;
  readonly #notices: PromptNotices;
  readonly #nothing: NothingToBring;
  readonly #tools: ToolDesk;
  /** Ends under way, by session. */
  readonly #endings = new Map<string, Promise<readonly StopWarning[]>>();

  constructor(around: FleetSurroundings) {
    const { roster } = this;
    const session = (): SessionSurroundings => this.#sessionSurroundings();
    this.#around = around;
    this.#host = new HostInfo(around);
    this.#admission = new Admission({
      states: () => roster.live.map(({ state }) => state),
      ended: () => roster.ended,
      info: () => this.#host.known,
    });
    this.#network = new FleetNetwork(around);
    this.#rehearsal = new RehearsalHost(around, this.#network);
    this.#shared = new SharedThings({
      live: () => roster.live,
      rehearsal: this.#rehearsal,
      network: this.#network,
      exclusive: (work) => this.#turns.take(work),
      log: around.log,
    });
    this.starts = new StartDesk({
      around,
      roster,
      admission: this.#admission,
      host: this.#host,
      rehearsal: this.#rehearsal,
      turns: this.#turns,
      session,
      take: (begun) => {
        this.#take(begun);
      },
    });
    this.inbox = new InboxDesk({
      around,
      live: () => roster.live,
      ended: () =>
        roster.ended.map(({ row, folder }) => ({ session_id: row.session_id, folder, started_at: row.started_at })),
    });
    this.home = new HomecomingDesk(this);
    this.#nothing = new NothingToBring(this);
    this.#notifier = new Notifier({
      project_root: around.paths.root,
      report: ({ prompt, outcome: { way, target, error } }) =>
        roster
          .liveOf(prompt.session_id)
          ?.warn(
            `nobody could be told of prompt ${prompt.prompt_id} by ${way} (${target}): ${error ?? 'no reason given'}`,
          ),
    });
    this.#notices = new PromptNotices((...told) => this.#notifier.tell(...told));
    this.#tools = new ToolDesk({ fleet: this, calls: around.calls, declared: around.declared });
    this.#watch = new EngineWatch(around, {
      seen: (look) => this.#observe(look),
      troubled: () => this.#tellTrouble(),
    });
  }

  /** Finds the sessions of earlier daemons: takes up those that are not over, lists the others. */
  async adopt(): Promise<void> {
    const around = this.#around;
    // Before any of them begins: what runs already holds memory that those in the queue must not be given.
    await this.#host.learn();
    const session = (): SessionSurroundings => this.#sessionSurroundings();
    const found = await openEarlier({ around, roster: this.roster, home: this.home, session });
    for (const one of found) this.#take(one);
    await this.inbox.keepRules();
    await this.#rehearsal.adopt(this.roster.live.some((s) => s.state.rehearsal !== null));
    this.#watch.begin();
    this.#nothing.look();
    try {
      await sweepEnded(around, this.roster);
      await this.#shared.giveBack();
    } catch (failure) {
      around.log.warn({ err: failure }, 'nothing was swept: the engine did not answer');
    }
  }

  /** The agent of a session, as it was started. */
  async agentOf(session_id: string): Promise<AgentSpec> {
    const found = this.find(session_id);
    return found.live === null ? (await this.describe(session_id)).agent : found.live.state.agent;
  }

  /** Waits until a session is idle, waits for a person, or has ended; `ended` when it can never be so any more. */
  async waitFor(session_id: string, until: 'idle' | 'waiting' | 'stopped', signal: AbortSignal): Promise<SessionRow> {
    return await waitFor(this.find(session_id), until, signal);
  }

  /** Carries out a tool for an outside program, under its name. */
  callTool(caller: string, call: ToolCall): Promise<ToolAnswer> {
    const rehearsed = this.liveSessions.some((one) => one.state.rehearsal !== null && !one.ended);
    return this.#tools.call(outsideCaller(caller, rehearsed), call);
  }

  /** Stops a session; an ended one is left as it is. Of one whose record cannot be read the container goes, and nothing else. */
  async stop(ref: string, by: string, grace_ms: number | undefined): Promise<StoppedSession> {
    const found = this.find(ref);
    const { session_id } = found.row;
    if (this.roster.isUnreadable(session_id)) return stopUnreadable(this.#around, found, grace_ms);
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

  /** Sessions that wait for their next attempt begin it now; answers with their ids once each runs, or has failed again. */
  async resumeAll(by: string, signal: AbortSignal): Promise<readonly string[]> {
    // After a reboot nobody has noticed yet which containers are gone.
    await this.#watch.look();
    return resumeAll(this.liveSessions, by, signal);
  }

  /** All that is known of a session. */
  async describe(ref: string): Promise<SessionDetail> {
    return sessionDetail(this.#around, this.find(ref));
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
    return this.#turns.take(() => work({ network: this.#network }));
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
    await this.#turns.done();
  }

  #take(session: Session): void {
    const { session_id } = session.state;
    const [around, roster, notices] = [this.#around, this.roster, this.#notices];
    const nudgeQueued = (): void => this.#nudgeQueued();
    const stands = (): void => this.#nothing.look();
    followSession({ around, roster, notices, nudgeQueued, stands }, session);
    session.begin();
    notices.look(session);
    void writeCheckpoint(session.folder, session.row, around.log);
    const ending = session.finished.then(() => this.#completeEnd(session));
    this.#endings.set(session_id, ending);
    ending
      .catch((failure: unknown) => {
        around.log.error({ session_id, err: failure }, 'the end of a session could not be completed');
      })
      .finally(() => this.#endings.delete(session_id));
  }

  #nudgeQueued(): void {
    for (const session of this.roster.live) if (session.state.stage.phase === 'queued') session.nudge();
  }

  /** A session that is over moves to the ended ones; what it shared goes when it was the last. */
  async #completeEnd(session: Session): Promise<readonly StopWarning[]> {
    if (!session.ended) return [];
    const { row } = session;
    await writeCheckpoint(session.folder, row, this.#around.log);
    noteUsage(this.#around, row);
    this.roster.over({ row, folder: session.folder });
    this.roster.tell({ type: 'row', row });
    for (const other of this.roster.live) other.nudge();
    const warnings = await this.home.afterEnd(session.state);
    this.#nothing.look();
    await this.#shared.giveBack();
    return warnings;
  }

  #observe({ containers, was_away }: Look): void {
    if (this.#host.known === null || was_away) void this.#host.learn().then(() => this.#nudgeQueued());
    this.#shared.tryAgain();
    const with_engine = was_away && this.#host.known?.is_outlived === false;
    for (const session of this.roster.live) {
      const { session_id, attempt } = session.state;
      const own = containers.find(
        (c) =>
          c.labels[LABEL.session] === session_id &&
          c.labels[LABEL.attempt] === String(attempt) &&
          c.labels[LABEL.purpose] === 'agent',
      );
      session.observe(own ?? null, with_engine);
    }
  }

  /** The engine went away or came back: rows say so, and what waited for it is tried at once. */
  #tellTrouble(): void {
    for (const session of this.roster.live) {
      this.roster.tell({ type: 'row', row: session.row });
      if (this.#watch.trouble === null) session.nudge();
    }
  }

  #sessionSurroundings(): SessionSurroundings {
    return sessionSurroundings({
      around: this.#around,
      roster: this.roster,
      network: this.#network,
      rehearsal: this.#rehearsal,
      admission: this.#admission,
      manifests: this.#manifests,
      tools: this.#tools,
      watch: this.#watch,
      launches: this.#launches,
    });
  }
}

/**
 * The library's door to a project's fleet, and the only one the command line uses. Contract:
 * - `open` finds the project and its daemon, starting one when none answers (unless told not to);
 * - every method throws FilareError for what can be expected, with the code that the command line turns into its exit code;
 * - a `ref` is what a user types: an exact agent id (its latest session), an exact session id, or a unique prefix of one;
 * - closing the fleet ends every wait and every stream that came from it; agents and daemon go on.
 */
import type { AgentSpec } from '../contract/agent-spec.js';
import type {
  CleanupItem,
  DaemonStatus,
  ImageStatus,
  SessionDetail,
  StartOutcome,
  StartPlan,
  UsageRow,
} from '../contract/api-shapes.js';
import { FilareError } from '../contract/errors.js';
import type { SessionDiff, SyncCheck, SyncOptions, SyncResult } from '../contract/homecoming.js';
import type { ProjectPaths } from '../contract/project.js';
import type {
  Prompt,
  PromptRecord,
  SendResult,
  SessionRow,
  StandingRule,
  StoppedSession,
} from '../contract/session.js';
import type { ToolName } from '../contract/tools.js';
import { buildImage, type ImageBuildOptions } from './build-image.js';
import { daemonStatus, requireOurDaemon } from './daemon-status.js';
import { ensureDaemon } from './ensure-daemon.js';
import { findProject } from './find-project.js';
import type { FleetEventsOptions, FleetNews } from './fleet-events.js';
import type {
  DecideOptions,
  DiffOptions,
  FleetOptions,
  ForkOptions,
  PauseOptions,
  SendOptions,
  StartOptions,
  SyncCheckOptions,
} from './fleet-options.js';
import type { FleetEvent } from './fleet-watch.js';
import { ControlClient } from './http-client.js';
import { readJournal, type JournalOptions } from './journal.js';
import type { TailEvent, TailOptions } from './session-tail.js';
import type { PipedKind, Pipes, Terminal, TerminalKind } from './terminal.js';
import type { WaitState } from './wait-sessions.js';

/** Deadline of a start: seeding a workspace may clone a repository. Milliseconds. */
const START_CALL_MS = 15 * 60_000;
/** What a call that stops or restarts a container may take beyond its grace, in milliseconds. */
const CONTAINER_CALL_MS = 90_000;
/** What a stop may take beyond its grace: the work may be brought home with it. Milliseconds. */
const STOP_CALL_MS = CONTAINER_CALL_MS + 15 * 60_000;
/** Deadline of a clean-up, in milliseconds. */
const CLEANUP_CALL_MS = 15 * 60_000;
/** Deadline of a call that brings work home: a large history takes a while. Milliseconds. */
const HOMECOMING_CALL_MS = 60 * 60_000;
/** What a send may take beyond the wait for its turn, in milliseconds. */
const SEND_CALL_MS = 60_000;

/** One project's fleet. See the top of this file. */
export class Fleet {
  readonly project: ProjectPaths;
  /** This `open` brought the daemon up. */
  readonly started_daemon: boolean;
  readonly #client: ControlClient;
  readonly #closing = new AbortController();

  private constructor(project: ProjectPaths, started_daemon: boolean, signal: AbortSignal | undefined) {
    this.project = project;
    this.started_daemon = started_daemon;
    this.#client = new ControlClient(project.socket);
    signal?.addEventListener('abort', () => this.#closing.abort(signal.reason), { once: true });
  }

  /** Opens the fleet of a project. Without `start_daemon`, a daemon that is not there is `bad_state`. */
  static async open(options: FleetOptions = {}): Promise<Fleet> {
    const env = options.env ?? process.env;
    const project = findProject({ project: options.project, cwd: options.cwd ?? process.cwd(), env });
    if (options.start_daemon !== false) {
      const ensured = await ensureDaemon(project, { signal: options.signal, command: options.daemon_command });
      return new Fleet(project, ensured.started, options.signal);
    }
    const status = await daemonStatus(project, { signal: options.signal });
    if (status === undefined) {
      throw new FilareError({
        code: 'bad_state',
        message: `no daemon runs for ${project.root}`,
        hint: 'filare-agents up, or any command that needs the daemon, starts it',
      });
    }
    requireOurDaemon(project, status);
    return new Fleet(project, false, options.signal);
  }

  /** What the daemon says of itself; undefined when it is gone. */
  async daemon(): Promise<DaemonStatus | undefined> {
    return daemonStatus(this.project, { signal: this.#closing.signal });
  }

  /** Starts agents; one that cannot be started is an outcome with its error, not a thrown one. */
  async start(agents: readonly AgentSpec[], options: StartOptions = {}): Promise<StartOutcome[]> {
    return this.#client.call('startSessions', { body: startBody(agents, options) }, this.#bounds(START_CALL_MS));
  }

  /** What a start would do, with the exact engine requests; secrets masked. */
  async plan(agents: readonly AgentSpec[], options: StartOptions = {}): Promise<StartPlan[]> {
    return this.#client.call('planSessions', { body: startBody(agents, options) }, this.#bounds());
  }

  /** The sessions; with `all` also those that have ended. */
  async sessions(options: { readonly all?: boolean } = {}): Promise<SessionRow[]> {
    return this.#client.listRows(options.all === true, this.#bounds());
  }

  /** Daemon, sessions and open prompts, as of one moment. */
  async dashboard(): Promise<{ daemon: DaemonStatus; sessions: SessionRow[]; prompts: Prompt[] }> {
    return this.#client.call('dashboard', {}, this.#bounds());
  }

  /** Everything of one session. */
  async describe(ref: string): Promise<SessionDetail> {
    return this.#client.call('describeSession', { params: { ref } }, this.#bounds());
  }

  /** Stops a session; answers once its container is gone, with what of its work was not looked after as its manifest says. */
  async stop(ref: string, options: { readonly grace_ms?: number | undefined } = {}): Promise<StoppedSession> {
    const body = options.grace_ms === undefined ? {} : { grace_ms: options.grace_ms };
    return this.#client.call(
      'stopSession',
      { params: { ref }, body },
      this.#bounds((options.grace_ms ?? 0) + STOP_CALL_MS),
    );
  }

  /**
   * A second session from the point at which this one stands, as the agent `as`: its workspace copied, its thread forked, both go on by themselves.
   * Answers when it runs or waits in the queue. `bad_state` while a turn runs, `conflict` when the id or its workspace is taken.
   */
  async fork(ref: string, options: ForkOptions): Promise<SessionRow> {
    const { as, message } = options;
    const body = { as, ...(message === undefined ? {} : { message }) };
    return this.#client.call('forkSession', { params: { ref }, body }, this.#bounds(START_CALL_MS));
  }

  /** A new attempt of the session on the same thread. */
  async restart(ref: string): Promise<SessionRow> {
    return this.#client.call('restartSession', { params: { ref }, body: {} }, this.#bounds(CONTAINER_CALL_MS));
  }

  /** Ends the running turn; `bad_state` when none runs. */
  async interrupt(ref: string): Promise<SessionRow> {
    return this.#client.call('interruptSession', { params: { ref }, body: {} }, this.#bounds());
  }

  /** Sends a message to an agent. A `blocked` one was not kept. */
  async send(ref: string, text: string, options: SendOptions = {}): Promise<SendResult> {
    const body = {
      text,
      mode: options.mode ?? 'default',
      ...(options.images === undefined ? {} : { images: [...options.images] }),
      ...(options.from === undefined ? {} : { from: options.from }),
      ...(options.wait_ms === undefined ? {} : { wait_ms: options.wait_ms }),
    };
    return this.#client.call(
      'sendMessage',
      { params: { ref }, body },
      this.#bounds((options.wait_ms ?? 0) + SEND_CALL_MS),
    );
  }

  /** The story of a session: every entry once, in order; with `follow` until the session ends. */
  async *tail(ref: string, options: TailOptions = {}): AsyncGenerator<TailEvent, void, undefined> {
    const { tailSession } = await import('./session-tail.js');
    const { row } = await this.describe(ref);
    const signal = this.#ended(options.signal);
    yield* tailSession({ client: this.#client, session_id: row.session_id, signal }, options);
  }

  /** The bytes that Codex wrote, exactly, of the latest attempt. */
  journal(ref: string, options: JournalOptions = {}): AsyncGenerator<Buffer, void, undefined> {
    return readJournal(this.#client.socket, ref, { ...options, signal: this.#ended(options.signal) });
  }

  /** Every change of every session, from the present state on, until the signal or the fleet ends. */
  async *watch(options: { readonly signal?: AbortSignal } = {}): AsyncGenerator<FleetEvent, void, undefined> {
    const { watchFleet } = await import('./fleet-watch.js');
    yield* watchFleet(this.#client.socket, this.#ended(options.signal));
  }

  /**
   * The story of all sessions in one stream: their entries, each session's in order and once; with `follow` also what comes, every row that changes, and
   * the prompts that open and close.
   */
  async *events(options: FleetEventsOptions = {}): AsyncGenerator<FleetNews, void, undefined> {
    const { fleetEvents } = await import('./fleet-events.js');
    yield* fleetEvents(this, { ...options, signal: this.#ended(options.signal) });
  }

  /** Waits until every one of the sessions has been in the state; `ended` when one can never be, `timeout` when time is up. */
  async wait(
    refs: readonly string[],
    until: WaitState,
    options: { readonly timeout_ms?: number | undefined; readonly signal?: AbortSignal } = {},
  ): Promise<SessionRow[]> {
    const { waitFor } = await import('./wait-sessions.js');
    return waitFor(this, refs, until, { ...options, signal: this.#ended(options.signal) });
  }

  /**
   * Holds a session: its container stays, no message goes in, the running turn ends by itself or, with `interrupt`, now. With `ask` a prompt is put whose
   * answer goes in as a message and lets the session go on.
   */
  async pause(ref: string, options: PauseOptions = {}): Promise<SessionRow> {
    return this.#client.call('pauseSession', { params: { ref }, body: options }, this.#bounds());
  }

  /** Lets a paused session go on. Harmless on one that is not paused. */
  async resume(ref: string, options: { readonly by?: string } = {}): Promise<SessionRow> {
    return this.#client.call('resumeSession', { params: { ref }, body: options }, this.#bounds());
  }

  /** After a crash or a reboot: sessions that wait for their next attempt begin it now; `begun` names them. */
  async resumeAll(): Promise<{ sessions: SessionRow[]; begun: string[] }> {
    return this.#client.call('resumeAll', { body: {} }, this.#bounds(CONTAINER_CALL_MS));
  }

  /** Tokens used, a row for each agent and day (UTC); `since`: RFC 3339. */
  async usage(options: { readonly since?: string } = {}): Promise<UsageRow[]> {
    return this.#client.call('usage', { query: { since: options.since } }, this.#bounds());
  }

  /** All open prompts, oldest first; with `ref` those of one session. */
  async prompts(ref?: string): Promise<Prompt[]> {
    return this.#client.call('listPrompts', { query: { ref } }, this.#bounds());
  }

  /** One prompt, open or not, with what became of it. */
  async prompt(prompt_id: string): Promise<PromptRecord> {
    return this.#client.call('showPrompt', { params: { prompt: prompt_id } }, this.#bounds());
  }

  /**
   * Decides a prompt: one of its `choices`, or for a question the answer itself. The first decision stands; a later one, or one for another `revision`
   * than the prompt has now, is `conflict`, and one for a prompt whose attempt or session is over is `ended`; `details.decision` says what stands.
   */
  async decide(prompt_id: string, decision: DecideOptions): Promise<PromptRecord> {
    return this.#client.call('decidePrompt', { params: { prompt: prompt_id }, body: decision }, this.#bounds());
  }

  /** Rules that answers have made. */
  async rules(): Promise<StandingRule[]> {
    return this.#client.call('listRules', {}, this.#bounds());
  }

  /** Takes a rule back that an answer made. */
  async forgetRule(rule_id: string, options: { readonly by?: string } = {}): Promise<StandingRule> {
    return this.#client.call('forgetRule', { params: { rule: rule_id }, body: options }, this.#bounds());
  }

  /** Calls a tool of contract/tools.ts in the name of an outside program; the call is written down. `wait_ms`: how long the tool itself may wait. */
  async callTool(
    tool: ToolName,
    call: { readonly caller: string; readonly arguments: Record<string, unknown>; readonly wait_ms?: number },
  ): Promise<{ success: boolean; text: string; data?: unknown }> {
    const { wait_ms = 0, ...body } = call;
    return this.#client.call('callTool', { params: { tool }, body }, this.#bounds(wait_ms + START_CALL_MS));
  }

  /** What an agent changed since its session began: commits, files, what is not committed, and with `patch` the patch itself (at most 4 MiB of it). */
  async diff(ref: string, options: DiffOptions = {}): Promise<SessionDiff> {
    const { signal, patch, on_step, ...query } = options;
    const input = { params: { ref }, query: { ...query, patch: patch === true ? '1' : undefined } };
    return this.#inSteps(ref, on_step, () => this.#client.call('diffSession', input, this.#long(signal)));
  }

  /** Brings an agent's branch into your repository, as `agents/<id>` unless `into` says otherwise; only ever by fast-forward. Paths are absolute. */
  async sync(ref: string, options: SyncOptions & Pick<DiffOptions, 'signal' | 'on_step'> = {}): Promise<SyncResult> {
    const { signal, on_step, ...body } = options;
    const call = (): Promise<SyncResult> =>
      this.#client.call('syncSession', { params: { ref }, body }, this.#long(signal));
    return this.#inSteps(ref, on_step, call);
  }

  /** Which branches of agents are in conflict with each other and with what your repository has checked out; changes nothing. */
  async syncCheck(options: SyncCheckOptions = {}): Promise<SyncCheck> {
    const { signal, ...body } = options;
    return this.#client.call('checkSync', { body }, this.#long(signal));
  }

  /** Removes what is left of sessions that nobody needs; with `dry_run` only says what. `limit_exceeded` when that is most of what there is, unless `force`. */
  async cleanup(options: {
    readonly dry_run: boolean;
    readonly force?: boolean;
    /** Also workspaces of sessions that have ended; one with work that was not brought home goes with `force` alone. */
    readonly workspaces?: boolean;
  }): Promise<CleanupItem[]> {
    return this.#client.call('cleanup', { body: options }, this.#bounds(CLEANUP_CALL_MS));
  }

  /** Whether the image is there and up to date, and if not, why. */
  async imageStatus(image?: string): Promise<ImageStatus> {
    return this.#client.call('imageStatus', { query: { image } }, this.#bounds());
  }

  /** Builds the image; answers with its new state. */
  async buildImage(options: ImageBuildOptions = {}): Promise<ImageStatus> {
    await buildImage(this.#client, { ...options, signal: this.#ended(options.signal) });
    return this.imageStatus(options.image);
  }

  /** A terminal in the session's container, or Codex's own on its thread. `command`: a program and its arguments, instead of a shell. */
  async terminal(
    ref: string,
    kind: TerminalKind,
    how: { readonly columns: number; readonly rows: number; readonly command?: readonly string[] | undefined },
  ): Promise<Terminal> {
    const { openTerminal } = await import('./terminal.js');
    return openTerminal(this.#client, { ref, kind, ...how, signal: this.#closing.signal });
  }

  /** As a terminal of that kind without one: bytes go through as they are, standard output and error apart. */
  async pipes(
    ref: string,
    kind: PipedKind,
    how: { readonly command?: readonly string[] | undefined } = {},
  ): Promise<Pipes> {
    const { openPipes } = await import('./terminal.js');
    return openPipes(this.#client, { ref, kind, ...how, signal: this.#closing.signal });
  }

  /** Asks the daemon to leave and waits until it has; agents keep running. Answers false when there was none. */
  async stopDaemon(): Promise<boolean> {
    const { stopDaemon } = await import('./stop-daemon.js');
    return stopDaemon(this.project, { signal: this.#closing.signal });
  }

  /** Ends every wait and stream of this object. Safe to call again. */
  close(): void {
    this.#closing.abort(new FilareError({ code: 'interrupted', message: 'the fleet was closed' }));
  }

  /** As `close`. */
  [Symbol.asyncDispose](): Promise<void> {
    this.close();
    return Promise.resolve();
  }

  #bounds(deadline_ms?: number): { readonly signal: AbortSignal; readonly deadline_ms: number | undefined } {
    return { signal: this.#closing.signal, deadline_ms };
  }

  #long(signal: AbortSignal | undefined): { readonly signal: AbortSignal; readonly deadline_ms: number } {
    return { signal: this.#ended(signal), deadline_ms: HOMECOMING_CALL_MS };
  }

  async #inSteps<T>(ref: string, on_step: DiffOptions['on_step'], call: () => Promise<T>): Promise<T> {
    if (on_step === undefined) return call();
    const { withSteps } = await import('./homecoming-steps.js');
    return withSteps(this.#client.socket, { ref, on_step, signal: this.#closing.signal }, call);
  }

  #ended(signal: AbortSignal | undefined): AbortSignal {
    return signal === undefined ? this.#closing.signal : AbortSignal.any([this.#closing.signal, signal]);
  }
}

function startBody(agents: readonly AgentSpec[], { rehearsal, max_parallel }: StartOptions) {
  return {
    agents: [...agents],
    ...(rehearsal === undefined ? {} : { rehearsal }),
    ...(max_parallel === undefined ? {} : { max_parallel }),
  };
}

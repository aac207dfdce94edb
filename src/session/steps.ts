/**
 * What a session does, one step at a time: prepare, launch, take hold of the channel, send, answer, interrupt, halt. `next.ts` says which; the loop
 * (session.ts) calls. It holds what an attempt needs while it runs: the channel, the watch over its health, the calls of tools under way.
 */
import { attemptPaths } from '../channel/attempt-files.js';
import { answerRequest } from '../codex/answer.js';
import type { AgentEvent } from '../contract/agent-event.js';
import { asFilareError, FilareError, unreachable } from '../contract/errors.js';
import type { Health } from '../contract/session.js';
import { attemptFolder } from './attempt-folder.js';
import type { AttemptLink } from './attempt-link.js';
import { halt } from './halt.js';
import { handshake } from './handshake.js';
import { HealthWatch } from './health-watch.js';
import { JournalCap } from './journal-cap.js';
import { agentFolders, prepareAttempt } from './launch.js';
import { bookSecrets, bootstrapLines, modelKey, readSecrets } from './secrets.js';
import { LinkHold } from './link-hold.js';
import type { Step } from './next.js';
import { Outbox } from './outbox.js';
import type { SessionFact } from './record.js';
import { journalFile } from './session-files.js';
import type { SessionMemory } from './session-memory.js';
import type { Sight } from './sight.js';
import type { OpenRequest } from './state.js';
import { StderrWatch } from './stderr-watch.js';
import type { SessionSurroundings } from './surroundings.js';
import { ToolCalls } from './tool-calls.js';

/** A step that does something; the others are waits, which are the loop's. */
export type ActiveStep = Exclude<Step, { readonly do: 'nothing' | 'wait' }>;

/** What steps work with. */
export interface StepsContext {
  readonly around: SessionSurroundings;
  readonly folder: string;
  readonly memory: SessionMemory;
  readonly sight: Sight;
  readonly nudge: () => void;
  /** Says something in the session's transcript. */
  readonly say: (level: 'warning' | 'error', text: string) => void;
}

/** See the top of this file. */
export class Steps {
  readonly #around: SessionSurroundings;
  readonly #folder: string;
  readonly #memory: SessionMemory;
  readonly #sight: Sight;
  readonly #nudge: () => void;
  readonly #say: StepsContext['say'];
  readonly #outbox: Outbox;
  readonly #calls: ToolCalls;
  readonly #watch: HealthWatch;
  readonly #hold: LinkHold;
  /** Its channel was taken hold of, and its attempt is not over. */
  #attached = false;
  /** This daemon prepared the container that is to be launched, so nothing of the handshake can be lost. */
  #prepared = false;
  /** An earlier daemon began this session. */
  #takenUp = false;
  #signal: AbortSignal = AbortSignal.abort();

  constructor(context: StepsContext) {
    const { around, memory, sight, nudge } = context;
    this.#around = around;
    this.#folder = context.folder;
    this.#memory = memory;
    this.#sight = sight;
    this.#nudge = nudge;
    this.#say = context.say;
    this.#hold = new LinkHold(context);
    const shared = { around, memory, sight, nudge };
    this.#outbox = new Outbox({ ...shared, link: () => this.#hold.link });
    this.#calls = new ToolCalls(shared);
    this.#watch = new HealthWatch({
      ...shared,
      link: () => this.#hold.link,
      codex_home: () => agentFolders(around, memory.state.agent.id).codex_home,
      monotonic_ms: () => performance.now(),
    });
  }

  /** Before the first step. */
  begin(): void {
    this.#outbox.lookUpSent();
    this.#takenUp = this.#memory.state.attempt > 0;
  }

  /** The channel to the attempt that runs; null while there is none. */
  get link(): AttemptLink | null {
    return this.#hold.link;
  }

  /** What is wrong with the channel comes before what looking finds. */
  get health(): Health {
    if (this.#sight.now.container.state === 'paused') return 'degraded';
    if (this.#hold.isLost) return 'degraded';
    return this.#attached ? this.#watch.health : 'unknown';
  }

  /** A sentence on what is wrong with it, where looking found something. */
  get trouble(): string | null {
    return this.#watch.trouble ?? this.#around.engineTrouble();
  }

  /** The agent did something. */
  take(events: readonly AgentEvent[]): void {
    for (const event of events) if (event.type === 'response') this.#hold.link?.codex.take(event);
    this.#watch.take(events);
    this.#calls.endOthers(this.#memory.state.requests);
  }

  /** Lets go of the attempt, which goes on. */
  async close(cause: FilareError): Promise<void> {
    this.#watch.end();
    this.#calls.endOthers([]);
    await this.#hold.close(cause);
  }

  /** Takes a step; ending the signal ends it. What it rejects with `failed` is asked about. */
  async perform(step: ActiveStep, signal: AbortSignal): Promise<void> {
    this.#signal = signal;
    switch (step.do) {
      case 'commit':
        return this.#memory.commit(step.fact);
      case 'prepare':
        return this.#prepare();
      case 'launch':
        return this.#launch();
      case 'attach':
        return this.#attach();
      case 'probe':
        return this.#outbox.probe(this.#signal);
      case 'halt':
        return this.#halt();
      case 'answer':
        return this.#answer(step.open);
      case 'interrupt':
        return this.#interruptTurn(step.turn_id);
      case 'call':
        this.#calls.begin(step.open);
        return;
      case 'deliver':
        return this.#outbox.send(step.message);
      default:
        return unreachable(step);
    }
  }

  /** Says whether the failure has been turned into a fact, so that the loop goes on at once. */
  async failed(step: ActiveStep, failure: FilareError): Promise<boolean> {
    this.#around.log.warn(
      { session_id: this.#memory.state.session_id, step: step.do, code: failure.code, err: failure },
      'a step failed',
    );
    if (step.do === 'prepare' || step.do === 'launch') {
      if (this.#memory.state.desired === 'stopped' || this.#memory.state.restart_asked) return true;
      if (step.do === 'prepare' && this.#hasRun && failure.code === 'engine_unavailable') return false;
      const { container } = this.#sight.now;
      if (container.state === 'exited' && container.with_engine) return true;
      await this.#memory.commit({
        type: 'attempt_ending',
        cause: 'launch_failed',
        reason: failure.message,
        grace_ms: 0,
        code: failure.code,
        ...(failure.hint === undefined ? {} : { hint: failure.hint }),
      });
      return true;
    }
    return false;
  }

  /** Nobody waits for its start any more: that the engine is away now is no failure of its launch. */
  get #hasRun(): boolean {
    return this.#takenUp || this.#memory.state.thread_id !== null;
  }

  async #prepare(): Promise<void> {
    const signal = this.#signal;
    await this.#around.launchSlot(
      () =>
        prepareAttempt({
          around: this.#around,
          folder: this.#folder,
          state: () => this.#memory.state,
          commit: (fact: SessionFact) => this.#memory.commit(fact),
          signal,
        }),
      signal,
    );
    this.#sight.see({ container: { state: 'unknown' } });
    this.#prepared = true;
  }

  async #launch(): Promise<void> {
    const { stage } = this.#memory.state;
    if (stage.phase !== 'starting') return;
    if (!this.#prepared || stage.started) {
      // A daemon died while it launched: what was said in the handshake is not known, so this attempt ends and the next one begins.
      await this.#memory.commit({
        type: 'attempt_ending',
        cause: 'launch_interrupted',
        reason: 'the daemon ended while it launched the agent',
        grace_ms: 0,
      });
      return;
    }
    this.#prepared = false;
    const signal = this.#signal;
    await this.#around.launchSlot(async () => {
      const link = await this.#hold.open();
      const secrets = await readSecrets(this.#memory.state.agent);
      const { session_id, agent } = this.#memory.state;
      await bookSecrets(this.#around, { session_id, container: stage.container.name }, secrets);
      for (const line of bootstrapLines(agent, secrets, 'codex')) await link.write(line);
      await this.#around.engine.start(stage.container.id, { signal });
      await this.#memory.commit({ type: 'container_started' });
      const { thread_id, resumed } = await handshake(
        link.codex,
        this.#memory.state,
        signal,
        this.#stderr,
        modelKey(this.#memory.state.agent, secrets),
      );
      await this.#memory.commit({ type: 'running', thread_id, resumed });
    }, signal);
    this.#attached = true;
    this.#watch.begin({ stderr: StderrWatch.ofBeginning(this.#stderr), journal: this.#journalCap });
    this.#sight.see({ attached: true, probed: true });
  }

  async #attach(): Promise<void> {
    await this.#hold.open();
    this.#attached = true;
    const stderr = await StderrWatch.ofRunning(this.#stderr, this.#memory.state.last_seen_ms);
    this.#watch.begin({ stderr, journal: this.#journalCap });
    this.#sight.see({ attached: true, answered: new Set(), interrupted_turn: null });
    this.#outbox.lookUpSent();
  }

  async #halt(): Promise<void> {
    const { stage } = this.#memory.state;
    if (stage.phase !== 'stopping') return;
    await halt({
      around: this.#around,
      folder: this.#folder,
      state: this.#memory.state,
      link: this.#hold.link,
      offset: () => this.#memory.offset,
      take: (lines) => this.#memory.take(lines),
    });
    this.#hold.forget();
    this.#attached = false;
    this.#watch.end();
    this.#prepared = false;
    this.#sight.forgetAttempt();
    this.#calls.endOthers([]);
    await this.#memory.commit({ type: 'attempt_ended' });
  }

  async #answer(open: OpenRequest): Promise<void> {
    const { link } = this.#hold;
    if (link === null || open.decision === null) return;
    await answerRequest(link.codex, open.request, open.decision);
    this.#sight.answered(open.prompt_id);
  }

  #interruptTurn(turn_id: string): Promise<void> {
    const { thread_id } = this.#memory.state;
    this.#sight.see({ interrupted_turn: turn_id });
    const { link } = this.#hold;
    if (link !== null && thread_id !== null) {
      link.codex.request('turn/interrupt', { threadId: thread_id, turnId: turn_id }).catch((failure: unknown) => {
        this.#say('warning', `the interrupt was not taken: ${asFilareError(failure).message}`);
      });
    }
    return Promise.resolve();
  }

  /** What the Codex of this attempt says on its standard error. */
  get #stderr(): string {
    return attemptPaths(attemptFolder(this.#folder, this.#memory.state.attempt).folder).err;
  }

  get #journalCap(): JournalCap {
    return new JournalCap([journalFile(this.#folder, this.#memory.state.attempt), this.#stderr]);
  }
}

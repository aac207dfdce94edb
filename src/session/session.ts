/**
 * One session's life: what operators and the engine say to it, and what it answers. The steps are taken by its loop (loop.ts); operators' wishes are facts
 * like any other.
 *
 * Invariants: nothing is done that was not written down before; a session that has ended holds no container, pipe, timer or open file. Tests: tests/session.
 */
import type { AgentEvent } from '../contract/agent-event.js';
import { FilareError } from '../contract/errors.js';
import type { PauseQuestion } from '../contract/api-shapes.js';
import type { Prompt, PromptRecord, SessionRow, StandingRule } from '../contract/session.js';
import { isOver } from '../contract/phase.js';
import { startAgain } from '../contract/start-again.js';
import type { ContainerView } from '../engine/engine.js';
import { attemptFolder } from './attempt-folder.js';
import { agentFolders } from './launch.js';
import { observeContainer } from './container-sight.js';
import { decide, promptRecord, type DecisionRequest } from './decide.js';
import { SessionLoop } from './loop.js';
import { deliver, type MessageRequest } from './message.js';
import { openPrompts, toPrompt } from './prompts.js';
import { toRow } from './row.js';
import { sessionFiles } from './session-files.js';
import type { SessionMemory } from './session-memory.js';
import type { SessionNews } from './session-news.js';
import { Sight } from './sight.js';
import type { OpenRequest, OwnPrompt, SessionState } from './state.js';
import { isSettled } from './settled.js';
import { Steps } from './steps.js';
import { TurnWatch } from './turn-watch.js';
import type { SessionSurroundings } from './surroundings.js';
import { until } from './until.js';
import { attemptPaths } from '../channel/attempt-files.js';

/** A session that is not over. */
export class Session {
  readonly folder: string;
  readonly #around: SessionSurroundings;
  readonly #memory: SessionMemory;
  readonly #turns = new TurnWatch();
  readonly #sight = new Sight();
  readonly #steps: Steps;
  /** Prompts whose decision is being written down: the first one counts. */
  readonly #deciding = new Set<string>();
  readonly #loop: SessionLoop;
  #running: Promise<void> = Promise.resolve();

  constructor(around: SessionSurroundings, folder: string, memory: SessionMemory) {
    this.#around = around;
    this.folder = folder;
    this.#memory = memory;
    this.#steps = new Steps({
      around,
      folder,
      memory,
      sight: this.#sight,
      nudge: () => this.nudge(),
      say: (level, text) => this.#say(level, text),
    });
    this.#loop = new SessionLoop({ around, memory, sight: this.#sight, steps: this.#steps });
    this.#sight.see({ boot_id: around.boot_id });
    memory.watch((news) => {
      this.#notice(news);
    });
  }

  /** Begins the loop. */
  begin(): void {
    this.#steps.begin();
    this.#running = this.#loop.run();
  }

  get state(): SessionState {
    return this.#memory.state;
  }

  /** Reading side: transcript and news. */
  get memory(): SessionMemory {
    return this.#memory;
  }

  get ended(): boolean {
    return isOver(this.state.stage);
  }

  get row(): SessionRow {
    return toRow(this.state, {
      codex_home: agentFolders(this.#around, this.state.agent.id).codex_home,
      transcript: sessionFiles(this.folder).transcript,
      health: this.#steps.health,
      manifest_changed: this.#around.manifestChanged(this.state.agent),
      trouble: this.#memory.trouble?.message ?? this.#steps.trouble,
    });
  }

  /** What of it lies in the inbox, oldest first. */
  get prompts(): readonly Prompt[] {
    return this.openPrompts.map((prompt) => this.show(prompt));
  }

  /** The same as the session knows them. */
  get openPrompts(): readonly (OpenRequest | OwnPrompt)[] {
    return openPrompts(this.state);
  }

  /** One of them, as people see it. */
  show(prompt: OpenRequest | OwnPrompt): Prompt {
    return toPrompt(this.state, prompt, this.#memory.masker);
  }

  /** Writes down that the operator is being told of a prompt. */
  noteNotified(prompt_id: string): void {
    this.#memory.commit({ type: 'notified', prompt_id }).catch((failure: unknown) => {
      this.#around.log.warn({ session_id: this.state.session_id, err: failure }, 'a notice cannot be written down');
    });
  }

  /** Says something in the session's transcript. */
  warn(text: string): void {
    this.#say('warning', text);
  }

  /** One prompt of it, open or over; undefined when it is none of its own, or was too long ago. */
  prompt(prompt_id: string): PromptRecord | undefined {
    return promptRecord(this.state, this.#memory, prompt_id);
  }

  /** The attempt's journal, to read. */
  get journalPath(): string {
    return attemptPaths(attemptFolder(this.folder, this.state.attempt).folder).out;
  }

  /** Resolves when the session has ended and everything it held is released, or when this daemon lets go of it. */
  get finished(): Promise<void> {
    return this.#running;
  }

  /** Asks for the end; resolves when the container is gone. Harmless on a session that ends already. */
  async stop(by: string, grace_ms: number | undefined): Promise<void> {
    if (!this.ended && this.state.desired !== 'stopped') {
      await this.#memory.commit({
        type: 'desired',
        desired: 'stopped',
        by,
        ...(grace_ms === undefined ? {} : { grace_ms }),
      });
      this.#loop.endStep();
      this.nudge();
    }
    await this.#running;
  }

  /** Asks for a new attempt on the same thread; resolves when it runs, or has failed and waits or gave up. */
  async restart(by: string, signal: AbortSignal): Promise<void> {
    this.#refuseEnded();
    const before = this.state.attempt;
    await this.#memory.commit({ type: 'desired', desired: 'restarted', by });
    this.#loop.endStep();
    this.nudge();
    await this.until(
      ({ attempt, stage }) =>
        this.ended ||
        (attempt > before && (stage.phase === 'running' || (stage.phase === 'backing_off' && stage.until_ms !== null))),
      signal,
    );
  }

  /** See isSettled() in settled.ts. */
  get isSettled(): boolean {
    return isSettled(this.state, this.#sight.now);
  }

  /** Begins the attempt that it waits for now; answers false when it waits for none, or a person is asked first. Resolves when it runs, or has failed again. */
  async resumeNow(by: string, signal: AbortSignal): Promise<boolean> {
    const { stage, attempt } = this.state;
    if (stage.phase !== 'backing_off' || stage.until_ms === null) return false;
    await this.#memory.commit({
      type: 'backing_off',
      until_ms: this.#around.now_ms(),
      reason: `${stage.reason}; resumed by ${by}`,
    });
    this.nudge();
    await this.until(
      (state) =>
        this.ended ||
        (state.attempt > attempt && (state.stage.phase === 'running' || state.stage.phase === 'backing_off')),
      signal,
    );
    return true;
  }

  /** Ends the running turn, nothing else; resolves when it is over. */
  async interrupt(by: string, signal: AbortSignal): Promise<void> {
    this.#refuseEnded();
    const { stage } = this.state;
    if (stage.phase !== 'running' || stage.turn === null) {
      throw new FilareError({
        code: 'bad_state',
        message: `no turn of ${this.state.agent.id} is running`,
        hint: `filare-agents describe ${this.state.agent.id}`,
      });
    }
    const { turn_id } = stage.turn;
    await this.#memory.commit({ type: 'interrupt', turn_id, by });
    this.nudge();
    await this.until((state) => state.stage.phase !== 'running' || state.stage.turn?.turn_id !== turn_id, signal);
  }

  /** Takes a message for the agent; see deliver() in message.ts for what it answers. */
  send(request: MessageRequest): ReturnType<typeof deliver> {
    this.#refuseEnded();
    return deliver(
      {
        state: () => this.state,
        memory: this.#memory,
        folder: this.folder,
        turns: this.#turns,
        nudge: () => this.nudge(),
        until: (test, signal) => this.until(test, signal),
        random: this.#around.random,
      },
      request,
    );
  }

  /** Asks Codex for an attached terminal, under an id of its own; the answer is in the journal. Only what changes nothing may be asked. */
  async pass(id: string, method: string, params: Readonly<Record<string, unknown>>): Promise<void> {
    const { link } = this.#steps;
    if (link === null) throw new FilareError({ code: 'bad_state', message: 'Codex cannot be reached now' });
    await link.codex.pass(id, method, params);
  }

  /** Records a decision; see decide() in decide.ts. The loop carries it to exactly that request. */
  async decide(
    prompt_id: string,
    decision: DecisionRequest,
  ): Promise<{ readonly record: PromptRecord; readonly rule: StandingRule | null }> {
    const { now_ms, random } = this.#around;
    const decided = await decide(
      { memory: this.#memory, deciding: this.#deciding, now_ms, random },
      prompt_id,
      decision,
    );
    this.nudge();
    return decided;
  }

  /** Holds the session: nothing is sent to it until it is resumed, or until the question is answered, whose answer it then gets. */
  async pause(by: string, options: { readonly interrupt: boolean; readonly ask: PauseQuestion | null }): Promise<void> {
    this.#refuseEnded();
    if (this.state.paused !== null && options.ask === null && !options.interrupt) return;
    const ask = options.ask === null ? {} : { ask: { ...options.ask, prompt_id: `p-${this.#around.random(10)}` } };
    await this.#memory.commit({ type: 'paused', by, interrupt: options.interrupt, ...ask });
    this.nudge();
  }

  /** Lets a paused session go on. Harmless on one that is not paused. */
  async resume(by: string): Promise<void> {
    this.#refuseEnded();
    if (this.state.paused === null) return;
    await this.#memory.commit({ type: 'resumed', by });
    this.nudge();
  }

  /** Takes back a rule that an answer made; harmless when it has none of that id. */
  async forgetRule(rule_id: string, by: string): Promise<void> {
    if (this.state.rules.some((rule) => rule.rule_id === rule_id))
      await this.#memory.commit({ type: 'rule_forgotten', rule_id, by });
  }

  /** What the engine says of the session's container now; see observeContainer() in container-sight.ts. */
  observe(container: ContainerView | null, with_engine: boolean): void {
    observeContainer(
      {
        around: this.#around,
        state: () => this.state,
        sight: this.#sight,
        endStep: (cause) => this.#loop.endStep(cause),
        nudge: () => this.nudge(),
        say: (text) => this.#say('warning', text),
      },
      container,
      with_engine,
    );
  }

  /** Something outside changed: look again. */
  nudge(): void {
    this.#loop.nudge();
  }

  /** Resolves when the test holds; rejects when the signal ends, or the daemon lets go. */
  until(test: (state: SessionState) => boolean, signal: AbortSignal): Promise<void> {
    return until(this.#memory, test, signal);
  }

  /** The daemon stops: the agent goes on, this hold ends. */
  async letGo(): Promise<void> {
    this.#loop.letGo();
    await this.#running;
  }

  #notice(news: SessionNews): void {
    let look = news.events.length === 0;
    for (const event of news.events) {
      this.#turns.take(event);
      look ||= changesWhatIsNext(event);
      if (event.type === 'turn_ended' && this.state.outbox.some((m) => m.sent)) this.#sight.see({ probed: false });
    }
    this.#steps.take(news.events);
    if (look) this.nudge();
  }

  #say(level: 'note' | 'warning' | 'error', text: string): void {
    this.#memory.commit({ type: 'said', level, text, data: {} }).catch((failure: unknown) => {
      this.#around.log.error({ session_id: this.state.session_id, err: failure }, 'a note cannot be written down');
    });
  }

  #refuseEnded(): void {
    if (this.ended || this.state.desired === 'stopped') {
      throw new FilareError({
        code: 'ended',
        message: `session ${this.state.session_id} has ended`,
        hint: startAgain(this.state.agent.id, this.state.rehearsal),
      });
    }
  }
}

function changesWhatIsNext(event: AgentEvent): boolean {
  return (
    event.type === 'turn_started' ||
    event.type === 'turn_ended' ||
    event.type === 'message_shown' ||
    event.type === 'request' ||
    event.type === 'request_closed'
  );
}

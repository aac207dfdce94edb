/**
 * One session's life. The loop looks at what is and at what should be, takes the one next step (next.ts), and remembers it (session-memory.ts)
 * until nothing is left to do; then it sleeps until something changes. Operators' wishes are facts like any other.
 *
 * Invariants: one loop per session; one step at a time; nothing is done that was not written down before; a session that has ended holds
 * no container, pipe, timer or open file. Tests: tests/session.
 */
import type { AgentEvent } from '../contract/agent-event.js';
import { asFilareError, FilareError, unreachable } from '../contract/errors.js';
import type { PauseQuestion } from '../contract/api.js';
import type { Health, Prompt, PromptRecord, SessionRow, StandingRule } from '../contract/session.js';
import type { ContainerView } from '../engine/engine.js';
import { answerRequest } from '../codex/answer.js';
import { attemptFolder } from './attempt-folder.js';
import { AttemptLink } from './attempt-link.js';
import { handshake } from './handshake.js';
import { HealthWatch } from './health-watch.js';
import { halt } from './halt.js';
import { agentFolders, bookSecrets, bootstrapLines, modelKey, prepareAttempt, readSecrets } from './launch.js';
import { observeContainer } from './container-sight.js';
import { decide, promptRecord, type DecisionRequest } from './decide.js';
import { deliver, type MessageRequest } from './message.js';
import { next, type Step } from './next.js';
import { Outbox } from './outbox.js';
import { openPrompts, toPrompt } from './prompts.js';
import type { SessionFact } from './record.js';
import { toRow } from './row.js';
import { JournalCap } from './journal-cap.js';
import { journalFile, sessionFiles } from './session-files.js';
import type { SessionMemory } from './session-memory.js';
import type { SessionNews } from './session-news.js';
import { Sight } from './sight.js';
import type { OpenRequest, OwnPrompt, SessionState } from './state.js';
import { StderrWatch } from './stderr-watch.js';
import { ToolCalls } from './tool-calls.js';
import { TurnWatch } from './turn-watch.js';
import type { SessionSurroundings } from './surroundings.js';
import { attemptPaths } from '../channel/attempt-files.js';

const STEP_RETRY_FIRST_MS = 500;
const STEP_RETRY_MAX_MS = 30_000;
const REATTACH_MS = 5_000;

/** A session that is not over. */
export class Session {
  readonly folder: string;
  readonly #around: SessionSurroundings;
  readonly #memory: SessionMemory;
  readonly #turns = new TurnWatch();
  readonly #sight = new Sight();
  readonly #outbox: Outbox;
  readonly #calls: ToolCalls;
  readonly #watch: HealthWatch;
  /** Prompts whose decision is being written down: the first one counts. */
  readonly #deciding = new Set<string>();
  #health: Health = 'unknown';
  #link: AttemptLink | null = null;
  #holds = 0;
  /** This daemon prepared the container that is to be launched, so nothing of the handshake can be lost. */
  #prepared = false;
  /** An earlier daemon began this session: that the engine is away now is no failure of its launch. */
  #takenUp = false;
  #stepEnding = new AbortController();
  #wake: () => void = () => undefined;
  #awake = false;
  #letGo = false;
  /** Why the journal could not be followed, the last time. */
  #lost: string | null = null;
  #reattach: NodeJS.Timeout | undefined;
  #running: Promise<void> = Promise.resolve();

  constructor(around: SessionSurroundings, folder: string, memory: SessionMemory) {
    this.#around = around;
    this.folder = folder;
    this.#memory = memory;
    const shared = { around, memory, sight: this.#sight, nudge: () => this.nudge() };
    this.#outbox = new Outbox({ ...shared, link: () => this.#link });
    this.#calls = new ToolCalls(shared);
    this.#watch = new HealthWatch({
      ...shared,
      link: () => this.#link,
      codex_home: () => agentFolders(around, this.state.agent.id).codex_home,
      monotonic_ms: () => performance.now(),
    });
    this.#sight.see({ boot_id: around.boot_id });
    memory.watch((news) => {
      this.#notice(news);
    });
  }

  /** Begins the loop. */
  begin(): void {
    this.#outbox.lookUpSent();
    this.#takenUp = this.state.attempt > 0;
    this.#running = this.#loop();
  }

  get state(): SessionState {
    return this.#memory.state;
  }

  /** Reading side: transcript and news. */
  get memory(): SessionMemory {
    return this.#memory;
  }

  get ended(): boolean {
    return this.state.stage.phase === 'stopped' || this.state.stage.phase === 'failed';
  }

  get row(): SessionRow {
    return toRow(this.state, {
      codex_home: agentFolders(this.#around, this.state.agent.id).codex_home,
      transcript: sessionFiles(this.folder).transcript,
      health: this.#healthNow,
      manifest_changed: this.#around.manifestChanged(this.state.agent),
      trouble: this.#memory.trouble?.message ?? this.#watch.trouble,
    });
  }

  /** What the Codex of this attempt says on its standard error. */
  get #stderr(): string {
    return attemptPaths(attemptFolder(this.folder, this.state.attempt).folder).err;
  }

  get #journalCap(): JournalCap {
    return new JournalCap([journalFile(this.folder, this.state.attempt), this.#stderr]);
  }

  /** What is wrong with the channel comes before what looking finds. */
  get #healthNow(): Health {
    if (this.#sight.now.container.state === 'paused') return 'degraded';
    return this.#health === 'ok' ? this.#watch.health : this.#health;
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
      this.#stepEnding.abort();
      this.nudge();
    }
    await this.#running;
  }

  /** Asks for a new attempt on the same thread; resolves when it runs, or has failed and waits or gave up. */
  async restart(by: string, signal: AbortSignal): Promise<void> {
    this.#refuseEnded();
    const before = this.state.attempt;
    await this.#memory.commit({ type: 'desired', desired: 'restarted', by });
    this.#stepEnding.abort();
    this.nudge();
    await this.until(
      ({ attempt, stage }) =>
        this.ended ||
        (attempt > before && (stage.phase === 'running' || (stage.phase === 'backing_off' && stage.until_ms !== null))),
      signal,
    );
  }

  /** Whether it is known where it stands: its container was looked at and its channel is held, or it waits for something that has a name. */
  get isSettled(): boolean {
    const { stage } = this.state;
    const { container, attached } = this.#sight.now;
    switch (stage.phase) {
      case 'running':
        return attached && (container.state === 'alive' || container.state === 'paused');
      case 'queued':
        return stage.reason !== null;
      case 'backing_off':
        return stage.until_ms !== null || this.state.own_prompts.some((own) => own.origin === 'crash_loop');
      case 'preparing':
      case 'starting':
      case 'stopping':
        return false;
      case 'stopped':
      case 'failed':
        return true;
      default:
        return unreachable(stage);
    }
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
    if (this.#link === null) throw new FilareError({ code: 'bad_state', message: 'Codex cannot be reached now' });
    await this.#link.codex.pass(id, method, params);
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

  /** What the engine says of the session's container now; `null`: it was not in the list. */
  observe(container: ContainerView | null): void {
    observeContainer(
      {
        around: this.#around,
        state: () => this.state,
        sight: this.#sight,
        endStep: (cause) => this.#stepEnding.abort(cause),
        nudge: () => this.nudge(),
        say: (text) => this.#say('warning', text),
      },
      container,
    );
  }

  /** Something outside changed: look again. */
  nudge(): void {
    this.#awake = true;
    this.#wake();
  }

  /** Resolves when the test holds; rejects when the signal ends, or the daemon lets go. */
  async until(test: (state: SessionState) => boolean, signal: AbortSignal): Promise<void> {
    if (test(this.state)) return;
    await new Promise<void>((resolve, reject) => {
      const unwatch = this.#memory.watch(() => {
        if (!test(this.state)) return;
        finish();
        resolve();
      });
      const onAbort = (): void => {
        finish();
        reject(
          signal.reason instanceof Error
            ? signal.reason
            : new FilareError({ code: 'timeout', message: 'the wait was ended' }),
        );
      };
      const finish = (): void => {
        unwatch();
        signal.removeEventListener('abort', onAbort);
      };
      signal.addEventListener('abort', onAbort, { once: true });
      if (signal.aborted) onAbort();
    });
  }

  /** The daemon stops: the agent goes on, this hold ends. */
  async letGo(): Promise<void> {
    this.#letGo = true;
    this.#stepEnding.abort();
    this.nudge();
    await this.#running;
  }

  async #loop(): Promise<void> {
    let retry_ms = STEP_RETRY_FIRST_MS;
    while (!this.#isLetGo()) {
      this.#awake = false;
      const { phase } = this.state.stage;
      this.#sight.see({
        no_room: phase === 'queued' ? this.#around.noRoom(this.state.session_id) : null,
      });
      const step = next(this.state, this.#sight.now, this.#around.now_ms());
      if (step.do === 'nothing' && this.ended) break;
      this.#stepEnding = new AbortController();
      try {
        await this.#perform(step);
        retry_ms = STEP_RETRY_FIRST_MS;
      } catch (failure) {
        if (this.#isLetGo()) break;
        if (await this.#failed(step, asFilareError(failure)).catch(() => false)) continue;
        await this.#sleep(retry_ms);
        retry_ms = Math.min(retry_ms * 2, STEP_RETRY_MAX_MS);
      }
    }
    try {
      this.#watch.end();
      this.#calls.endOthers([]);
      await this.#release(new FilareError({ code: 'ended', message: 'the daemon stops' }));
      await this.#memory.close();
    } catch (failure) {
      // Nobody can do anything about it, and those who wait for the end must not fail for it.
      this.#around.log.error({ session_id: this.state.session_id, err: failure }, 'a session was not closed cleanly');
    }
  }

  /** Asked anew each time: it changes while a step is awaited. */
  #isLetGo(): boolean {
    return this.#letGo;
  }

  async #perform(step: Step): Promise<void> {
    switch (step.do) {
      case 'nothing':
        return this.#sleep(null);
      case 'wait':
        return this.#sleep(Math.max(1, step.until_ms - this.#around.now_ms()));
      case 'commit':
        return this.#memory.commit(step.fact);
      case 'prepare':
        return this.#prepare();
      case 'launch':
        return this.#launch();
      case 'attach':
        return this.#attach();
      case 'probe':
        return this.#outbox.probe(this.#stepEnding.signal);
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
  async #failed(step: Step, failure: FilareError): Promise<boolean> {
    this.#around.log.warn(
      { session_id: this.state.session_id, step: step.do, code: failure.code, err: failure },
      'a step failed',
    );
    if (step.do === 'prepare' || step.do === 'launch') {
      if (this.state.desired === 'stopped' || this.state.restart_asked) return true;
      if (step.do === 'prepare' && this.#takenUp && failure.code === 'engine_unavailable') return false;
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

  async #prepare(): Promise<void> {
    const signal = this.#stepEnding.signal;
    await this.#around.launchSlot(
      () =>
        prepareAttempt({
          around: this.#around,
          folder: this.folder,
          state: () => this.state,
          commit: (fact: SessionFact) => this.#memory.commit(fact),
          signal,
        }),
      signal,
    );
    this.#sight.see({ container: { state: 'unknown' } });
    this.#prepared = true;
  }

  async #launch(): Promise<void> {
    const { stage } = this.state;
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
    const signal = this.#stepEnding.signal;
    await this.#around.launchSlot(async () => {
      const link = await this.#openLink();
      const secrets = await readSecrets(this.state.agent);
      const { session_id, agent } = this.state;
      await bookSecrets(this.#around, { session_id, container: stage.container.name }, secrets);
      for (const line of bootstrapLines(agent, secrets, 'codex')) await link.write(line);
      await this.#around.engine.start(stage.container.id, { signal });
      await this.#memory.commit({ type: 'container_started' });
      const { thread_id, resumed } = await handshake(
        link.codex,
        this.state,
        signal,
        this.#stderr,
        modelKey(this.state.agent, secrets),
      );
      await this.#memory.commit({ type: 'running', thread_id, resumed });
    }, signal);
    this.#health = 'ok';
    this.#watch.begin({ stderr: StderrWatch.ofBeginning(this.#stderr), journal: this.#journalCap });
    this.#sight.see({ attached: true, probed: true });
  }

  async #attach(): Promise<void> {
    await this.#openLink();
    this.#health = 'ok';
    const stderr = await StderrWatch.ofRunning(this.#stderr, this.state.last_seen_ms);
    this.#watch.begin({ stderr, journal: this.#journalCap });
    this.#sight.see({ attached: true, answered: new Set(), interrupted_turn: null });
    this.#outbox.lookUpSent();
  }

  async #openLink(): Promise<AttemptLink> {
    await this.#release(new FilareError({ code: 'ended', message: 'the channel is opened again' }));
    this.#holds += 1;
    const { attempt } = this.state;
    const prefix = `${String(attempt)}-${this.#around.now_ms().toString(36)}-${String(this.#holds)}`;
    this.#link = await AttemptLink.open(
      attemptPaths(attemptFolder(this.folder, attempt).folder),
      this.#memory.offset,
      prefix,
      {
        take: (lines) => this.#memory.take(lines),
        broken: (failure) => {
          this.#lose(asFilareError(failure));
        },
      },
    );
    return this.#link;
  }

  /** The journal cannot be followed any more (a full disk, a file that somebody touched): said once, tried again after a while. */
  #lose(failure: FilareError): void {
    this.#health = 'degraded';
    this.#around.log.error(
      { session_id: this.state.session_id, err: failure },
      'the journal cannot be followed; trying again',
    );
    // A full disk takes no such entry either; the memory says it when there is room.
    if (this.#lost !== failure.message && this.#memory.trouble === null)
      this.#say('error', `the journal cannot be followed: ${failure.message}`);
    this.#lost = failure.message;
    clearTimeout(this.#reattach);
    this.#reattach = setTimeout(() => {
      this.#sight.see({ attached: false });
      this.nudge();
    }, REATTACH_MS);
  }

  async #halt(): Promise<void> {
    const { stage } = this.state;
    if (stage.phase !== 'stopping') return;
    await halt({
      around: this.#around,
      folder: this.folder,
      state: this.state,
      link: this.#link,
      offset: () => this.#memory.offset,
      take: (lines) => this.#memory.take(lines),
    });
    this.#link = null;
    clearTimeout(this.#reattach);
    this.#health = 'unknown';
    this.#watch.end();
    this.#prepared = false;
    this.#sight.forgetAttempt();
    this.#calls.endOthers([]);
    await this.#memory.commit({ type: 'attempt_ended' });
  }

  async #answer(open: OpenRequest): Promise<void> {
    if (this.#link === null || open.decision === null) return;
    await answerRequest(this.#link.codex, open.request, open.decision);
    this.#sight.answered(open.prompt_id);
  }

  #interruptTurn(turn_id: string): Promise<void> {
    const { thread_id } = this.state;
    this.#sight.see({ interrupted_turn: turn_id });
    if (this.#link !== null && thread_id !== null) {
      this.#link.codex.request('turn/interrupt', { threadId: thread_id, turnId: turn_id }).catch((failure: unknown) => {
        this.#say('warning', `the interrupt was not taken: ${asFilareError(failure).message}`);
      });
    }
    return Promise.resolve();
  }

  #notice(news: SessionNews): void {
    let look = news.events.length === 0;
    for (const event of news.events) {
      this.#turns.take(event);
      if (event.type === 'response') this.#link?.codex.take(event);
      look ||= changesWhatIsNext(event);
      if (event.type === 'turn_ended' && this.state.outbox.some((m) => m.sent)) this.#sight.see({ probed: false });
    }
    this.#watch.take(news.events);
    this.#calls.endOthers(this.state.requests);
    if (look) this.nudge();
  }

  #say(level: 'note' | 'warning' | 'error', text: string): void {
    this.#memory.commit({ type: 'said', level, text, data: {} }).catch((failure: unknown) => {
      this.#around.log.error({ session_id: this.state.session_id, err: failure }, 'a note cannot be written down');
    });
  }

  async #release(cause: FilareError): Promise<void> {
    const link = this.#link;
    this.#link = null;
    clearTimeout(this.#reattach);
    await link?.close(cause);
  }

  #refuseEnded(): void {
    if (this.ended || this.state.desired === 'stopped') {
      throw new FilareError({
        code: 'ended',
        message: `session ${this.state.session_id} has ended`,
        hint: `filare-agents start --session ${this.state.agent.id}`,
      });
    }
  }

  /** Sleeps until nudged, or so long. A nudge that came while a step was under way counts. */
  async #sleep(delay_ms: number | null): Promise<void> {
    if (this.#awake) return;
    await new Promise<void>((resolve) => {
      const timer = delay_ms === null ? undefined : setTimeout(resolve, Math.min(delay_ms, 2 ** 31 - 1));
      this.#wake = () => {
        clearTimeout(timer);
        resolve();
      };
    });
    this.#wake = () => undefined;
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

/**
 * One session's life. The loop looks at what is and at what should be, takes the one next step (next.ts), and remembers it (session-memory.ts)
 * until nothing is left to do; then it sleeps until something changes. Operators' wishes are facts like any other.
 *
 * Invariants: one loop per session; one step at a time; nothing is done that was not written down before; a session that has ended holds
 * no container, pipe, timer or open file. Tests: tests/session.
 */
import type { AgentEvent } from '../contract/agent-event.js';
import { asFilareError, FilareError, unreachable } from '../contract/errors.js';
import type { Health, Prompt, SessionRow } from '../contract/session.js';
import type { ContainerView } from '../engine/engine.js';
import { answerRequest } from '../codex/answer.js';
import { containerOf } from './apply.js';
import { attemptFolder } from './attempt-folder.js';
import { AttemptLink } from './attempt-link.js';
import { handshake } from './handshake.js';
import { halt } from './halt.js';
import { agentFolders, bootstrapLines, modelKey, prepareAttempt, readSecrets } from './launch.js';
import { IN_CONTAINER } from './container-request.js';
import { deliver, type MessageRequest } from './message.js';
import { next, type Observed, type Step } from './next.js';
import { policyOf } from './policy.js';
import type { SessionFact } from './record.js';
import { openForPerson, toPrompt, toRow } from './row.js';
import { sessionFiles, type SessionMemory, type SessionNews } from './session-memory.js';
import type { OpenRequest, SessionState } from './state.js';
import { TurnWatch } from './turn-watch.js';
import type { SessionSurroundings } from './surroundings.js';
import { attemptPaths } from '../channel/attempt-files.js';

const STEP_RETRY_FIRST_MS = 500;
const STEP_RETRY_MAX_MS = 30_000;
const PROBE_DEADLINE_MS = 30_000;
const MAX_RESENDS = 3;
const REATTACH_MS = 5_000;

/** A session that is not over. */
export class Session {
  readonly folder: string;
  readonly #around: SessionSurroundings;
  readonly #memory: SessionMemory;
  readonly #turns = new TurnWatch();
  readonly #resends = new Map<string, number>();
  /** Prompts whose decision is being written down: the first one counts. */
  readonly #deciding = new Set<string>();
  #observed: Observed = {
    container: { state: 'unknown' },
    no_room: null,
    attached: false,
    probed: true,
    answered: new Set(),
    interrupted_turn: null,
  };
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
    memory.watch((news) => {
      this.#notice(news);
    });
  }

  /** Begins the loop. */
  begin(): void {
    this.#lookUpSent();
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
      health: this.#health,
      manifest_changed: this.#around.manifestChanged(this.state.agent),
    });
  }

  get prompts(): readonly Prompt[] {
    return openForPerson(this.state).map((open) => toPrompt(this.state, open));
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

  /** Records a person's decision; the loop carries it to exactly that request. */
  async decide(
    prompt_id: string,
    decision: { readonly choice: string; readonly reason: string | null; readonly by: string },
  ): Promise<Prompt> {
    const open = this.state.requests.find((o) => o.prompt_id === prompt_id);
    if (open === undefined)
      throw new FilareError({
        code: 'not_found',
        message: `no prompt ${prompt_id} is open`,
        hint: 'filare-agents feedback list',
      });
    if (this.state.stage.phase !== 'running') {
      throw new FilareError({
        code: 'ended',
        message: `the attempt of ${this.state.agent.id} that asked ${prompt_id} is ending; nobody waits for the answer`,
      });
    }
    if (open.decision !== null || this.#deciding.has(prompt_id)) {
      const how = open.decision === null ? '' : `: ${open.decision.choice} by ${open.decision.by}`;
      throw new FilareError({ code: 'conflict', message: `prompt ${prompt_id} was decided already${how}` });
    }
    if (open.request.kind === 'approval' && !open.request.choices.includes(decision.choice)) {
      throw new FilareError({
        code: 'usage',
        message: `prompt ${prompt_id} takes ${open.request.choices.join(', ')}, not ${decision.choice}`,
      });
    }
    const prompt = toPrompt(this.state, open);
    this.#deciding.add(prompt_id);
    try {
      await this.#memory.commit({
        type: 'decision',
        prompt_id,
        request_id: open.request.request_id,
        choice: decision.choice,
        by: decision.by,
        reason: decision.reason,
        rule: null,
      });
    } finally {
      this.#deciding.delete(prompt_id);
    }
    this.nudge();
    return prompt;
  }

  /** What the engine says of the session's container now; `null`: it was not in the list. */
  observe(container: ContainerView | null): void {
    const ref = containerOf(this.state.stage);
    if (ref === null || (container !== null && container.id !== ref.id)) return;
    if (container === null) {
      // A list takes a while, and this container may have been made meanwhile: ask for it by its id before believing.
      void this.#confirmAbsent(ref.id);
      return;
    }
    this.#see(container);
  }

  async #confirmAbsent(container_id: string): Promise<void> {
    try {
      const found = await this.#around.engine.inspect(container_id);
      if (containerOf(this.state.stage)?.id === container_id) this.#see(found ?? null);
    } catch (failure) {
      this.#around.log.warn(
        { session_id: this.state.session_id, err: failure },
        'the engine did not say whether a container is gone; the next look asks again',
      );
    }
  }

  #see(container: ContainerView | null): void {
    // On its way out it is neither alive nor gone: the next look says which.
    if (container?.state === 'removing') return;
    const alive = container !== null && container.state !== 'exited' && container.state !== 'dead';
    this.#observed = {
      ...this.#observed,
      container:
        container === null
          ? { state: 'absent' }
          : alive
            ? { state: 'alive' }
            : { state: 'exited', exit_code: container.exit_code ?? null, out_of_memory: container.oom_killed },
    };
    if (!alive) {
      if (this.state.stage.phase === 'starting') {
        const how =
          container === null
            ? 'was removed by someone else'
            : `ended with exit status ${String(container.exit_code ?? 'unknown')}${container.oom_killed ? ' (out of memory)' : ''}`;
        this.#stepEnding.abort(
          new FilareError({ code: 'bad_state', message: `its container ${how} before it was ready` }),
        );
      }
      this.nudge();
    }
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
      this.#observed = {
        ...this.#observed,
        no_room:
          this.state.stage.phase === 'queued' ? this.#around.noRoom(this.state.session_id, this.state.agent) : null,
      };
      const step = next(this.state, this.#observed, policyOf, this.#around.now_ms());
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
        return this.#probe();
      case 'halt':
        return this.#halt();
      case 'answer':
        return this.#answer(step.open);
      case 'interrupt':
        return this.#interruptTurn(step.turn_id);
      case 'deliver':
        return this.#deliver(step);
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
    this.#observed = { ...this.#observed, container: { state: 'unknown' } };
    this.#prepared = true;
  }

  async #launch(): Promise<void> {
    const { stage, attempt } = this.state;
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
      for (const line of bootstrapLines(this.state.agent, secrets, 'codex')) await link.write(line);
      await this.#around.engine.start(stage.container.id, { signal });
      await this.#memory.commit({ type: 'container_started' });
      const { thread_id, resumed } = await handshake(
        link.codex,
        this.state,
        signal,
        attemptPaths(attemptFolder(this.folder, attempt).folder).err,
        modelKey(this.state.agent, secrets),
      );
      await this.#memory.commit({ type: 'running', thread_id, resumed });
    }, signal);
    this.#health = 'ok';
    this.#observed = { ...this.#observed, attached: true, probed: true };
  }

  async #attach(): Promise<void> {
    await this.#openLink();
    this.#health = 'ok';
    this.#observed = { ...this.#observed, attached: true, answered: new Set(), interrupted_turn: null };
    this.#lookUpSent();
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
    if (this.#lost !== failure.message) this.#say('error', `the journal cannot be followed: ${failure.message}`);
    this.#lost = failure.message;
    clearTimeout(this.#reattach);
    this.#reattach = setTimeout(() => {
      this.#observed = { ...this.#observed, attached: false };
      this.nudge();
    }, REATTACH_MS);
  }

  /** Round trip that cannot overtake what lies unread in the pipe: afterwards a message that was not shown was not taken. */
  async #probe(): Promise<void> {
    const { thread_id } = this.state;
    if (this.#link !== null && thread_id !== null) {
      await this.#link.codex.request(
        'thread/read',
        { threadId: thread_id, includeTurns: false },
        { deadline_ms: PROBE_DEADLINE_MS, signal: this.#stepEnding.signal },
      );
    }
    const { stage } = this.state;
    // A turn that runs may yet show what it was steered with (a command keeps it busy): its end asks again.
    const lost = stage.phase === 'running' && stage.turn === null ? this.state.outbox.filter((m) => m.sent) : [];
    for (const message of lost) {
      const resends = (this.#resends.get(message.message_id) ?? 0) + 1;
      this.#resends.set(message.message_id, resends);
      await this.#memory.commit({
        type: 'not_taken',
        message_id: message.message_id,
        reason: 'Codex has not shown it',
        again: resends <= MAX_RESENDS,
      });
    }
    this.#observed = { ...this.#observed, probed: true };
  }

  /** Messages that were sent and are not shown have to be looked up before anything else is sent. */
  #lookUpSent(): void {
    this.#observed = { ...this.#observed, probed: !this.state.outbox.some((m) => m.sent) };
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
    this.#prepared = false;
    this.#observed = {
      ...this.#observed,
      container: { state: 'unknown' },
      attached: false,
      probed: true,
      answered: new Set(),
      interrupted_turn: null,
    };
    await this.#memory.commit({ type: 'attempt_ended' });
  }

  async #answer(open: OpenRequest): Promise<void> {
    if (this.#link === null || open.decision === null) return;
    await answerRequest(this.#link.codex, open.request, open.decision);
    this.#observed = { ...this.#observed, answered: new Set([...this.#observed.answered, open.prompt_id]) };
  }

  #interruptTurn(turn_id: string): Promise<void> {
    const { thread_id } = this.state;
    this.#observed = { ...this.#observed, interrupted_turn: turn_id };
    if (this.#link !== null && thread_id !== null) {
      this.#link.codex.request('turn/interrupt', { threadId: thread_id, turnId: turn_id }).catch((failure: unknown) => {
        this.#say('warning', `the interrupt was not taken: ${asFilareError(failure).message}`);
      });
    }
    return Promise.resolve();
  }

  async #deliver(step: Extract<Step, { do: 'deliver' }>): Promise<void> {
    const { message } = step;
    const { stage, thread_id } = this.state;
    if (this.#link === null || thread_id === null || stage.phase !== 'running') return;
    const turn_id = stage.turn?.turn_id ?? null;
    const outgoing = {
      message_id: message.message_id,
      text: message.text,
      images: message.images.map((name) => `${IN_CONTAINER.images}/${name}`),
    };
    await this.#memory.commit({ type: 'sent', message_id: message.message_id, turn_id });
    const taken =
      turn_id === null
        ? this.#link.codex.startTurn(thread_id, outgoing)
        : this.#link.codex.steerTurn(thread_id, turn_id, outgoing);
    taken.catch((failure: unknown) => {
      const known = asFilareError(failure);
      // When the attempt ends, its end says what becomes of the message.
      if (known.code === 'ended' || !this.state.outbox.some((m) => m.message_id === message.message_id)) return;
      if (known.code === 'timeout' || known.code === 'version_mismatch') {
        // No refusal: it may have been taken, and what is sent twice is delivered twice. The journal knows.
        this.#lookUpSent();
        this.nudge();
        return;
      }
      this.#memory
        .commit({ type: 'not_taken', message_id: message.message_id, reason: known.message, again: turn_id !== null })
        .then(() => this.nudge())
        .catch((again: unknown) =>
          this.#around.log.error(
            { session_id: this.state.session_id, err: again },
            'a refused message cannot be written down',
          ),
        );
    });
  }

  #notice(news: SessionNews): void {
    let look = news.events.length === 0;
    for (const event of news.events) {
      this.#turns.take(event);
      if (event.type === 'response') this.#link?.codex.take(event);
      look ||= changesWhatIsNext(event);
      if (event.type === 'turn_ended' && this.state.outbox.some((m) => m.sent))
        this.#observed = { ...this.#observed, probed: false };
    }
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

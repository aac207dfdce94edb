import type { AgentEvent } from '../contract/agent-event.js';
import { asFilareError } from '../contract/errors.js';
import type { Health } from '../contract/session.js';
import { promptId } from '../transcript/prompt-id.js';
import type { AttemptLink } from './attempt-link.js';
import { JOURNAL_LOOK_MS, type JournalCap } from './journal-cap.js';
import { STALL_CHOICES } from './next-own-prompt.js';
import { openForPerson } from './prompts.js';
import type { SessionMemory } from './session-memory.js';
import type { Sight } from './sight.js';
import type { SessionState } from './state.js';
import type { StderrWatch } from './stderr-watch.js';
import type { SessionSurroundings } from './surroundings.js';

/** What watching needs of the session. */
export interface HealthContext {
  readonly around: Pick<SessionSurroundings, 'log' | 'engineTrouble'>;
  readonly memory: SessionMemory;
  readonly sight: Sight;
  readonly link: () => AttemptLink | null;
  readonly nudge: () => void;
  /** The folder that Codex keeps its history in, for people. */
  readonly codex_home: () => string;
  /** Milliseconds that pass whatever the clock is set to. */
  readonly monotonic_ms: () => number;
}

/** Signs of life: what an agent does, not that it answers us. */
const PROGRESS: ReadonlySet<AgentEvent['type']> = new Set([
  'turn_started',
  'turn_ended',
  'item_started',
  'item_piece',
  'item_done',
  'message_shown',
  'plan',
  'tokens',
  'request',
  'request_closed',
]);

/** What Codex says of a turn on its standard error may come so long after the turn's end, in milliseconds. */
const AFTER_TURN_MS = 500;

/**
 * Looks at a running agent every `health.interval`. Five findings, told apart: its container (the engine says), Codex answering a cheap request within
 * `health.timeout` (`unresponsive` where it does not; after `health.failures` in a row its attempt ends), its input being read (a pipe that nobody reads is
 * reported, never waited for), its turn making progress (`stalled` after `health.stall_after`: announced and asked about, for quiet is not dead), and its
 * history being kept (`degraded` from when Codex says that it is not, until a whole turn was).
 */
export class HealthWatch {
  readonly #context: HealthContext;
  #timer: NodeJS.Timeout | undefined;
  #sizeTimer: NodeJS.Timeout | undefined;
  #journal: JournalCap | null = null;
  /** How far the journal had been read at the last look at its size. */
  #sized = -1;
  #misses = 0;
  #looking = false;
  #progress_ms: number;
  #stalled = false;
  /** Stalls that were announced, for the ids of their prompts. */
  #stalls = 0;
  #stderr: StderrWatch | null = null;
  /** Looks at it under way, one after the other. */
  #lookingAtStderr: Promise<void> = Promise.resolve();
  /** Why Codex does not keep its history; null while it does. */
  #unkept: string | null = null;
  /** Since a turn began, all of it was kept. */
  #turnIsKept = false;

  constructor(context: HealthContext) {
    this.#context = context;
    this.#progress_ms = context.monotonic_ms();
  }

  /** What was found, as far as looking finds it. */
  get health(): Health {
    if (this.#misses > 0) return 'unresponsive';
    if (this.#stalled) return 'stalled';
    return this.#unkept === null ? 'ok' : 'degraded';
  }

  /** What is wrong beyond one word, as a sentence; null when nothing is. */
  get trouble(): string | null {
    return this.#unkept === null ? null : `Codex cannot keep its history: ${this.#unkept}`;
  }

  /** The attempt runs and its channel is held: begins to look. */
  begin({ stderr, journal }: { readonly stderr: StderrWatch; readonly journal: JournalCap }): void {
    this.end();
    this.#journal = journal;
    // An agent that says nothing costs nothing: its standard error alone grows slowly enough for the other look.
    this.#sizeTimer = setInterval(() => {
      const { offset } = this.#context.memory;
      if (offset !== this.#sized) void this.#lookAtSize();
      this.#sized = offset;
    }, JOURNAL_LOOK_MS);
    this.#sizeTimer.unref();
    this.#stderr = stderr;
    const { interval_ms } = this.#state.agent.health;
    this.#progress_ms = this.#context.monotonic_ms();
    this.#timer = setInterval(() => void this.#look(), Math.max(interval_ms, 100));
    this.#timer.unref();
  }

  /** Looks no more; nothing that was found holds for the next attempt. */
  end(): void {
    clearInterval(this.#timer);
    clearInterval(this.#sizeTimer);
    this.#timer = undefined;
    this.#misses = 0;
    this.#stalled = false;
    this.#stderr = null;
    this.#journal = null;
    this.#sized = -1;
    this.#unkept = null;
    this.#turnIsKept = false;
  }

  /** Takes in what the agent did. */
  take(events: readonly AgentEvent[]): void {
    for (const event of events) {
      if (event.type === 'turn_started') this.#turnIsKept = true;
      if (event.type === 'turn_ended')
        setTimeout(() => void this.#lookForHistory('a turn has ended'), AFTER_TURN_MS).unref();
    }
    if (!events.some((event) => PROGRESS.has(event.type))) return;
    this.#progress_ms = this.#context.monotonic_ms();
    if (this.#stalled) this.#recover();
  }

  get #state(): SessionState {
    return this.#context.memory.state;
  }

  async #look(): Promise<void> {
    const { stage } = this.#state;
    if (this.#looking || stage.phase !== 'running' || this.#context.sight.now.container.state === 'paused') return;
    this.#looking = true;
    try {
      await this.#ask();
      await this.#lookForProgress();
      await this.#lookForHistory('meanwhile');
      await this.#lookAtSize();
    } catch (failure) {
      const { session_id } = this.#state;
      this.#context.around.log.warn({ session_id, err: failure }, 'a look at an agent failed');
    } finally {
      this.#looking = false;
    }
  }

  async #ask(): Promise<void> {
    const link = this.#context.link();
    if (link === null) return;
    const { timeout_ms } = this.#state.agent.health;
    try {
      await link.codex.request('thread/loaded/list', {}, { deadline_ms: timeout_ms });
      if (this.#misses > 0) await this.#say('note', 'Codex answers again');
      this.#misses = 0;
    } catch (failure) {
      const { code, message } = asFilareError(failure);
      // Closed by us: that is no finding about Codex. A refusal is an answer.
      if (code === 'ended' || code === 'interrupted' || link !== this.#context.link()) return;
      if (code === 'bad_state' || code === 'version_mismatch') this.#misses = 0;
      else await this.#missed(code === 'limit_exceeded' ? 'nobody reads its input' : message);
    }
  }

  async #missed(what: string): Promise<void> {
    // Its container may have ended with the engine: that is looked at first, and without the engine no attempt can end.
    if (this.#context.around.engineTrouble() !== null) return;
    const { failures } = this.#state.agent.health;
    this.#misses += 1;
    await this.#say('warning', `${what} (${String(this.#misses)} of ${String(failures)} looks)`);
    if (this.#misses < failures || this.#state.stage.phase !== 'running') return;
    const reason = `Codex has not answered ${String(this.#misses)} looks in a row: ${what}`;
    await this.#context.memory.commit({ type: 'attempt_ending', cause: 'unresponsive', reason, grace_ms: 2_000 });
    this.#context.nudge();
  }

  /** A turn that waits for a person, or for another agent, is not stalled. */
  async #lookForProgress(): Promise<void> {
    const state = this.#state;
    const { stage, agent } = state;
    const waits = openForPerson(state).length > 0 || this.#context.sight.now.calling.size > 0;
    const quiet_ms = this.#context.monotonic_ms() - this.#progress_ms;
    if (stage.phase !== 'running' || stage.turn === null || waits || this.#stalled) {
      if (waits) this.#progress_ms = this.#context.monotonic_ms();
      return;
    }
    if (quiet_ms < agent.health.stall_after_ms) return;
    this.#stalled = true;
    this.#stalls += 1;
    const minutes = String(Math.round(quiet_ms / 6_000) / 10);
    await this.#context.memory.commit({
      type: 'question',
      prompt_id: this.#stallPrompt,
      asked_by: 'filare-agents',
      origin: 'stall',
      ask: {
        question: `${agent.id} has shown no sign for ${minutes} minutes within a turn, and Codex answers. Wait, interrupt the turn, or restart it?`,
        choices: [...STALL_CHOICES],
        suggested_reply: 'wait',
        severity: 'warning',
      },
    });
    this.#context.nudge();
  }

  async #lookAtSize(): Promise<void> {
    const { attempt } = this.#state;
    const found = await this.#journal?.look();
    if (
      found === undefined ||
      found.size === 'ok' ||
      this.#state.attempt !== attempt ||
      this.#state.stage.phase !== 'running'
    )
      return;
    const { memory, around, nudge } = this.#context;
    const mib = `${(found.bytes / 2 ** 20).toFixed()} MiB`;
    try {
      if (found.size === 'large')
        return await this.#say('warning', `what it wrote in this attempt takes ${mib} of the disk`);
      clearInterval(this.#sizeTimer);
      const reason = `what it wrote in this attempt takes ${mib} of the disk, more than one attempt may`;
      const failure = {
        code: 'limit_exceeded',
        hint: 'look at what it did last; cleanup removes its record once it is stopped',
      } as const;
      await memory.commit({ type: 'attempt_ending', cause: 'journal_full', reason, grace_ms: 0, ...failure });
      nudge();
    } catch (failure) {
      around.log.warn(
        { session_id: this.#state.session_id, err: failure },
        'the size of a journal could not be acted on',
      );
    }
  }

  /** Codex goes on without its history, and would have lost it with the next attempt: nothing else says so in time. */
  #lookForHistory(when: 'a turn has ended' | 'meanwhile'): Promise<void> {
    const stderr = this.#stderr;
    this.#lookingAtStderr = this.#lookingAtStderr
      .then(async () => {
        const reason = await stderr?.look();
        if (stderr === null || stderr !== this.#stderr || reason === undefined) return;
        if (reason !== null) {
          this.#turnIsKept = false;
          if (reason === this.#unkept) return;
          this.#unkept = reason;
          await this.#say(
            'warning',
            `${this.trouble ?? ''}. What is said now it will not know after a restart; this transcript has it. Make room for ${this.#context.codex_home()}, or put it right`,
          );
        } else if (when === 'a turn has ended' && this.#turnIsKept && this.#unkept !== null) {
          this.#unkept = null;
          await this.#say('note', 'Codex keeps its history again');
        }
      })
      .catch((failure: unknown) => {
        const { session_id } = this.#state;
        this.#context.around.log.warn({ session_id, err: failure }, 'what was found about an agent could not be said');
      });
    return this.#lookingAtStderr;
  }

  get #stallPrompt(): string {
    return promptId(this.#state.session_id, this.#state.attempt, `stall-${String(this.#stalls)}`);
  }

  #recover(): void {
    this.#stalled = false;
    const prompt_id = this.#stallPrompt;
    if (!this.#state.own_prompts.some((own) => own.prompt_id === prompt_id && own.decision === null)) return;
    this.#context.memory
      .commit({ type: 'settled', prompt_id, outcome: 'withdrawn' })
      .then(this.#context.nudge)
      .catch((failure: unknown) => {
        const { session_id } = this.#state;
        this.#context.around.log.warn({ session_id, err: failure }, 'the end of a stall could not be written down');
      });
  }

  async #say(level: 'note' | 'warning', text: string): Promise<void> {
    await this.#context.memory.commit({ type: 'said', level, text, data: { health: this.health } });
  }
}

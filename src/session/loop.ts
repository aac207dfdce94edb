/**
 * What makes a session go on: the loop looks at what is and at what should be, takes the one next step (next.ts), and remembers it (session-memory.ts)
 * until nothing is left to do; then it sleeps until something changes.
 *
 * Invariants: one loop per session; one step at a time; a step that fails is tried again, later and later.
 */
import { asFilareError, FilareError } from '../contract/errors.js';
import { isOver } from '../contract/phase.js';
import { next } from './next.js';
import type { SessionMemory } from './session-memory.js';
import type { Sight } from './sight.js';
import type { Steps } from './steps.js';
import type { SessionSurroundings } from './surroundings.js';

const STEP_RETRY_FIRST_MS = 500;
const STEP_RETRY_MAX_MS = 30_000;

/** What the loop works with. */
export interface LoopContext {
  readonly around: Pick<SessionSurroundings, 'noRoom' | 'now_ms' | 'log'>;
  readonly memory: SessionMemory;
  readonly sight: Sight;
  readonly steps: Steps;
}

/** See the top of this file. */
export class SessionLoop {
  readonly #context: LoopContext;
  #stepEnding = new AbortController();
  #wake: () => void = () => undefined;
  #awake = false;
  #letGo = false;

  constructor(context: LoopContext) {
    this.#context = context;
  }

  /** Resolves when the session is over and all it held is closed, or after `letGo`. Never rejects. */
  async run(): Promise<void> {
    const { around, memory, sight, steps } = this.#context;
    let retry_ms = STEP_RETRY_FIRST_MS;
    while (!this.#isLetGo()) {
      this.#awake = false;
      const { phase } = memory.state.stage;
      sight.see({ no_room: phase === 'queued' ? around.noRoom(memory.state.session_id) : null });
      const step = next(memory.state, sight.now, around.now_ms());
      if (step.do === 'nothing' && isOver(memory.state.stage)) break;
      if (step.do === 'nothing' || step.do === 'wait') {
        await this.#sleep(step.do === 'nothing' ? null : Math.max(1, step.until_ms - around.now_ms()));
        retry_ms = STEP_RETRY_FIRST_MS;
        continue;
      }
      this.#stepEnding = new AbortController();
      try {
        await steps.perform(step, this.#stepEnding.signal);
        retry_ms = STEP_RETRY_FIRST_MS;
      } catch (failure) {
        if (this.#isLetGo()) break;
        if (await steps.failed(step, asFilareError(failure)).catch(() => false)) continue;
        await this.#sleep(retry_ms);
        retry_ms = Math.min(retry_ms * 2, STEP_RETRY_MAX_MS);
      }
    }
    try {
      await steps.close(new FilareError({ code: 'ended', message: 'the daemon stops' }));
      await memory.close();
    } catch (failure) {
      // Nobody can do anything about it, and those who wait for the end must not fail for it.
      around.log.error({ session_id: memory.state.session_id, err: failure }, 'a session was not closed cleanly');
    }
  }

  /** Something changed: look again. */
  nudge(): void {
    this.#awake = true;
    this.#wake();
  }

  /** The step under way is given up. */
  endStep(cause?: unknown): void {
    this.#stepEnding.abort(cause);
  }

  /** The step under way is given up, and no other is taken. */
  letGo(): void {
    this.#letGo = true;
    this.endStep();
    this.nudge();
  }

  /** Asked anew each time: it changes while a step is awaited. */
  #isLetGo(): boolean {
    return this.#letGo;
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

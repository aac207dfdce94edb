/**
 * Progress of long work, on standard error. `auto` is a block drawn in place on a terminal and plain lines elsewhere; `plain` one line a step
 * and a line of output; `json` NDJSON of `{step, text, status}`; `quiet` nothing.
 */
import type { CliContext } from './context.js';
import { sayDuration } from './duration.js';
import { LiveScreen } from './live-screen.js';
import type { Output } from './output.js';
import { styled, type Span } from './style.js';

/** Ways to show progress: what `--progress` takes. */
export const PROGRESS_MODES = ['auto', 'plain', 'json', 'quiet'] as const;
/** A way to show progress. */
export type ProgressMode = (typeof PROGRESS_MODES)[number];

/** Lines of output of the running step that are shown on a terminal. */
const SHOWN_LINES = 6;
/** How often the elapsed time is drawn again, in milliseconds. */
const REDRAW_MS = 500;

/** What surrounds a progress display. */
export interface ProgressOptions {
  readonly out: Output;
  readonly mode: ProgressMode;
  readonly now_ms: () => number;
}

/**
 * Shows in which step `work` is while somebody looks on: standard error is a terminal, and neither `--json` nor `-q` was given. Nothing of it stays once
 * the work is over.
 */
export async function showingSteps<T>(
  { out, globals, now_ms }: Pick<CliContext, 'out' | 'globals' | 'now_ms'>,
  name: string,
  work: (on_step: ((id: string, step: string) => void) | undefined) => Promise<T>,
): Promise<T> {
  if (!out.talks_to_terminal || globals.json === true || globals.quiet === true) return work(undefined);
  const progress = new ProgressDisplay({ out, mode: 'auto', now_ms });
  progress.step(name);
  try {
    return await work((id, step) => progress.replace(id, step));
  } finally {
    progress.erase();
  }
}

interface Step {
  readonly name: string;
  readonly since_ms: number;
  status: 'running' | 'done' | 'failed';
  detail: string;
  took_ms: number;
  lines: string[];
}

/** Shows steps as they run. One step at a time; `step` ends the one before it as done. */
export class ProgressDisplay {
  readonly #out: Output;
  readonly #mode: ProgressMode | 'screen';
  readonly #now_ms: () => number;
  readonly #screen: LiveScreen;
  readonly #steps: Step[] = [];
  #timer: NodeJS.Timeout | undefined;

  constructor(options: ProgressOptions) {
    this.#out = options.out;
    this.#now_ms = options.now_ms;
    this.#mode = options.mode === 'auto' ? (options.out.talks_to_terminal ? 'screen' : 'plain') : options.mode;
    this.#screen = new LiveScreen(options.out, 'stderr');
  }

  /** A new step begins. */
  step(name: string): void {
    this.done();
    this.#steps.push({ name, since_ms: this.#now_ms(), status: 'running', detail: '', took_ms: 0, lines: [] });
    this.#report(name, '', 'running');
    if (this.#mode === 'plain') this.#out.note(styled('bold', `${name} …`));
    this.#draw();
    this.#timer ??= this.#mode === 'screen' ? setInterval(() => this.#draw(), REDRAW_MS) : undefined;
  }

  /** Output of the running step. */
  text(text: string): void {
    const step = this.#running();
    const lines = text.split('\n').filter((line) => line.trim() !== '');
    if (step !== undefined) step.lines = [...step.lines, ...lines].slice(-SHOWN_LINES);
    this.#report(step?.name ?? '', text, 'running');
    if (this.#mode === 'plain') for (const line of lines) this.#out.note(styled('dim', `  ${line}`));
    this.#draw();
  }

  /** What the running step does for one of several at once, in place of what was said of that one before. */
  replace(id: string, words: string): void {
    const step = this.#running();
    if (step === undefined) return;
    const line = `${id}: ${words}`;
    const at = step.lines.findIndex((said) => said.startsWith(`${id}: `));
    step.lines = at === -1 ? [...step.lines, line].slice(-SHOWN_LINES) : step.lines.with(at, line);
    this.#draw();
  }

  /** No more steps, and nothing of them stays. */
  erase(): void {
    clearInterval(this.#timer);
    this.#timer = undefined;
    this.#screen.erase();
    this.#steps.length = 0;
  }

  /** The running step is done. */
  done(detail = ''): void {
    this.#finish('done', detail);
  }

  /** The running step failed; the failure itself is shown by whoever handles it. */
  failed(detail = ''): void {
    this.#finish('failed', detail);
  }

  /** No more steps: what is drawn stays. Safe to call again. */
  close(): void {
    clearInterval(this.#timer);
    this.#timer = undefined;
    this.#screen.leave();
    this.#steps.length = 0;
  }

  #finish(status: 'done' | 'failed', detail: string): void {
    const step = this.#running();
    if (step === undefined) return;
    step.status = status;
    step.detail = detail;
    step.took_ms = this.#now_ms() - step.since_ms;
    this.#report(step.name, detail, status);
    if (this.#mode === 'plain') this.#out.note(...summary(step, this.#now_ms()));
    this.#draw();
  }

  #running(): Step | undefined {
    return this.#steps.find((step) => step.status === 'running');
  }

  #report(step: string, text: string, status: Step['status']): void {
    if (this.#mode === 'json') this.#out.jsonError({ step, text, status });
  }

  #draw(): void {
    if (this.#mode !== 'screen') return;
    const now_ms = this.#now_ms();
    this.#screen.draw(
      this.#steps.flatMap((step) => [
        summary(step, now_ms),
        ...(step.status === 'done' ? [] : step.lines.map((line): Span[] => [styled('dim', `    ${line}`)])),
      ]),
    );
  }
}

function summary(step: Step, now_ms: number): Span[] {
  const detail = step.detail === '' ? '' : ` ${step.detail}`;
  switch (step.status) {
    case 'running':
      return [styled('cyan', '…'), ` ${step.name} `, styled('dim', sayDuration(now_ms - step.since_ms))];
    case 'done':
      return [styled('green', '✓'), ` ${step.name}${detail} `, styled('dim', sayDuration(step.took_ms))];
    case 'failed':
      return [styled('red', '✗'), ` ${step.name}${detail}`];
  }
}

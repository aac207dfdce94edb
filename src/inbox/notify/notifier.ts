import { basename } from 'node:path';
import type { NotifyWay } from '../../contract/agent-spec.js';
import type { Prompt, PromptDecision } from '../../contract/session.js';
import { notification, type Notification, type NotifyEvent } from './notification.js';
import { laneOf, notifyAll, waysFor, type TryLimits } from './notify-all.js';
import { GivenUp, type NotifyOutcome } from './outcome.js';
import { saidOnce } from './said-once.js';
import { thisMachine, type Surroundings } from './surroundings.js';
import { Turns } from './turns.js';

/** Notifications that wait or are under way, at most. */
export const MAX_NOTIFICATIONS = 1000;
/** Tries under way at once, at most; of one way there is one at a time. */
export const TRIES_AT_ONCE = 4;
/** `close` takes no longer, in milliseconds. */
const CLOSE_MS = 1000;

/** Trouble with telling the operator of a prompt: `outcome.outcome` is `failed` or `unavailable`. */
export interface NotifyReport {
  readonly prompt: Prompt;
  readonly outcome: NotifyOutcome;
}

/** What a notifier is made with. */
export interface NotifierOptions {
  readonly project_root: string;
  /** Told of each trouble once for an agent, a way and a kind of error, until that way works again. What it throws is dropped. */
  readonly report: (report: NotifyReport) => void;
  /** MAX_NOTIFICATIONS when absent. */
  readonly max_notifications?: number | undefined;
  /** All tries of one notification end after so many milliseconds; NOTIFY_DEADLINE_MS when absent. */
  readonly deadline_ms?: number | undefined;
  readonly limits?: TryLimits | undefined;
}

interface Job {
  readonly made: Notification;
  readonly over: AbortController;
}

/** Tells operators of prompts, and holds up nobody: `tell` does not wait, a way that hangs delays only what goes the same way, and each has an end. */
export class Notifier {
  readonly #options: NotifierOptions;
  readonly #around: Surroundings;
  readonly #turns = new Turns(TRIES_AT_ONCE);
  readonly #said = saidOnce();
  /** Oldest first. */
  readonly #jobs = new Set<Job>();
  /** Of these jobs, and of dropped ones that are still ending. */
  readonly #runs = new Set<Promise<void>>();
  #dropped = 0;
  #closed: Promise<void> | undefined;

  constructor(options: NotifierOptions, around: Surroundings = thisMachine()) {
    this.#options = options;
    this.#around = around;
  }

  /** Notifications that were dropped because too many waited. */
  get dropped(): number {
    return this.#dropped;
  }

  /** Notifications that wait or are under way. */
  get waiting(): number {
    return this.#jobs.size;
  }

  /** Has the operator told, in these ways, and returns at once; does not throw. `prompt` is masked already. After `close` it does nothing. */
  tell(event: NotifyEvent, prompt: Prompt, ways: readonly NotifyWay[], decision?: PromptDecision): void {
    if (this.#closed !== undefined || ways.length === 0) return;
    const project = basename(this.#options.project_root);
    const made = notification({ event, project, prompt, decision }, new Date(this.#around.now()));
    const wanted = waysFor(made, ways);
    if (wanted.length === 0) return;
    const job: Job = { made, over: new AbortController() };
    this.#jobs.add(job);
    const run = this.#run(made, wanted, job.over.signal).finally(() => {
      this.#jobs.delete(job);
      this.#runs.delete(run);
    });
    this.#runs.add(run);
    if (this.#jobs.size > (this.#options.max_notifications ?? MAX_NOTIFICATIONS)) this.#dropOne();
  }

  /** Ends all that waits or is under way, and is over within a second; what is ended so is not reported. */
  close(): Promise<void> {
    this.#closed ??= this.#end();
    return this.#closed;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  async #run(made: Notification, ways: readonly NotifyWay[], signal: AbortSignal): Promise<void> {
    const { project_root, deadline_ms, limits } = this.#options;
    const options = { project_root, deadline_ms, limits, signal, turns: this.#turns };
    const outcomes = await notifyAll(made, ways, options, this.#around);
    if (this.#closed !== undefined) return;
    outcomes.forEach((outcome, index) => {
      const way = ways[index];
      if (way === undefined || !this.#said.isNews(made.prompt.id, laneOf(way), outcome)) return;
      try {
        this.#options.report({ prompt: made.prompt, outcome });
      } catch {
        // Whoever is told has trouble of their own.
      }
    });
  }

  /** A reminder is missed least; where there is none the oldest is out of date first. */
  #dropOne(): void {
    const jobs = [...this.#jobs];
    const victim = jobs.find(({ made }) => made.type === 'prompt.reminder') ?? jobs[0];
    if (victim === undefined) return;
    this.#jobs.delete(victim);
    this.#dropped += 1;
    victim.over.abort(new GivenUp('dropped', 'was dropped: too many notifications wait'));
  }

  async #end(): Promise<void> {
    for (const { over } of this.#jobs) over.abort(new GivenUp('closed', 'was stopped'));
    let timer: NodeJS.Timeout | undefined;
    const enough = new Promise<void>((resolve) => {
      timer = setTimeout(resolve, CLOSE_MS);
    });
    await Promise.race([Promise.all(this.#runs), enough]);
    clearTimeout(timer);
  }
}

import type { RuleCondition } from '../contract/agent-spec.js';
import type { PauseQuestion } from '../contract/api-shapes.js';
import type { DiffScope } from '../contract/homecoming.js';
import type { EnsureDaemonOptions } from './ensure-daemon.js';

/** How to find the fleet. */
export interface FleetOptions {
  /** The project's folder; else it is looked for from `cwd` upwards. */
  readonly project?: string | undefined;
  readonly cwd?: string;
  readonly env?: Readonly<Record<string, string | undefined>>;
  /** Start the daemon when none answers (default true). */
  readonly start_daemon?: boolean;
  readonly signal?: AbortSignal | undefined;
  /** The program that is the daemon; this package's own when absent. */
  readonly daemon_command?: EnsureDaemonOptions['command'];
}

/** A rehearsal script, compiled, for a start. */
export interface RehearsalInput {
  readonly script: unknown;
  /** Where it was read from, for people. */
  readonly origin: string;
}

/** How to start agents. */
export interface StartOptions {
  readonly rehearsal?: RehearsalInput | undefined;
  /** Each begins while fewer agents of the project than this run; the others wait in the queue. Absent: as `configs/filare.yml` says. */
  readonly max_parallel?: number | undefined;
}

/** How to fork a session. */
export interface ForkOptions {
  /** Id of the new agent. */
  readonly as: string;
  /** Its first message; without one it waits. */
  readonly message?: string | undefined;
}

/** How to send a message. */
export interface SendOptions {
  /** While a turn runs: `queue` it, `steer` the turn with it, `interrupt` the turn for it. `default`: queue, but `blocked` when a prompt is open. */
  readonly mode?: 'default' | 'queue' | 'steer' | 'interrupt';
  /** Wait so many milliseconds for the end of the turn that takes it; `timeout` and `turn_failed` are thrown. */
  readonly wait_ms?: number;
  /** Absolute paths of images. */
  readonly images?: readonly string[];
  /** Who says it; `operator` when absent. */
  readonly from?: string;
}

/** How to pause a session. */
export interface PauseOptions {
  readonly ask?: PauseQuestion;
  readonly interrupt?: boolean;
  readonly by?: string;
}

/** What of an agent's work a diff shows. */
export interface DiffOptions {
  /** `all` when absent. */
  readonly scope?: DiffScope | undefined;
  /** A commit to compare with, in place of the one where the session began. */
  readonly base?: string | undefined;
  readonly patch?: boolean | undefined;
  readonly signal?: AbortSignal | undefined;
  /** Hears in which step it is, in words. */
  readonly on_step?: ((step: string) => void) | undefined;
}

/** What a check compares. */
export interface SyncCheckOptions {
  /** The latest session of every agent when absent. */
  readonly refs?: string[] | undefined;
  /** Absolute path of your repository; the one that the project lies in when absent. */
  readonly repo?: string | undefined;
  /** A branch there, in place of what is checked out. */
  readonly onto?: string | undefined;
  readonly max_bytes?: number | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** A decision of a prompt. */
export interface DecideOptions {
  readonly choice: string;
  readonly reason?: string | undefined;
  /** Who decides; `operator` when absent. */
  readonly by?: string | undefined;
  /** The prompt's `revision` as it was shown. */
  readonly revision?: string | undefined;
  /** With `accept`: also write the rule that the prompt offers. */
  readonly remember?: { readonly scope: 'session' | 'always'; readonly when: RuleCondition } | undefined;
}

/**
 * One daemon a project, started by whoever needs it first. Contract:
 * - answers with the daemon that serves the project, and whether this call brought it up; several callers at once end up with the same one
 *   (the daemon holds the project's lock; one that finds it taken leaves, and its caller finds the winner);
 * - the daemon outlives its starter: own session, no terminal, output in `.filare/daemon.log`;
 * - within START_DEADLINE_MS, else `timeout` with the last lines of its log; one that ends before it answers is the failure it reported there
 *   (`daemon run --json` writes it as one line), else `unexpected` with the last lines;
 * - ending the signal ends the wait and, when this call started a daemon, that daemon.
 */
import { spawn, type ChildProcess } from 'node:child_process';
import { closeSync, fstatSync, mkdirSync, openSync, readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import type { DaemonStatus } from '../contract/api-shapes.js';
import { EXIT_CODES, FilareError } from '../contract/errors.js';
import type { ProjectPaths } from '../contract/project.js';
import { daemonStatus, requireOurDaemon } from './daemon-status.js';
import { abortFailure, failureFromBody } from './http-request.js';

/** How long a daemon may take until it answers, in milliseconds. */
const START_DEADLINE_MS = 15_000;

/** Wait between two looks, in milliseconds: doubling from the first to the last. */
const LOOK_FIRST_MS = 10;
const LOOK_MAX_MS = 200;

/** How long a daemon that is asked to leave is waited for before it is forced, in milliseconds. */
const END_DEADLINE_MS = 10_000;

/** Lines of the log that a failure shows. */
const LOG_LINES_SHOWN = 15;

/** How to start a daemon. */
export interface EnsureDaemonOptions {
  readonly signal?: AbortSignal | undefined;
  /** Program and arguments; `filare-agents daemon run` of this package when absent. */
  readonly command?: readonly [string, ...string[]] | undefined;
  readonly deadline_ms?: number;
}

/** The daemon that answers. */
export interface EnsuredDaemon {
  readonly status: DaemonStatus;
  /** This call brought it up. */
  readonly started: boolean;
}

/** See the top of this file. */
export async function ensureDaemon(project: ProjectPaths, options: EnsureDaemonOptions = {}): Promise<EnsuredDaemon> {
  const found = await daemonStatus(project, { signal: options.signal });
  if (found !== undefined) {
    requireOurDaemon(project, found);
    return { status: found, started: false };
  }
  const launched = launch(project, options.command ?? daemonCommand(project.root));
  try {
    const status = await untilAnswers(project, launched, options);
    requireOurDaemon(project, status);
    return { status, started: status.pid === launched.child.pid };
  } catch (error) {
    await end(launched);
    throw error;
  } finally {
    launched.child.removeAllListeners();
  }
}

/** The command that runs a daemon in the foreground: this package's own program under this very Node. */
export function daemonCommand(root: string): [string, ...string[]] {
  const program = fileURLToPath(new URL('../../bin/filare-agents.js', import.meta.url));
  return [process.execPath, program, 'daemon', 'run', '--json', '--project', root];
}

interface Launched {
  readonly child: ChildProcess;
  readonly log: string;
  readonly log_from: number;
  /** How it ended; undefined while it runs. */
  readonly exit: () => string | number | undefined;
}

function launch(project: ProjectPaths, command: readonly [string, ...string[]]): Launched {
  mkdirSync(project.state, { recursive: true, mode: 0o700 });
  const log = openSync(project.daemon_log, 'a', 0o600);
  let ended: string | number | undefined;
  try {
    const log_from = fstatSync(log).size;
    const child = spawn(command[0], command.slice(1), {
      cwd: project.root,
      detached: true,
      stdio: ['ignore', log, log],
    });
    child.on('error', (error) => (ended = error.message));
    child.on('exit', (code, signal) => (ended = code ?? signal ?? 'unknown'));
    child.unref();
    return { child, log: project.daemon_log, log_from, exit: () => ended };
  } finally {
    closeSync(log);
  }
}

async function untilAnswers(
  project: ProjectPaths,
  launched: Launched,
  options: EnsureDaemonOptions,
): Promise<DaemonStatus> {
  const deadline_ms = options.deadline_ms ?? START_DEADLINE_MS;
  const give_up = performance.now() + deadline_ms;
  for (let look = LOOK_FIRST_MS; ; look = Math.min(look * 2, LOOK_MAX_MS)) {
    const exit = launched.exit();
    const status = await daemonStatus(project, { signal: options.signal });
    if (status !== undefined) return status;
    // A daemon that finds the project taken leaves with `conflict`: then another one is about to answer.
    if (exit !== undefined && !foundItTaken(launched, exit)) throw endedAtOnce(launched, exit);
    if (performance.now() > give_up) throw neverAnswered(launched, deadline_ms);
    await sleep(look, undefined, options.signal === undefined ? {} : { signal: options.signal }).catch(
      (error: unknown) => {
        throw options.signal?.aborted === true ? abortFailure(options.signal) : error;
      },
    );
  }
}

/** Asks a daemon that is of no use to leave, waits until it has, and forces it in the end: being killed does it no harm. */
async function end(launched: Launched): Promise<void> {
  for (const signal of ['SIGTERM', 'SIGKILL'] as const) {
    if (launched.exit() === undefined) launched.child.kill(signal);
    const give_up = performance.now() + END_DEADLINE_MS;
    while (launched.exit() === undefined && performance.now() < give_up) await sleep(LOOK_FIRST_MS);
  }
}

/** Other failures have the same exit code: what it reported tells them apart. */
function foundItTaken(launched: Launched, exit: string | number): boolean {
  if (exit !== EXIT_CODES.conflict) return false;
  return (reportedFailure(logText(launched))?.code ?? 'conflict') === 'conflict';
}

function reportedFailure(said: string): FilareError | undefined {
  const line = said.split('\n').findLast((one) => one.startsWith('{"error":'));
  return line === undefined ? undefined : failureFromBody(line, 500);
}

function endedAtOnce(launched: Launched, exit: string | number): FilareError {
  const said = logText(launched);
  const reported = reportedFailure(said);
  if (reported !== undefined) return reported;
  return new FilareError({
    code: 'unexpected',
    message: `the daemon ended before it answered (${typeof exit === 'number' ? `exit code ${exit}` : exit})${shown(said)}`,
    hint: `its log is ${launched.log}; filare-agents doctor looks for what is missing`,
  });
}

function neverAnswered(launched: Launched, deadline_ms: number): FilareError {
  return new FilareError({
    code: 'timeout',
    message: `the daemon did not answer within ${deadline_ms / 1000} s${shown(logText(launched))}`,
    hint: `its log is ${launched.log}; filare-agents doctor looks for what is missing`,
  });
}

/** What this daemon has written, and not one before it. */
function logText(launched: Launched): string {
  return readFileSync(launched.log).subarray(launched.log_from).toString('utf8').trimEnd();
}

function shown(log: string): string {
  return log === '' ? '' : `; it said:\n${log.split('\n').slice(-LOG_LINES_SHOWN).join('\n')}`;
}

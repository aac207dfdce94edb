import { spawn } from 'node:child_process';
import { FilareError } from '../contract/errors.js';
import { systemCode } from './system-error.js';

/** One call of git. It runs in `/`: name the repository in `args` or `env`. */
export interface GitCall {
  readonly args: readonly string[];
  readonly signal: AbortSignal;
  /** Milliseconds until it is ended with `timeout`. */
  readonly deadline_ms: number;
  /** A configuration file of ours, read in place of the user's and the system's; none when absent. */
  readonly config_file?: string | undefined;
  /** Added to the clean environment. */
  readonly env?: Readonly<Record<string, string>> | undefined;
  /** Memory that git may take, files that it maps not counted; no bound when absent. */
  readonly memory_bytes?: number | undefined;
  /** Each line of standard error as it comes, progress (which git ends with CR) thinned to steps of ten percent. */
  readonly onLine?: ((line: string) => void) | undefined;
}

/** How git ended. Output is cut at MAX_OUTPUT_BYTES: standard output keeps its beginning, standard error its end. */
export interface GitResult {
  readonly exit_code: number;
  readonly stdout: string;
  readonly stderr: string;
}

const MAX_OUTPUT_BYTES = 1024 * 1024;
const MAX_LINE_CHARS = 500;
const FORCE_AFTER_MS = 2000;
const CLOSE_AFTER_MS = 1000;

/** Handed on from the caller's environment; everything else (GIT_*, LD_*, askpass programs, keys) stays behind. */
const KEPT_VARIABLES = [
  ...[
    'PATH',
    'HOME',
    'USER',
    'LOGNAME',
    'TMPDIR',
    'TZ',
    'SSL_CERT_FILE',
    'SSL_CERT_DIR',
    'CURL_CA_BUNDLE',
    'GIT_SSL_CAINFO',
  ],
  ...['http_proxy', 'https_proxy', 'HTTPS_PROXY', 'all_proxy', 'ALL_PROXY', 'no_proxy', 'NO_PROXY'],
];

/** Beats whatever a repository's own configuration says; a repository cannot name a program that we start. */
const OVERRIDES = [
  ...[
    'core.hooksPath=/dev/null',
    'core.fsmonitor=false',
    'core.untrackedCache=false',
    'core.pager=cat',
    'core.askPass=',
  ],
  ...[
    'core.editor=false',
    'core.alternateRefsCommand=',
    'credential.helper=',
    'diff.external=',
    'gc.auto=0',
    'maintenance.auto=false',
  ],
  ...['submodule.recurse=false', 'protocol.ext.allow=never', 'advice.detachedHead=false', 'commit.gpgSign=false'],
].flatMap((setting) => ['-c', setting]);

const ENVIRONMENT = {
  LC_ALL: 'C',
  GIT_CONFIG_NOSYSTEM: '1',
  GIT_ATTR_NOSYSTEM: '1',
  GIT_TERMINAL_PROMPT: '0',
  GIT_ALLOW_PROTOCOL: 'file:git:http:https:ssh',
  GIT_NO_LAZY_FETCH: '1',
  GIT_OPTIONAL_LOCKS: '0',
  GIT_LFS_SKIP_SMUDGE: '1',
} as const;

/**
 * Runs git to its end and answers how it ended, whatever its exit code: no shell, a clean environment, nobody asked for a password, hooks
 * and monitors off. Throws `workspace` when git is not installed, `timeout` past the deadline, `interrupted` when the signal is given;
 * git and its children are gone by then.
 */
export function runGit(call: GitCall): Promise<GitResult> {
  return new Promise((resolve, reject) => {
    if (call.signal.aborted) {
      reject(interrupted(call.signal));
      return;
    }
    // A process group of its own: what git started (ssh, index-pack) ends with it.
    const [program, ...args] = commandOf(call);
    const child = spawn(program, args, {
      cwd: '/',
      detached: true,
      env: { ...callerEnvironment(), ...ENVIRONMENT, GIT_CONFIG_GLOBAL: call.config_file ?? '/dev/null', ...call.env },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    let failure: FilareError | undefined;
    const timers: NodeJS.Timeout[] = [];
    const kill = (signal: NodeJS.Signals): void => {
      try {
        if (child.pid !== undefined) process.kill(-child.pid, signal);
      } catch (error) {
        if (systemCode(error) !== 'ESRCH') throw error;
      }
    };
    const end = (reason: FilareError): void => {
      failure ??= reason;
      kill('SIGTERM');
      timers.push(setTimeout(() => kill('SIGKILL'), FORCE_AFTER_MS));
    };
    const onAbort = (): void => end(interrupted(call.signal));
    call.signal.addEventListener('abort', onAbort, { once: true });
    timers.push(setTimeout(() => end(timedOut(call)), call.deadline_ms));

    let stdout = '';
    let stderr = '';
    const lines = lineReader(call.onLine ?? (() => undefined));
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      if (stdout.length < MAX_OUTPUT_BYTES) stdout = (stdout + text).slice(0, MAX_OUTPUT_BYTES);
    });
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      stderr = (stderr + text).slice(-MAX_OUTPUT_BYTES);
      lines(text);
    });
    const settle = (finish: () => void): void => {
      call.signal.removeEventListener('abort', onAbort);
      for (const timer of timers) clearTimeout(timer);
      finish();
    };
    child.once('error', (error) => settle(() => reject(systemCode(error) === 'ENOENT' ? notInstalled(error) : error)));
    child.once('exit', () => {
      // A stray that left the group may keep the pipes open; git itself has ended.
      timers.push(setTimeout(() => [child.stdout, child.stderr].forEach((pipe) => pipe.destroy()), CLOSE_AFTER_MS));
    });
    child.once('close', (code) => {
      lines('\n');
      // The shell's way to say it; see commandOf.
      if (code === 127 && call.memory_bytes !== undefined) failure ??= notInstalled(new Error(stderr));
      settle(() => (failure === undefined ? resolve({ exit_code: code ?? 128, stdout, stderr }) : reject(failure)));
    });
  });
}

/** Like runGit, for a call that has no reason to fail: any exit code but 0 is thrown as an unexpected failure with git's own words. */
export async function runGitOrThrow(call: GitCall): Promise<string> {
  const result = await runGit(call);
  if (result.exit_code === 0) return result.stdout;
  throw new Error(`git ${call.args.join(' ')} ended with ${result.exit_code}: ${result.stderr.trim().slice(-2000)}`);
}

/** The system's own way to bound a program is a shell's: it becomes git once that is done. Where a lower bound holds already, that one stays. */
function commandOf({ args, memory_bytes }: GitCall): [string, ...string[]] {
  const git: [string, ...string[]] = ['git', ...OVERRIDES, ...args];
  if (memory_bytes === undefined) return git;
  return ['/bin/sh', '-c', 'ulimit -d "$0" 2>/dev/null; exec "$@"', String(Math.floor(memory_bytes / 1024)), ...git];
}

function callerEnvironment(): Record<string, string> {
  const kept: Record<string, string> = {};
  for (const name of KEPT_VARIABLES) {
    const value = process.env[name];
    if (value !== undefined) kept[name] = value;
  }
  return kept;
}

function lineReader(onLine: (line: string) => void): (text: string) => void {
  let rest = '';
  let shown = '';
  return (text) => {
    const pieces = (rest + text).split(/(?<=[\r\n])/);
    rest = /[\r\n]$/.test(pieces.at(-1) ?? '') ? '' : (pieces.pop() ?? '').slice(0, MAX_LINE_CHARS);
    for (const piece of pieces) {
      const line = piece
        .replace(/[\r\n]+$/, '')
        .trimEnd()
        .slice(0, MAX_LINE_CHARS);
      const step = line.replace(/(\d?)\d%.*/, '$1');
      if (line === '' || (piece.endsWith('\r') && step === shown)) continue;
      shown = step;
      onLine(line);
    }
  };
}

function interrupted(signal: AbortSignal): FilareError {
  return new FilareError({
    code: 'interrupted',
    message: 'preparing the workspace was interrupted; nothing half-made is kept',
    cause: signal.reason,
  });
}

function timedOut(call: GitCall): FilareError {
  return new FilareError({
    code: 'timeout',
    message: `git ${call.args[0] ?? ''} did not finish within ${Math.round(call.deadline_ms / 1000)} s`,
    hint: 'look whether the repository answers (`git ls-remote`), then start again',
  });
}

function notInstalled(cause: Error): FilareError {
  return new FilareError({
    code: 'workspace',
    message: 'git is not installed on this machine, and this workspace needs it',
    hint: 'install it (`sudo apt-get install git`), or give the agent a folder without git',
    cause,
  });
}

import type { ChildProcessWithoutNullStreams } from 'node:child_process';
import type { Surroundings } from './surroundings.js';

/** A program to run to its end. */
export interface ChildRun {
  readonly program: string;
  readonly args: readonly string[];
  readonly cwd?: string | undefined;
  /** All of its environment. */
  readonly env: Readonly<Record<string, string>>;
  /** What it is given on standard input. */
  readonly input: string;
  /** Milliseconds until its group is asked to end. */
  readonly deadline_ms: number;
  /** Milliseconds until it is made to. */
  readonly kill_after_ms: number;
  readonly signal: AbortSignal;
}

/** How it ended. `output`: the last of what it wrote, at most 4 KiB each of standard output and error. */
export type ChildEnd =
  | { readonly ended: 'exit'; readonly code: number | null; readonly signal: string | null; readonly output: string }
  | { readonly ended: 'late' | 'aborted' }
  | { readonly ended: 'not_started'; readonly code: string };

const KEPT_CHARS = 4096;
/** Whoever writes more than this finds its pipe closed: reading on would cost us, and nobody sees it. */
const MAX_READ_CHARS = 1024 * 1024;
/** After `signal` nobody waits: `close` of the owner has a second. In milliseconds. */
const ABORT_KILL_MS = 300;
/** A stray outside of the group may hold the pipes, and a process may not die: neither holds us up longer. In milliseconds. */
const FORGET_MS = 300;

/**
 * Runs a program in a process group of its own. When it has ended, for whatever reason, nothing of its group is left: the rest of the group is killed.
 * Does not reject.
 */
export function runChild(run: ChildRun, around: Pick<Surroundings, 'spawn'>): Promise<ChildEnd> {
  return new Promise((resolve) => {
    if (run.signal.aborted) return resolve({ ended: 'aborted' });
    const child = start(run, around);
    if ('ended' in child) return resolve(child);
    let cut_short: 'late' | 'aborted' | undefined;
    const timers: NodeJS.Timeout[] = [];
    const after = (ms: number, act: () => void): void => void timers.push(setTimeout(act, ms));

    const settle = (end: ChildEnd): void => {
      timers.forEach(clearTimeout);
      child.removeAllListeners('exit').unref();
      run.signal.removeEventListener('abort', onAbort);
      for (const pipe of [child.stdin, child.stdout, child.stderr]) pipe.destroy();
      resolve(cut_short === undefined ? end : { ended: cut_short });
    };
    const endGroup = (why: 'late' | 'aborted', force_ms: number): void => {
      if (cut_short === 'aborted') return;
      cut_short ??= why;
      killGroup(child, 'SIGTERM');
      after(force_ms, () => {
        killGroup(child, 'SIGKILL');
        after(FORGET_MS, () => settle({ ended: why }));
      });
    };
    const onAbort = (): void => endGroup('aborted', ABORT_KILL_MS);

    run.signal.addEventListener('abort', onAbort, { once: true });
    after(run.deadline_ms, () => endGroup('late', run.kill_after_ms));
    const output = [child.stdout, child.stderr].map(tailOf);
    child.stdin.on('error', () => undefined);
    child.stdin.end(run.input);
    child.once('error', (error) => settle({ ended: 'not_started', code: codeOf(error) }));
    child.once('exit', (code, signal) => {
      killGroup(child, 'SIGKILL');
      const end = (): void => settle({ ended: 'exit', code, signal, output: output.map((tail) => tail()).join('\n') });
      child.once('close', end);
      after(FORGET_MS, end);
    });
  });
}

function start(run: ChildRun, around: Pick<Surroundings, 'spawn'>): ChildProcessWithoutNullStreams | ChildEnd {
  try {
    return around.spawn(run.program, run.args, {
      cwd: run.cwd,
      env: { ...run.env },
      detached: true,
      stdio: ['pipe', 'pipe', 'pipe'],
    });
  } catch (error) {
    // A NUL in an argument, or too many processes.
    return { ended: 'not_started', code: codeOf(error) };
  }
}

function killGroup(child: ChildProcessWithoutNullStreams, signal: NodeJS.Signals): void {
  try {
    if (child.pid !== undefined) process.kill(-child.pid, signal);
  } catch {
    // All of it has ended, or is no longer ours.
  }
}

/** Reads a pipe and answers with what gives the last of it. */
function tailOf(pipe: NodeJS.ReadableStream & { destroy(): unknown }): () => string {
  let tail = '';
  let read = 0;
  pipe.setEncoding('utf8');
  pipe.on('error', () => undefined);
  pipe.on('data', (text: string) => {
    read += text.length;
    tail = (tail + text).slice(-KEPT_CHARS);
    if (read > MAX_READ_CHARS) pipe.destroy();
  });
  return () => tail;
}

function codeOf(error: unknown): string {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : 'unknown failure';
}

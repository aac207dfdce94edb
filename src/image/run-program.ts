import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { FilareError } from '../contract/errors.js';

const KEPT_LINES = 20;

/** A program of the host to run to its end. */
export interface ProgramRun {
  readonly program: string;
  readonly args: readonly string[];
  readonly cwd?: string;
  readonly env?: NodeJS.ProcessEnv;
  /** Milliseconds until it is ended. */
  readonly deadline_ms: number;
  readonly signal?: AbortSignal | undefined;
  /** Every line it writes, standard output and error alike. */
  readonly onLine?: (line: string) => void;
}

/**
 * Runs a program in a process group of its own and ends the whole group when the signal or the deadline comes. Fails with `image_unavailable`
 * when it cannot be started or fails (its last lines in `details`), `timeout`, or `interrupted`.
 */
export async function runProgram(run: ProgramRun): Promise<void> {
  const deadline = AbortSignal.timeout(run.deadline_ms);
  const ended = run.signal === undefined ? deadline : AbortSignal.any([run.signal, deadline]);
  const last: string[] = [];
  const child = spawn(run.program, run.args, {
    cwd: run.cwd,
    env: run.env ?? process.env,
    detached: true,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const endGroup = (): void => {
    try {
      if (child.pid !== undefined) process.kill(-child.pid, 'SIGKILL');
    } catch {
      // It ended by itself.
    }
  };
  for (const stream of [child.stdout, child.stderr]) {
    createInterface({ input: stream }).on('line', (line) => {
      last.push(line);
      if (last.length > KEPT_LINES) last.shift();
      run.onLine?.(line);
    });
  }
  ended.addEventListener('abort', endGroup, { once: true });
  if (ended.aborted) endGroup();
  const result = await new Promise<{ code: number | null; error?: Error }>((resolve) => {
    child.once('error', (error) => {
      resolve({ code: null, error });
    });
    child.once('close', (code) => {
      resolve({ code });
    });
  });
  ended.removeEventListener('abort', endGroup);
  if (result.code === 0) return;
  const what = `${run.program} ${run.args[0] ?? ''}`.trim();
  if (run.signal?.aborted === true) throw new FilareError({ code: 'interrupted', message: `${what} was interrupted` });
  if (ended.aborted) {
    const seconds = String(run.deadline_ms / 1000);
    throw new FilareError({
      code: 'timeout',
      message: `${what} did not end within ${seconds} s`,
      details: { output: last },
    });
  }
  throw new FilareError({
    code: last.some((line) => line.includes('ENOSPC') || line.includes('No space left'))
      ? 'no_space'
      : 'image_unavailable',
    message: `${what} failed: ${result.error?.message ?? (last.at(-1) || `exit code ${String(result.code)}`)}`,
    details: { output: last },
    cause: result.error,
  });
}

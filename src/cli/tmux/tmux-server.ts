/**
 * One tmux server, spoken to by its command line. Contract:
 * - every argument reaches tmux as it is: no shell in between, and a `;` at an end is not taken for the next command;
 * - panes, windows and sessions are named by tmux's own ids (`%1`, `@1`, `$1`), never by index: numbering is the user's;
 * - a tmux that is missing or too old is `unsupported`; one that says no is `unexpected` with its words; none answers later than TMUX_MS.
 */
import { execFile, spawn } from 'node:child_process';
import { promisify } from 'node:util';
import { FilareError } from '../../contract/errors.js';

const execute = promisify(execFile);

/** How long a command of tmux may take, in milliseconds. */
const TMUX_MS = 10_000;

/** The oldest tmux that knows options of single panes. */
const OLDEST: readonly [major: number, minor: number] = [3, 0];

/** Which server, and from where. */
export interface TmuxServerOptions {
  /** Name of its socket (`tmux -L`); the one that `$TMUX` names, else the user's own, when absent. */
  readonly socket?: string | undefined;
  /** Folder in which what tmux starts begins. */
  readonly cwd: string;
  readonly env: Readonly<Record<string, string | undefined>>;
}

/** See the top of this file. */
export class TmuxServer {
  readonly #options: TmuxServerOptions;

  constructor(options: TmuxServerOptions) {
    this.#options = options;
  }

  /** The words with which a person reaches this server. */
  get program(): string[] {
    const { socket } = this.#options;
    return ['tmux', ...(socket === undefined ? [] : ['-L', socket])];
  }

  /** Throws `unsupported` unless tmux is there and new enough. */
  async requireUsable(): Promise<void> {
    const { stdout } = await this.#execute(['-V']);
    if (isNewEnough(stdout)) return;
    throw new FilareError({
      code: 'unsupported',
      message: `${stdout.trim()} is too old; this needs tmux ${OLDEST.join('.')} or newer`,
      hint: 'without it: filare-agents dashboard, feedback watch and tail ID --follow, each in a terminal of its own',
    });
  }

  /** Runs commands one after another, and answers with what they print. The first that fails ends it. */
  async run(...commands: readonly (readonly string[])[]): Promise<string> {
    try {
      return (await this.#execute([...this.#server(), ...commandLine(commands)])).stdout;
    } catch (error) {
      throw error instanceof FilareError ? error : refusal(commands[0]?.[0] ?? 'tmux', error);
    }
  }

  /** As `run`; undefined where tmux says no, or no server runs. */
  async tryRun(...commands: readonly (readonly string[])[]): Promise<string | undefined> {
    try {
      return await this.run(...commands);
    } catch (error) {
      if (error instanceof FilareError && error.code === 'unexpected') return undefined;
      throw error;
    }
  }

  /** Gives this terminal to tmux until it is left, and answers with tmux's exit code. */
  async attach(session_id: string, signal: AbortSignal): Promise<number> {
    const { cwd, env } = this.#options;
    const client = spawn('tmux', [...this.#server(), 'attach-session', '-t', session_id], {
      cwd,
      env: { ...env },
      stdio: 'inherit',
    });
    const leave = (): void => void client.kill('SIGHUP');
    signal.addEventListener('abort', leave);
    try {
      return await new Promise<number>((settle, fail) => {
        client.once('error', fail);
        client.once('exit', (code) => settle(code ?? 1));
      });
    } finally {
      signal.removeEventListener('abort', leave);
    }
  }

  #server(): string[] {
    const { socket } = this.#options;
    // `-u`: whatever the locale, what is shown is UTF-8, as everything that this program prints.
    return ['-u', ...(socket === undefined ? [] : ['-L', socket])];
  }

  async #execute(argv: readonly string[]): Promise<{ readonly stdout: string }> {
    const { cwd, env } = this.#options;
    try {
      return await execute('tmux', argv, { cwd, env: { ...env }, timeout: TMUX_MS, maxBuffer: 16 * 1024 * 1024 });
    } catch (error) {
      if (!(error instanceof Error && 'code' in error && error.code === 'ENOENT')) throw error;
      throw new FilareError({
        code: 'unsupported',
        message: 'tmux is not installed',
        hint: 'apt-get install tmux (Debian, Ubuntu), dnf install tmux (Fedora); without it: filare-agents dashboard, feedback watch, tail ID --follow',
        cause: error,
      });
    }
  }
}

/** Commands as one command line of tmux. */
export function commandLine(commands: readonly (readonly string[])[]): string[] {
  return commands.flatMap((command, at) => [
    ...(at === 0 ? [] : [';']),
    // An argument that ends in `;` would end the command.
    ...command.map((word) => (word.endsWith(';') ? `${word.slice(0, -1)}\\;` : word)),
  ]);
}

/** Whether `tmux -V` names a version that will do. One that names none (built from source) is believed to be new. */
export function isNewEnough(said: string): boolean {
  const [, major, minor] = /(\d+)\.(\d+)/.exec(said) ?? [];
  if (major === undefined || minor === undefined || said.includes('openbsd')) return true;
  return Number(major) > OLDEST[0] || (Number(major) === OLDEST[0] && Number(minor) >= OLDEST[1]);
}

function refusal(command: string, error: unknown): FilareError {
  const stderr = error instanceof Error && 'stderr' in error ? String(error.stderr).trim() : '';
  return new FilareError({
    code: 'unexpected',
    message: `tmux ${command} failed${stderr === '' ? '' : `: ${stderr}`}`,
    cause: error,
  });
}

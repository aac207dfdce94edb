import { execFile, spawnSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { promisify } from 'node:util';
import type { ProjectPaths } from '../../src/contract/project.js';
import { TSX } from './rig.js';
import { fileURLToPath } from 'node:url';

const run = promisify(execFile);

/** Whether this machine has tmux. */
export const HAS_TMUX = spawnSync('tmux', ['-V']).status === 0;

/** A shell in a real terminal, of a tmux server of its own. */
export class TmuxTerminal {
  readonly #socket = `filare-test-${randomBytes(4).toString('hex')}`;
  readonly #project: ProjectPaths;

  constructor(project: ProjectPaths) {
    this.#project = project;
  }

  async open(columns: number, rows: number): Promise<void> {
    const env = ['-e', `HOME=${this.#project.root}`, '-e', 'PS1=ready> ', '-e', 'HISTFILE=', '-e', 'LC_ALL=C.UTF-8'];
    const size = ['-x', String(columns), '-y', String(rows)];
    const shell = ['env', '-u', 'TMUX', 'bash', '--norc', '--noprofile'];
    await this.#tmux('-f', '/dev/null', '-u', 'new-session', '-d', ...size, ...env, ...shell);
    await this.until((screen) => screen.includes('ready>'));
  }

  /** Types a command line of the program, from its source. */
  async start(...argv: readonly string[]): Promise<void> {
    const program = fileURLToPath(new URL('./cli-from-source.ts', import.meta.url));
    await this.type(`'${process.execPath}' --import '${TSX}' '${program}' ${argv.join(' ')}; echo "left with $?"`);
    await this.keys('Enter');
  }

  /** Keys by tmux's names: `Enter`, `PageDown`, `a`. */
  async keys(...keys: readonly string[]): Promise<void> {
    await this.#tmux('send-keys', '-t', '0', ...keys);
  }

  async type(text: string): Promise<void> {
    await this.#tmux('send-keys', '-t', '0', '-l', text);
  }

  /** Pastes as a terminal does, in brackets where the program asked for them. */
  async paste(text: string): Promise<void> {
    await this.#tmux('set-buffer', text);
    await this.#tmux('paste-buffer', '-p', '-t', '0');
  }

  async resize(columns: number, rows: number): Promise<void> {
    await this.#tmux('resize-window', '-t', '0', '-x', String(columns), '-y', String(rows));
  }

  /** What can be seen, without the blanks at the ends of lines. */
  async screen(): Promise<string> {
    return this.#tmux('capture-pane', '-p', '-t', '0');
  }

  /** A format of tmux, of this terminal: `#{cursor_flag}`. */
  async ask(format: string): Promise<string> {
    return (await this.#tmux('display-message', '-p', '-t', '0', format)).trim();
  }

  /** Waits for a screen like that, and answers with it. */
  async until(is_so: (screen: string) => boolean): Promise<string> {
    const give_up = Date.now() + 20_000;
    for (;;) {
      const screen = await this.screen();
      if (is_so(screen)) return screen;
      if (Date.now() > give_up) throw new Error(`the terminal never showed it:\n${screen}`);
      await new Promise((go) => setTimeout(go, 30));
    }
  }

  /** From now on the bytes that the program writes are also kept in a file. */
  async record(file: string): Promise<void> {
    await this.#tmux('pipe-pane', '-t', '0', `exec cat > '${file}'`);
  }

  /** The process that runs in the terminal, below its shell. */
  async runningPid(): Promise<number> {
    const { stdout } = await run('ps', ['-o', 'pid=', '--ppid', await this.ask('#{pane_pid}')]);
    return Number(stdout.trim());
  }

  async close(): Promise<void> {
    await this.#tmux('kill-server').catch(() => undefined);
  }

  async #tmux(...argv: readonly string[]): Promise<string> {
    // In the folder, not by `-c`: that one is a format, and tmux would run a `#(…)` in it.
    return (await run('tmux', ['-L', this.#socket, ...argv], { cwd: this.#project.root })).stdout;
  }
}

import { FilareError } from '../contract/errors.js';
import { runGit, type GitResult } from '../workspace/run-git.js';
import { GIT_STEP_MS } from './homecoming.js';

/** Settings of every git on the host: objects are checked as they come, in a pack that is kept whole or not at all, nothing but files is a way for them to come, nothing follows by itself. */
const SETTINGS = [
  ...['transfer.fsckObjects=true', 'fetch.fsckObjects=true', 'protocol.allow=never', 'protocol.file.allow=always'],
  ...['fetch.writeCommitGraph=false', 'fetch.recurseSubmodules=false', 'fetch.prune=false', 'fetch.pruneTags=false'],
  ...[
    'core.alternateRefsCommand=true',
    'core.quotePath=false',
    'core.logAllRefUpdates=true',
    'transfer.bundleURI=false',
    'transfer.unpackLimit=1',
    'fetch.unpackLimit=1',
  ],
].flatMap((setting) => ['-c', setting]);

/** What an agent has committed may be small in a pack and endless in memory. */
const MEMORY_BYTES = 2 * 2 ** 30;

const ENVIRONMENT = {
  GIT_ALLOW_PROTOCOL: 'file',
  GIT_NO_REPLACE_OBJECTS: '1',
  GIT_AUTHOR_NAME: 'filare-agents',
  GIT_AUTHOR_EMAIL: 'filare-agents@localhost',
  GIT_COMMITTER_NAME: 'filare-agents',
  GIT_COMMITTER_EMAIL: 'filare-agents@localhost',
} as const;

/** One repository of the host that no agent writes: git runs in it under settings of ours. */
export class HostGit {
  readonly #where: readonly string[];
  readonly #signal: AbortSignal;

  private constructor(where: readonly string[], signal: AbortSignal) {
    this.#where = where;
    this.#signal = signal;
  }

  /** A bare repository of ours. */
  static bare(path: string, signal: AbortSignal): HostGit {
    return new HostGit([`--git-dir=${path}`], signal);
  }

  /** The repository that a folder lies in. */
  static at(path: string, signal: AbortSignal): HostGit {
    return new HostGit(['-C', path], signal);
  }

  /** Runs git to its end, whatever it ends with. Throws `workspace` without git, `timeout`, `interrupted`. */
  async try(args: readonly string[], env: Readonly<Record<string, string>> = {}): Promise<GitResult> {
    try {
      return await runGit({
        args: [...SETTINGS, ...this.#where, ...args],
        env: { ...ENVIRONMENT, ...env },
        signal: this.#signal,
        deadline_ms: GIT_STEP_MS,
        memory_bytes: MEMORY_BYTES,
      });
    } catch (failure) {
      if (failure instanceof FilareError && failure.code === 'interrupted') throw interrupted(failure);
      throw failure;
    }
  }

  /** What it printed, without white space around it; null when it ended with another status than 0. */
  async answer(args: readonly string[]): Promise<string | null> {
    const ran = await this.try(args);
    return ran.exit_code === 0 ? ran.stdout.trim() : null;
  }

  /** As `answer`, for a call that has no reason to fail. */
  async demand(args: readonly string[]): Promise<string> {
    const ran = await this.try(args);
    if (ran.exit_code === 0) return ran.stdout.trim();
    throw new Error(`git ${args.join(' ')} ended with ${String(ran.exit_code)}: ${ran.stderr.trim().slice(-1000)}`);
  }
}

/** A call of this room that was cut short. */
export function interrupted(cause: unknown): FilareError {
  return new FilareError({
    code: 'interrupted',
    message: 'bringing the work home was interrupted; nothing half-made is kept',
    cause,
  });
}

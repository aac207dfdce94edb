import type { Readable } from 'node:stream';
import { findExistingProject } from '../client/find-project.js';
import { Fleet } from '../client/fleet.js';
import type { FleetOptions } from '../client/fleet-options.js';
import { Interrupts } from './interrupts.js';
import { Output, type Sink } from './output.js';
import { wantsColor } from './style.js';

/** Options that every command knows. */
export interface GlobalOptions {
  readonly json?: boolean | undefined;
  readonly quiet?: boolean | undefined;
  readonly project?: string | undefined;
}

/** What surrounds the program; tests hand in their own. */
export interface Ambient {
  readonly stdin: Readable & { readonly isTTY?: boolean; setRawMode?: (raw: boolean) => unknown };
  readonly stdout: Sink;
  readonly stderr: Sink;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly cwd: string;
  readonly now_ms: () => number;
  /** The program that is the daemon; this package's own when absent. */
  readonly daemon_command?: FleetOptions['daemon_command'];
}

/** What a command works with. */
export interface CliContext extends Ambient {
  readonly out: Output;
  readonly interrupts: Interrupts;
  /** The options that every command knows, once parsed. */
  readonly globals: GlobalOptions;
  /** What the process will exit with, unless a failure says otherwise. */
  exit_code: number;
  /** The project's fleet; ends with Ctrl-C. A folder that is no project is `usage`, unless `begins` says that one may begin there. */
  openFleet(options?: { readonly start_daemon?: boolean; readonly begins?: boolean }): Promise<Fleet>;
  /** As `openFleet` without starting a daemon, and deaf to Ctrl-C: for what must be finished after it. */
  openFleetForRollback(): Promise<Fleet>;
}

/** The context of this process. `globals` is filled in while parsing. */
export function createContext(ambient: Ambient, globals: GlobalOptions): CliContext {
  const interrupts = new Interrupts((code) => process.exit(code));
  const find = { cwd: ambient.cwd, env: ambient.env };
  return {
    ...ambient,
    globals,
    interrupts,
    exit_code: 0,
    out: new Output({
      stdout: ambient.stdout,
      stderr: ambient.stderr,
      color_out: wantsColor(ambient.env, ambient.stdout.isTTY === true),
      color_err: wantsColor(ambient.env, ambient.stderr.isTTY === true),
      quiet: () => globals.quiet === true,
    }),
    openFleet: async ({ begins = false, ...options } = {}) => {
      const { project } = globals;
      return Fleet.open({
        ...find,
        project: begins ? project : findExistingProject({ ...find, project }).root,
        signal: interrupts.signal,
        daemon_command: ambient.daemon_command,
        ...options,
      });
    },
    openFleetForRollback: () => Fleet.open({ ...find, project: globals.project, start_daemon: false }),
  };
}

import { notificationText } from './notification.js';
import type { Telling, Try } from './outcome.js';
import { plainLine } from './plain-line.js';
import { runChild, type ChildEnd } from './run-child.js';
import type { Surroundings } from './surroundings.js';

/** Tries of one command for one notification. */
export const MAX_COMMAND_TRIES = 3;
const FIRST_WAIT_MS = 2000;
const WAIT_FACTOR = 4;
const MAX_TOLD_CHARS = 200;
const DEFAULT_PATH = '/usr/local/bin:/usr/bin:/bin';

/** Where and how long a command runs. */
export interface CommandOptions {
  /** The folder it runs in: the project's. */
  readonly cwd: string;
  readonly deadline_ms: number;
  /** After the deadline it is asked to end, and so much later made to. */
  readonly kill_after_ms: number;
}

/**
 * Tells by running a command of the manifest with `/bin/sh -c`: the notification is its standard input, nothing of it is in its command line, and its
 * environment is PATH, HOME, LANG, FILARE_PROMPT_ID, FILARE_AGENT_ID and FILARE_EVENT. Any exit but 0 is a failure, and tried again.
 */
export function commandTelling(
  command: string,
  { cwd, deadline_ms, kill_after_ms }: CommandOptions,
  around: Pick<Surroundings, 'env' | 'spawn'>,
): Telling {
  return {
    way: 'command',
    target: shownCommand(command),
    max_tries: MAX_COMMAND_TRIES,
    backOffMs: (tries, random) => FIRST_WAIT_MS * WAIT_FACTOR ** (tries - 1) * (0.75 + random / 2),
    attempt: async (made, signal) => {
      const env = {
        PATH: around.env['PATH'] ?? DEFAULT_PATH,
        ...(around.env['HOME'] === undefined ? {} : { HOME: around.env['HOME'] }),
        ...(around.env['LANG'] === undefined ? {} : { LANG: around.env['LANG'] }),
        FILARE_PROMPT_ID: made.prompt.prompt_id,
        FILARE_AGENT_ID: made.prompt.id,
        FILARE_EVENT: made.type,
      };
      const input = `${notificationText(made)}\n`;
      const args = ['-c', command];
      const end = await runChild(
        { program: '/bin/sh', args, cwd, env, input, deadline_ms, kill_after_ms, signal },
        around,
      );
      return judge(end, deadline_ms);
    },
  };
}

function judge(end: ChildEnd, deadline_ms: number): Try {
  switch (end.ended) {
    case 'not_started':
      return failed(`could not be started (${end.code})`, end.code, false);
    case 'late':
      return failed(`did not end within ${deadline_ms / 1000} s, and was ended`, 'timeout', false);
    case 'aborted':
      return failed('was stopped', 'aborted', false);
    case 'exit': {
      if (end.code === 0) return { outcome: 'sent' };
      const how = end.code === null ? (end.signal ?? 'a signal') : `exit code ${end.code}`;
      const last = plainLine(end.output.trim().split('\n').at(-1) ?? '', MAX_TOLD_CHARS);
      return failed(
        `ended with ${how}${last === '' ? '' : `: ${last}`}`,
        `exit_${end.code ?? end.signal ?? '?'}`,
        true,
      );
    }
  }
}

function failed(error: string, error_kind: string, again: boolean): Try {
  return { outcome: 'failed', error, error_kind, again };
}

/** A command may hold a token: only a plain program's name is shown. */
function shownCommand(command: string): string {
  const [program = '', ...others] = command.trim().split(/\s+/);
  return `${/^[\w./~-]{1,80}$/.test(program) ? program : '***'}${others.length > 0 ? ' …' : ''}`;
}

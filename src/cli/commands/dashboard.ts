import type { CommandUnknownOpts } from '@commander-js/extra-typings';
import { DaemonUnreachable } from '../../client/http-request.js';
import { newCommand } from '../command.js';
import type { CliContext } from '../context.js';
import { DAEMON_AWAY } from '../daemon-away.js';
import { sayAge, sayBytes } from '../duration.js';
import { fleetTable, fleetTotals } from '../fleet-table.js';
import { LiveScreen } from '../live-screen.js';
import { promptTable } from '../prompt-table.js';
import { styled, type Span } from '../style.js';
import type { Fleet } from '../../client/fleet.js';

/** How often the dashboard is read anew, in milliseconds. */
const REFRESH_MS = 1000;

/** `dashboard`: sessions, totals and the inbox, live. */
export function dashboardCommand(context: CliContext): CommandUnknownOpts {
  return newCommand('dashboard', 'The whole fleet at a glance: sessions, totals and open prompts, live until Ctrl-C', [
    'filare-agents dashboard',
    'filare-agents dashboard --once',
    'filare-agents dashboard --json',
  ])
    .option('-1, --once', 'print it once; so it is when standard output is no terminal, and with --json')
    .action(async (options) => {
      await using fleet = await context.openFleet();
      const { out } = context;
      if (context.globals.json === true) {
        out.json(await fleet.dashboard());
        return;
      }
      if (options.once === true || !out.is_terminal) {
        for (const line of await dashboardLines(context, fleet)) out.line(...line);
        return;
      }
      const screen = new LiveScreen(out, 'stdout');
      let lines: Span[][] = [];
      try {
        while (!out.gone.aborted) {
          const fresh = await orUnreachable(dashboardLines(context, fleet));
          lines = fresh ?? lines;
          screen.draw(fresh === undefined ? [...lines, [], DAEMON_AWAY] : lines);
          await pause(context.interrupts.signal);
        }
      } finally {
        screen.leave();
      }
    });
}

/** A daemon that is gone comes back with the next command: what was seen last stays until then. */
async function orUnreachable(read: Promise<Span[][]>): Promise<Span[][] | undefined> {
  try {
    return await read;
  } catch (failure) {
    if (failure instanceof DaemonUnreachable) return undefined;
    throw failure;
  }
}

async function dashboardLines(context: CliContext, fleet: Fleet): Promise<Span[][]> {
  const { daemon, sessions, prompts } = await fleet.dashboard();
  const now_ms = context.now_ms();
  const columns = context.out.is_terminal ? context.out.size.columns : Number.MAX_SAFE_INTEGER;
  const age = daemon.started_at === null ? '' : `, up ${sayAge(daemon.started_at, now_ms)}`;
  const memory = daemon.memory_bytes === null ? '' : `, ${sayBytes(daemon.memory_bytes)}`;
  return [
    [
      styled('bold', 'filare-agents '),
      styled('dim', `${daemon.project}  daemon ${daemon.version ?? '?'} (pid ${daemon.pid ?? '?'}${age}${memory})`),
    ],
    fleetTotals(sessions),
    [],
    ...(sessions.length === 0
      ? [[styled('dim', 'no session is running: filare-agents up')]]
      : fleetTable(sessions, { now_ms, columns })),
    ...(prompts.length === 0 ? [] : [[], ...promptTable(prompts, { now_ms, columns })]),
  ];
}

async function pause(signal: AbortSignal): Promise<void> {
  signal.throwIfAborted();
  await new Promise<void>((go_on) => {
    const timer = setTimeout(done, REFRESH_MS);
    function done(): void {
      clearTimeout(timer);
      signal.removeEventListener('abort', done);
      go_on();
    }
    signal.addEventListener('abort', done);
  });
  signal.throwIfAborted();
}

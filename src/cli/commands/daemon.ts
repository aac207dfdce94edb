import type { CommandUnknownOpts } from '@commander-js/extra-typings';
import { absentDaemon, daemonStatus } from '../../client/daemon-status.js';
import { findProject } from '../../client/find-project.js';
import { stopDaemon } from '../../client/stop-daemon.js';
import type { ProjectPaths } from '../../contract/project.js';
import { newCommand, withSubcommands } from '../command.js';
import type { CliContext } from '../context.js';
import { sayAge, sayBytes } from '../duration.js';
import { plural } from '../fleet-table.js';
import { styled } from '../style.js';

/** `daemon run|stop|status`. */
export function daemonCommand(context: CliContext): CommandUnknownOpts {
  const group = newCommand('daemon', "The project's background process; commands start it by themselves", [
    'filare-agents daemon status',
    'filare-agents daemon stop',
  ]);
  return withSubcommands(group, [run(context), stop(context), status(context)]);
}

function projectOf(context: CliContext): ProjectPaths {
  return findProject({ project: context.globals.project, cwd: context.cwd, env: context.env });
}

function run(context: CliContext): CommandUnknownOpts {
  return newCommand('run', 'Run the daemon in the foreground until SIGTERM or Ctrl-C; agents go on when it ends', [
    'filare-agents daemon run',
    'filare-agents daemon run --log-level debug',
  ])
    .option('--log-level <level>', 'trace, debug, info, warn, error or silent')
    .option('--adopt', "make a state folder that was copied or moved here this project's own (also FILARE_ADOPT=1)")
    .action(async (options) => {
      const { runDaemon } = await import('../../daemon/run-daemon.js');
      const level = options.logLevel ?? context.env['FILARE_LOG_LEVEL'];
      const paths = projectOf(context);
      // A signal that came while all this was loaded is told once the event loop has polled, which lies between two immediates. From then on the daemon decides.
      for (let turn = 0; turn < 2; turn += 1) await new Promise((done) => setImmediate(done));
      context.interrupts.signal.throwIfAborted();
      context.interrupts.release();
      await runDaemon({
        paths,
        environment: { ...context.env },
        adopt: options.adopt === true,
        ...(level === undefined ? {} : { log_level: level }),
      });
    });
}

function stop(context: CliContext): CommandUnknownOpts {
  return newCommand('stop', 'Stop the daemon; agents keep running, and the next command that needs it brings it back', [
    'filare-agents daemon stop',
  ]).action(async () => {
    const project = projectOf(context);
    const status = await daemonStatus(project, { signal: context.interrupts.signal });
    const stopped = await stopDaemon(project, { signal: context.interrupts.signal });
    if (context.globals.json === true) context.out.json({ ...absentDaemon(project), stopped });
    else if (!stopped) context.out.line('no daemon was running');
    else context.out.line(`the daemon has stopped${status?.sessions === 0 ? '' : '; agents keep running'}`);
  });
}

function status(context: CliContext): CommandUnknownOpts {
  return newCommand('status', 'Whether the daemon runs, and what it holds; starts nothing', [
    'filare-agents daemon status',
    'filare-agents daemon status --json',
  ]).action(async () => {
    const project = projectOf(context);
    const found = await daemonStatus(project, { signal: context.interrupts.signal });
    const said = found ?? absentDaemon(project);
    const { out } = context;
    if (context.globals.json === true) out.json(said);
    else if (found === undefined) out.line(`no daemon runs for ${project.root}`);
    else {
      const age = found.started_at === null ? '' : `, up ${sayAge(found.started_at, context.now_ms())}`;
      const memory = found.memory_bytes === null ? '' : `, ${sayBytes(found.memory_bytes)}`;
      out.line(
        styled('green', 'running'),
        ` pid ${found.pid ?? '?'}, version ${found.version ?? '?'}${age}${memory}, ${plural(found.sessions, 'session')}`,
      );
      out.line(styled('dim', found.socket));
    }
  });
}

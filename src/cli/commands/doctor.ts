import type { CommandUnknownOpts } from '@commander-js/extra-typings';
import { findProject } from '../../client/find-project.js';
import { newCommand } from '../command.js';
import type { CliContext } from '../context.js';
import { leaks, sayLeaks } from '../leak-report.js';
import { styled } from '../style.js';

/** `doctor`: exit code 1 when something keeps agents from running; `doctor --leaks`: when something leaks. */
export function doctorCommand(context: CliContext): CommandUnknownOpts {
  return newCommand(
    'doctor',
    'Look for what is missing, each with its fix; exit code 1 when something keeps agents from running',
    ['filare-agents doctor', 'filare-agents doctor --json', 'filare-agents doctor --leaks'],
  )
    .option('--leaks', 'look instead for what is left of sessions, against the book; exit code 1 when something leaks')
    .action(async (options) => {
      await (options.leaks === true ? lookForLeaks(context) : lookForWhatIsMissing(context));
    });
}

async function lookForWhatIsMissing(context: CliContext): Promise<void> {
  const { runDoctor } = await import('../../doctor/run-doctor.js');
  const { out, globals } = context;
  const project = findProject({ project: globals.project, cwd: context.cwd, env: context.env });
  const checks = await runDoctor({ project, env: context.env, signal: context.interrupts.signal });
  if (globals.json === true) out.json(checks);
  else {
    for (const { name, status, detail, fix } of checks) {
      if (globals.quiet === true && status === 'ok') continue;
      const mark = { ok: styled('green', '✓'), warn: styled('yellow', '!'), fail: styled('red', '✗') }[status];
      out.line(mark, ' ', styled('bold', name.padEnd(15)), detail);
      if (fix !== null) out.line(' '.repeat(17), styled('cyan', 'try'), `: ${fix}`);
    }
  }
  if (checks.some((check) => check.status === 'fail')) context.exit_code = 1;
}

async function lookForLeaks(context: CliContext): Promise<void> {
  const { findProjectLeaks } = await import('../../doctor/find-project-leaks.js');
  const project = findProject({ project: context.globals.project, cwd: context.cwd, env: context.env });
  const report = await findProjectLeaks({ project, env: { ...context.env }, signal: context.interrupts.signal });
  sayLeaks(context, report);
  if (leaks(report.findings).length > 0) context.exit_code = 1;
}

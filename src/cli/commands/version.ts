import type { CommandUnknownOpts } from '@commander-js/extra-typings';
import { daemonStatus } from '../../client/daemon-status.js';
import { findProject } from '../../client/find-project.js';
import { newCommand } from '../command.js';
import type { CliContext } from '../context.js';
import { packageVersion } from '../package-version.js';
import { styled } from '../style.js';

/** `version`: of everything that plays a part. `--version` prints only our own. */
export function versionCommand(context: CliContext): CommandUnknownOpts {
  return newCommand('version', 'Versions of client, daemon, engine and Codex; starts nothing', [
    'filare-agents version',
    'filare-agents version --json',
  ]).action(async () => {
    const { engineVersion } = await import('../../doctor/engine-checks.js');
    const { pinnedCodex } = await import('../../doctor/versions.js');
    const project = findProject({ project: context.globals.project, cwd: context.cwd, env: context.env });
    const { signal } = context.interrupts;
    const [daemon, engine, codex] = await Promise.all([
      daemonStatus(project, { signal }),
      engineVersion(context.env, signal),
      pinnedCodex(),
    ]);
    const versions = {
      client: packageVersion(),
      daemon: daemon?.version ?? null,
      engine,
      codex,
      node: process.versions.node,
    };
    if (context.globals.json === true) context.out.json(versions);
    else if (context.globals.quiet === true) context.out.line(versions.client);
    else {
      for (const [name, version] of Object.entries(versions)) {
        context.out.line(styled('dim', name.padEnd(8)), version ?? 'not running');
      }
    }
  });
}

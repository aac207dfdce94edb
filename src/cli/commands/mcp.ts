import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { CommandUnknownOpts } from '@commander-js/extra-typings';
import { Option } from '@commander-js/extra-typings';
import { findProject } from '../../client/find-project.js';
import { Fleet } from '../../client/fleet.js';
import { FilareError } from '../../contract/errors.js';
import type { ProjectPaths } from '../../contract/project.js';
import { parseAgentLimit } from '../../mcp/agent-limit.js';
import { clientConfig, MCP_CLIENTS, neededEnvironment, type McpClient } from '../../mcp/client-config.js';
import { newCommand } from '../command.js';
import type { CliContext } from '../context.js';
import { packageVersion } from '../package-version.js';

/** What a user may say to `mcp`. */
interface McpFlags {
  readonly readOnly?: true | undefined;
  readonly agents?: string | undefined;
}

/** `mcp`: the agents as tools for outside programs. */
export function mcpCommand(context: CliContext): CommandUnknownOpts {
  return newCommand('mcp', 'Serve the agents as tools over MCP, on standard input and output, to Codex and others', [
    'filare-agents mcp --print-config codex >> ~/.codex/config.toml',
    'filare-agents mcp --print-config claude > .mcp.json',
    'filare-agents mcp --read-only --agents docs,tag:web',
  ])
    .option('--read-only', 'offer only the tools that change nothing')
    .option('--agents <list>', 'only these agents: ids and tag:NAME, separated by commas')
    .addOption(
      new Option('--print-config <client>', "print what to add to a client's configuration, and end").choices(
        MCP_CLIENTS,
      ),
    )
    .addHelpText(
      'after',
      '\nIt ends with its client: when standard input is closed, or on SIGTERM or Ctrl-C (exit code 0).',
    )
    .action(async ({ printConfig, ...flags }) => {
      const project = certainProject(context);
      const limit = flags.agents === undefined ? undefined : parseAgentLimit(flags.agents);
      if (printConfig !== undefined) return printClientConfig(context, project, { client: printConfig, flags });
      const { serveMcp } = await import('../../mcp/serve-mcp.js');
      if (context.stdin.isTTY === true) {
        context.out.note('this speaks MCP on standard input, to a program; --print-config shows how to add it to one');
      }
      const find = { project: project.root, env: context.env, cwd: context.cwd };
      await serveMcp(
        {
          version: packageVersion(),
          read_only: flags.readOnly === true,
          limit,
          openFleet: (wanted) => Fleet.open({ ...find, ...wanted, daemon_command: context.daemon_command }),
        },
        {
          stdin: context.stdin,
          stdout: context.stdout,
          signal: context.interrupts.signal,
          say: (text) => context.out.note(text),
        },
      );
    });
}

/** The project, named or found for certain: a client starts this in any folder, and a daemon is not to be started for somebody's home. */
function certainProject(context: CliContext): ProjectPaths {
  const project = findProject({ project: context.globals.project, cwd: context.cwd, env: context.env });
  const is_named = context.globals.project !== undefined || (context.env['FILARE_PROJECT'] ?? '') !== '';
  if (is_named || existsSync(join(project.root, 'configs', 'agents')) || existsSync(project.state)) return project;
  throw new FilareError({
    code: 'usage',
    message: `no project here: neither configs/agents nor .filare in ${project.root} or above`,
    hint: 'name it with --project DIR; --print-config, run in the project, writes it out',
  });
}

function printClientConfig(
  context: CliContext,
  project: ProjectPaths,
  { client, flags }: { readonly client: McpClient; readonly flags: McpFlags },
): void {
  const program = fileURLToPath(new URL('../../../bin/filare-agents.js', import.meta.url));
  const only = [
    ...(flags.readOnly === true ? ['--read-only'] : []),
    ...(flags.agents === undefined ? [] : ['--agents', flags.agents]),
  ];
  const entry = {
    command: process.execPath,
    args: [program, 'mcp', '--project', project.root, ...only],
    env: neededEnvironment(context.env, project.socket),
  };
  const config = clientConfig(client, entry);
  if (context.globals.json === true) context.out.json({ client, ...entry, config });
  else for (const line of config.trimEnd().split('\n')) context.out.line(line);
}

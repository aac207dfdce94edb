import type { CommandUnknownOpts } from '@commander-js/extra-typings';
import { resolve } from 'node:path';
import { findProject } from '../../client/find-project.js';
import { FilareError } from '../../contract/errors.js';
import { newCommand, withSubcommands } from '../command.js';
import type { CliContext } from '../context.js';
import { hasTerminal, joinPipes } from '../join-pipes.js';
import { joinTerminal } from '../run-terminal.js';

/** `container run|sh`: one container without the daemon. */
export function containerCommand(context: CliContext): CommandUnknownOpts {
  const group = newCommand(
    'container',
    'One container for yourself, without the daemon; it is removed when you leave',
    [
      'filare-agents container run --workspace ~/work/shop --env-file .env',
      'filare-agents container sh --workspace ~/work/shop',
    ],
  );
  const run = newCommand('run', "Codex's own terminal interface in a container; after -- another command", [
    'filare-agents container run --workspace ~/work/shop --env-file .env --ssh-key ~/.ssh/agent_key',
    'filare-agents container run --workspace ~/work/shop -- codex exec "Say hello"',
  ]);
  const sh = newCommand('sh', 'A shell in a container; after -- another command', [
    'filare-agents container sh --workspace ~/work/shop',
    'filare-agents container sh --workspace ~/work/shop -- npm test',
  ]);
  return withSubcommands(group, [
    withOptions(run).action((words, options) => runSolo(context, options, words, ['codex'])),
    withOptions(sh).action((words, options) => runSolo(context, options, words, ['/bin/bash', '-l'])),
  ]);
}

interface SoloFlags {
  readonly workspace?: string | undefined;
  readonly envFile?: string | undefined;
  readonly sshKey?: string | undefined;
  readonly knownHosts?: string | undefined;
  readonly image?: string | undefined;
}

function withOptions(command: ReturnType<typeof newCommand>) {
  return command
    .option('--workspace <dir>', 'the folder to work in, used as it is (default: where you stand)')
    .option('--env-file <path>', "variables for what runs inside; a model's key among them reaches Codex alone")
    .option('--ssh-key <path>', 'private key for git over SSH, kept in memory')
    .option('--known-hosts <path>', 'host keys that SSH trusts; others are refused')
    .option('--image <name>', 'another image than the default one')
    .argument('[command...]', 'what to run instead, after --');
}

async function runSolo(
  context: CliContext,
  flags: SoloFlags,
  words: readonly string[],
  otherwise: readonly [string, ...string[]],
): Promise<void> {
  const { cwd, env, globals, interrupts, out } = context;
  if (globals.json === true)
    throw new FilareError({ code: 'usage', message: 'a container with a terminal is for people; it has no --json' });
  const { startSolo } = await import('../../solo/solo-container.js');
  const named = (path: string | undefined): string | undefined => (path === undefined ? path : resolve(cwd, path));
  const [program, ...args] = words;
  // Whoever presses Ctrl-C again is not quicker, and would leave files behind.
  interrupts.signal.addEventListener('abort', () => interrupts.ignore(), { once: true });
  await using solo = await startSolo({
    paths: findProject({ project: globals.project, cwd, env }),
    env: { ...env },
    options: {
      workspace: resolve(cwd, flags.workspace ?? '.'),
      env_file: named(flags.envFile),
      ssh_key: named(flags.sshKey),
      known_hosts: named(flags.knownHosts),
      image: flags.image,
    },
    command: program === undefined ? otherwise : [program, ...args],
    size: hasTerminal(context) ? out.size : undefined,
    signal: interrupts.signal,
  });
  try {
    if ('resize' in solo.program) await joinTerminal(context, solo.program);
    else await joinPipes(context, solo.program);
  } finally {
    interrupts.ignore();
  }
}

import type { CommandUnknownOpts } from '@commander-js/extra-typings';
import type { CliContext } from './context.js';

/** A command as help lists it; the rest is loaded when it is used. */
export interface CommandEntry {
  readonly name: string;
  readonly alias?: string;
  readonly group: 'Fleet' | 'Talk' | 'Inspect' | 'Set up' | 'More';
  readonly summary: string;
  readonly load: () => Promise<(context: CliContext) => CommandUnknownOpts>;
}

/** Every command, in the order help shows them. Each is a file of `commands/`, loaded only when it runs: `list` must start at once. */
export const COMMANDS: readonly CommandEntry[] = [
  {
    name: 'up',
    group: 'Fleet',
    summary: 'build the image, start every agent, then watch them',
    load: async () => (await import('./commands/up.js')).upCommand,
  },
  {
    name: 'start',
    group: 'Fleet',
    summary: 'start agents of manifests',
    load: async () => (await import('./commands/start.js')).startCommand,
  },
  {
    name: 'stop',
    group: 'Fleet',
    summary: 'stop sessions; their records stay',
    load: async () => (await import('./commands/stop.js')).stopCommand,
  },
  {
    name: 'restart',
    group: 'Fleet',
    summary: 'a new attempt of a session on the same thread',
    load: async () => (await import('./commands/restart.js')).restartCommand,
  },
  {
    name: 'fork',
    group: 'Fleet',
    summary: 'a second session from the same point',
    load: async () => (await import('./commands/fork.js')).forkCommand,
  },
  {
    name: 'pause',
    group: 'Fleet',
    summary: 'hold sessions, with a question if you like',
    load: async () => (await import('./commands/pause.js')).pauseCommand,
  },
  {
    name: 'resume',
    group: 'Fleet',
    summary: 'let paused sessions go on',
    load: async () => (await import('./commands/resume.js')).resumeCommand,
  },
  {
    name: 'resume-all',
    group: 'Fleet',
    summary: 'after a crash or a reboot: bring back what should run',
    load: async () => (await import('./commands/resume-all.js')).resumeAllCommand,
  },
  {
    name: 'wait',
    group: 'Fleet',
    summary: 'wait until sessions are idle, waiting or stopped',
    load: async () => (await import('./commands/wait.js')).waitCommand,
  },
  {
    name: 'send',
    group: 'Talk',
    summary: 'send a message to an agent',
    load: async () => (await import('./commands/send.js')).sendCommand,
  },
  {
    name: 'tail',
    group: 'Talk',
    summary: 'read what an agent says and does',
    load: async () => (await import('./commands/tail.js')).tailCommand,
  },
  {
    name: 'interrupt',
    group: 'Talk',
    summary: 'end the running turn, nothing else',
    load: async () => (await import('./commands/interrupt.js')).interruptCommand,
  },
  {
    name: 'feedback',
    group: 'Talk',
    summary: 'the inbox: what agents ask a person to decide',
    load: async () => (await import('./commands/feedback.js')).feedbackCommand,
  },
  {
    name: 'attach',
    group: 'Talk',
    summary: "Codex's own terminal interface, on a running session",
    load: async () => (await import('./commands/attach.js')).attachCommand,
  },
  {
    name: 'shell',
    group: 'Talk',
    summary: "a shell in an agent's container",
    load: async () => (await import('./commands/shell.js')).shellCommand,
  },
  {
    name: 'login',
    group: 'Talk',
    summary: "Codex's own login, into one agent's home",
    load: async () => (await import('./commands/shell.js')).loginCommand,
  },
  {
    name: 'list',
    alias: 'ps',
    group: 'Inspect',
    summary: 'the sessions: phase, activity, health, prompts, tokens, age',
    load: async () => (await import('./commands/list.js')).listCommand,
  },
  {
    name: 'describe',
    group: 'Inspect',
    summary: 'everything of one session',
    load: async () => (await import('./commands/describe.js')).describeCommand,
  },
  {
    name: 'diff',
    group: 'Inspect',
    summary: 'what an agent changed, committed and not',
    load: async () => (await import('./commands/diff.js')).diffCommand,
  },
  {
    name: 'sync',
    group: 'Fleet',
    summary: "bring agents' branches into your repository",
    load: async () => (await import('./commands/sync.js')).syncCommand,
  },
  {
    name: 'dashboard',
    group: 'Inspect',
    summary: 'the whole fleet at a glance, live',
    load: async () => (await import('./commands/dashboard.js')).dashboardCommand,
  },
  {
    name: 'tmux',
    group: 'Inspect',
    summary: 'the inbox and a pane for each agent, in tmux',
    load: async () => (await import('./commands/tmux.js')).tmuxCommand,
  },
  {
    name: 'events',
    group: 'Inspect',
    summary: 'the story of all sessions as one stream, for programs',
    load: async () => (await import('./commands/events.js')).eventsCommand,
  },
  {
    name: 'usage',
    group: 'Inspect',
    summary: 'tokens used by agent, role and day',
    load: async () => (await import('./commands/usage.js')).usageCommand,
  },
  {
    name: 'transcript',
    group: 'Inspect',
    summary: 'check transcripts, and export them',
    load: async () => (await import('./commands/transcript.js')).transcriptCommand,
  },
  {
    name: 'validate',
    group: 'Set up',
    summary: 'check manifests and print the resolved agents',
    load: async () => (await import('./commands/validate.js')).validateCommand,
  },
  {
    name: 'policy',
    group: 'Set up',
    summary: 'what the rules of manifests decide, and why',
    load: async () => (await import('./commands/policy.js')).policyCommand,
  },
  {
    name: 'schema',
    group: 'Set up',
    summary: 'the JSON Schema of manifests, for editors',
    load: async () => (await import('./commands/schema.js')).schemaCommand,
  },
  {
    name: 'commands',
    group: 'Set up',
    summary: "the catalogue of the project's commands",
    load: async () => (await import('./commands/commands.js')).commandsCommand,
  },
  {
    name: 'image',
    group: 'Set up',
    summary: 'the image that agents run in',
    load: async () => (await import('./commands/image.js')).imageCommand,
  },
  {
    name: 'doctor',
    group: 'Set up',
    summary: 'look for what is missing, and how to mend it',
    load: async () => (await import('./commands/doctor.js')).doctorCommand,
  },
  {
    name: 'cleanup',
    group: 'Set up',
    summary: 'remove what sessions left behind and nobody needs',
    load: async () => (await import('./commands/cleanup.js')).cleanupCommand,
  },
  {
    name: 'container',
    group: 'More',
    summary: 'one container for yourself, without the daemon',
    load: async () => (await import('./commands/container.js')).containerCommand,
  },
  {
    name: 'daemon',
    group: 'More',
    summary: "the project's background process",
    load: async () => (await import('./commands/daemon.js')).daemonCommand,
  },
  {
    name: 'mcp',
    group: 'More',
    summary: 'the agents as tools for Codex and other programs (MCP)',
    load: async () => (await import('./commands/mcp.js')).mcpCommand,
  },
  {
    name: 'completion',
    group: 'More',
    summary: 'completion for bash, zsh or fish',
    load: async () => (await import('./commands/completion.js')).completionCommand,
  },
  {
    name: 'help',
    group: 'More',
    summary: 'how a command is used, or a page of the documentation',
    load: async () => {
      const { helpCommand } = await import('./commands/help.js');
      return (context) => helpCommand(context, COMMANDS);
    },
  },
  {
    name: 'version',
    group: 'More',
    summary: 'versions of client, daemon, engine and Codex',
    load: async () => (await import('./commands/version.js')).versionCommand,
  },
];

/** The command of that name or alias. */
export function findCommand(name: string): CommandEntry | undefined {
  return COMMANDS.find((command) => command.name === name || command.alias === name);
}

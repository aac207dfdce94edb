import type { AgentSpec } from '../contract/agent-spec.js';
import type { CatalogueCommand, CommandParameter } from '../contract/catalogue.js';
import { DEFAULT_COMMAND_S, MAX_COMMAND_S } from '../contract/project-command.js';
import type { DynamicToolSpec } from './generated/protocol.js';

/** Name of the tool with which an agent runs a command of the project. */
export const RUN_PROJECT_COMMAND = 'run_project_command';

/** Characters of the list in an agent's instructions; the rest it finds as skills. */
const MAX_LIST_CHARS = 8_000;
const MAX_LINE_CHARS = 200;

/** The tool that an agent with commands gets at `thread/start`. */
export function projectCommandTool(commands: readonly CatalogueCommand[]): DynamicToolSpec {
  return {
    type: 'function',
    name: RUN_PROJECT_COMMAND,
    description:
      'Run one of the commands that this project declares safe, in your workspace, without asking. Answers with its exit code and what it printed. ' +
      'Your instructions list the commands and their arguments.',
    inputSchema: {
      type: 'object',
      properties: {
        command: { type: 'string', enum: commands.map((one) => one.name), description: 'Name of the command.' },
        arguments: {
          type: 'object',
          additionalProperties: { anyOf: [{ type: 'string' }, { type: 'array', items: { type: 'string' } }] },
          description: 'Arguments by parameter name; a list where the parameter takes several.',
        },
        timeout_seconds: {
          type: 'integer',
          minimum: 1,
          maximum: MAX_COMMAND_S,
          description: `How long it may take; ${DEFAULT_COMMAND_S} when left out.`,
        },
      },
      required: ['command'],
      additionalProperties: false,
    },
  };
}

/** What an agent's instructions say of its commands: one line each; undefined where it has none. */
export function projectCommandsNote(agent: Pick<AgentSpec, 'commands'>): string | undefined {
  const { commands = [] } = agent;
  if (commands.length === 0) return undefined;
  const lines: string[] = [];
  let chars = 0;
  for (const command of commands) {
    const line = `- ${usageOf(command)}${command.description === '' ? '' : `: ${oneLine(command.description)}`}`;
    chars += line.length + 1;
    if (chars > MAX_LIST_CHARS) break;
    lines.push(line);
  }
  const left = commands.length - lines.length;
  return [
    `Commands of this project that you may run without asking, with the tool ${RUN_PROJECT_COMMAND} (arguments by name; [optional], ... takes several). Prefer them to commands of your own:`,
    ...lines,
    ...(left === 0 ? [] : [`- and ${left} more: see your skills whose names begin with project-`]),
  ].join('\n');
}

/** `test <pattern> [jobs] [files...]` */
export function usageOf(command: Pick<CatalogueCommand, 'name' | 'parameters'>): string {
  return [command.name, ...command.parameters.map(parameterUsage)].join(' ');
}

function parameterUsage({ name, kind, required }: CommandParameter): string {
  const inner = kind === 'one' ? name : `${name}...`;
  return required ? `<${inner}>` : `[${inner}]`;
}

function oneLine(text: string): string {
  const line = text.replaceAll(/\s+/g, ' ').trim();
  return line.length <= MAX_LINE_CHARS ? line : `${line.slice(0, MAX_LINE_CHARS - 1)}…`;
}

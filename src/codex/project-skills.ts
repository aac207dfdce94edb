import type { AgentSpec } from '../contract/agent-spec.js';
import type { CatalogueCommand, CommandAction } from '../contract/catalogue.js';
import { IN_CONTAINER } from './container-paths.js';
import { RUN_PROJECT_COMMAND, usageOf } from './project-commands.js';

/** Where the project's skills are mounted, read-only: Codex looks for SKILL.md in every folder below `skills`. */
export const SKILLS_IN_CONTAINER = `${IN_CONTAINER.codex_home}/skills/project`;

/** Bounds of Codex 0.169 for a skill: longer ones are left out with a warning. */
const MAX_NAME_CHARS = 64;
const MAX_DESCRIPTION_CHARS = 1024;

/** A skill: the name of its folder, and the text of the SKILL.md in it. */
export interface Skill {
  readonly folder: string;
  readonly text: string;
}

/** One skill for each command that the agent may run: what it does, its arguments, and what belongs before and after it. Pure. */
export function projectSkills(agent: Pick<AgentSpec, 'commands'>): readonly Skill[] {
  const used = new Set<string>();
  return (agent.commands ?? []).map((command) => {
    const base = `project-${command.name.replaceAll('::', '-')}`.slice(0, MAX_NAME_CHARS - 4);
    let name = base;
    for (let n = 2; used.has(name.toLowerCase()); n += 1) name = `${base}-${n}`;
    used.add(name.toLowerCase());
    return { folder: name, text: skillText(name, command) };
  });
}

function skillText(name: string, command: CatalogueCommand): string {
  const what = command.description === '' ? `Run ${command.name} of this project` : command.description;
  const description = `${what} (${RUN_PROJECT_COMMAND}: ${usageOf(command)})`.replaceAll(/\s+/g, ' ');
  return [
    '---',
    // A JSON text is a YAML text.
    `name: ${JSON.stringify(name)}`,
    `description: ${JSON.stringify(description.slice(0, MAX_DESCRIPTION_CHARS))}`,
    '---',
    '',
    `# ${command.name}`,
    '',
    what,
    '',
    `Call the tool \`${RUN_PROJECT_COMMAND}\` with \`{"command": ${JSON.stringify(command.name)}, "arguments": {…}}\`. It runs \`${command.run ?? ''}\` in the workspace, without asking, and answers with the exit code and the output.`,
    ...parameterLines(command),
    ...actionLines('Before', command.actions, 'before'),
    ...actionLines('When it succeeded', command.actions, 'on_success'),
    ...actionLines('When it failed', command.actions, 'on_error'),
    '',
  ].join('\n');
}

function parameterLines({ parameters }: CatalogueCommand): readonly string[] {
  if (parameters.length === 0) return ['', 'It takes no arguments.'];
  return [
    '',
    'Arguments:',
    '',
    ...parameters.map((one) => {
      const several = one.kind === 'one' ? '' : ', a list';
      const otherwise = one.required
        ? 'required'
        : `optional${one.default === null ? '' : `, otherwise \`${one.default}\``}`;
      return `- \`${one.name}\`: ${otherwise}${several}`;
    }),
  ];
}

function actionLines(
  title: string,
  actions: readonly CommandAction[],
  stage: CommandAction['stage'],
): readonly string[] {
  const own = actions.filter((one) => one.stage === stage);
  if (own.length === 0) return [];
  const lines = own.map(({ name, params }) => {
    const more = Object.keys(params).length === 0 ? '' : ` ${JSON.stringify(params)}`;
    return `- ${name.replaceAll('-', ' ')}${more}`;
  });
  return ['', `${title}:`, '', ...lines];
}

import type { CommandUnknownOpts } from '@commander-js/extra-typings';
import { join, resolve } from 'node:path';
import { findProject } from '../../client/find-project.js';
import type { Catalogue, CatalogueCommand, CommandParameter } from '../../contract/catalogue.js';
import { FilareError } from '../../contract/errors.js';
import { newCommand } from '../command.js';
import type { CliContext } from '../context.js';
import { plural } from '../fleet-table.js';
import { styled, type Span } from '../style.js';
import { tableLines } from '../table.js';

/** Column of the values of `show`. */
const NAME_CHARS = 13;

/** `commands list`. */
export function listCommandsCommand(context: CliContext): CommandUnknownOpts {
  return newCommand('list', 'The commands of the catalogue', [
    'filare-agents commands list',
    'filare-agents commands list --safe --json',
  ])
    .option('--safe', 'only those that agents may run')
    .option('--output <path>', 'the catalogue (default: agents/commands.yml)')
    .action(async (options) => {
      const { out, globals } = context;
      const all = Object.values((await read(context, options.output)).commands);
      const commands = options.safe === true ? all.filter((command) => command.safe_for_agents) : all;
      if (globals.json === true) {
        out.json(commands);
        return;
      }
      if (globals.quiet === true) {
        for (const command of commands) out.line(command.name);
        return;
      }
      const head = [
        { title: 'NAME', shrink: true },
        { title: 'ARGUMENTS', shrink: true },
        { title: 'CATEGORY', shrink: true },
        { title: 'AGENTS' },
        { title: 'DOES', shrink: true },
      ];
      const rows = commands.map((command): Span[] => [
        styled('bold', command.name),
        command.parameters.map(parameterText).join(' '),
        command.category,
        command.safe_for_agents ? styled('green', 'yes') : styled('dim', 'no'),
        command.description,
      ]);
      const columns = out.is_terminal ? out.size.columns : Number.MAX_SAFE_INTEGER;
      if (rows.length > 0) for (const line of tableLines(head, rows, columns)) out.line(...line);
      out.note(plural(commands.length, 'command'));
    });
}

/** `commands show NAME`. */
export function showCommandCommand(context: CliContext): CommandUnknownOpts {
  return newCommand('show', 'Everything of one command of the catalogue', [
    'filare-agents commands show test',
    'filare-agents commands show test --json',
  ])
    .argument('<command>', 'name of a command')
    .option('--output <path>', 'the catalogue (default: agents/commands.yml)')
    .action(async (name, options) => {
      const { out, globals } = context;
      const { commands } = await read(context, options.output);
      const command = Object.hasOwn(commands, name) ? commands[name] : undefined;
      if (command === undefined) {
        const { closestWord } = await import('../../manifest/closest-word.js');
        const near = closestWord(name, Object.keys(commands));
        throw new FilareError({
          code: 'not_found',
          message: `the catalogue has no command ${name}`,
          hint: near === undefined ? 'filare-agents commands list shows them' : `did you mean ${near}?`,
        });
      }
      if (globals.json === true) {
        out.json(command);
        return;
      }
      for (const [title, value] of explanation(command)) out.line(styled('dim', title.padEnd(NAME_CHARS)), value);
    });
}

async function read(context: CliContext, output: string | undefined): Promise<Catalogue> {
  const { CATALOGUE_FILE } = await import('../../contract/catalogue.js');
  const { readCatalogue } = await import('../../catalogue/read-catalogue.js');
  const { cwd, env, globals } = context;
  const { root } = findProject({ project: globals.project, cwd, env });
  return readCatalogue(output === undefined ? join(root, CATALOGUE_FILE) : resolve(cwd, output));
}

function explanation(command: CatalogueCommand): [string, Span][] {
  return [
    ['name', styled('bold', command.name)],
    ['does', command.description === '' ? '-' : command.description],
    ['runs', command.run ?? 'nothing; its actions say what to do'],
    ['from', command.origin === 'justfile' ? 'the justfile' : 'the extra commands'],
    ['category', command.category],
    ['for agents', command.safe_for_agents ? styled('green', 'safe') : 'not without asking'],
    ...command.parameters.map((parameter, at): [string, Span] => [
      at === 0 ? 'arguments' : '',
      `${parameterText(parameter)}${parameter.default === null ? '' : ` (default: ${JSON.stringify(parameter.default)})`}`,
    ]),
    ...command.actions.map(({ name, stage, params }, at): [string, Span] => [
      at === 0 ? 'actions' : '',
      `${stage}: ${name}${Object.keys(params).length === 0 ? '' : ` ${JSON.stringify(params)}`}`,
    ]),
  ];
}

function parameterText({ name, kind, required }: CommandParameter): string {
  const shown = kind === 'one' ? name : `${name}…`;
  return required ? shown : `[${shown}]`;
}

import type { CommandUnknownOpts } from '@commander-js/extra-typings';
import { mkdir, writeFile } from 'node:fs/promises';
import { dirname, join, relative, resolve } from 'node:path';
import { findProject } from '../../client/find-project.js';
import type { CatalogueDifference } from '../../catalogue/compare-catalogue.js';
import type { Compiled } from '../../catalogue/compile-catalogue.js';
import { newCommand, withSubcommands } from '../command.js';
import type { CliContext } from '../context.js';
import { plural } from '../fleet-table.js';
import { styled } from '../style.js';
import { listCommandsCommand, showCommandCommand } from './commands-read.js';

/** `commands …`: the catalogue of a project's commands; needs neither daemon nor engine. */
export function commandsCommand(context: CliContext): CommandUnknownOpts {
  const group = newCommand('commands', "The catalogue of the project's commands: its recipes, and what is no recipe", [
    'filare-agents commands generate',
    'filare-agents commands check',
    'filare-agents commands list',
  ]);
  return withSubcommands(group, [
    generateCommand(context),
    checkCommand(context),
    listCommandsCommand(context),
    showCommandCommand(context),
  ]);
}

function generateCommand(context: CliContext): CommandUnknownOpts {
  return withSources(
    newCommand('generate', 'Compile the recipes of the justfile and the extra commands into the catalogue', [
      'filare-agents commands generate',
      'filare-agents commands generate --output agents/filare_commands.yml',
    ]),
  ).action(async (options: SourceOptions) => {
    const { out, globals } = context;
    const { root, output, compiled, difference } = await compile(context, options);
    if (!difference.current) {
      await mkdir(dirname(output), { recursive: true });
      await writeFile(output, compiled.text);
    }
    if (globals.json === true) {
      out.json({ output, written: !difference.current, ...compiled.counts });
      return;
    }
    if (globals.quiet === true) return;
    for (const line of countLines(compiled)) out.line(line);
    out.line(
      styled('green', '✓'),
      ` ${relative(root, output)} ${difference.current ? 'is up to date' : 'was written'}`,
    );
  });
}

function checkCommand(context: CliContext): CommandUnknownOpts {
  return withSources(
    newCommand('check', 'Whether the catalogue is what its sources give; exit code 1 when it is stale, and how', [
      'filare-agents commands check',
      'filare-agents commands check --json',
    ]),
  ).action(async (options: SourceOptions) => {
    const { out, globals } = context;
    const { root, output, compiled, difference } = await compile(context, options);
    if (!difference.current) context.exit_code = 1;
    if (globals.json === true) {
      out.json({ output, ...difference, ...compiled.counts });
      return;
    }
    const name = relative(root, output);
    if (difference.current) {
      out.note(styled('green', '✓'), ` ${name} is up to date: ${countLines(compiled).join('; ')}`);
      return;
    }
    out.complain(styled('red', 'stale'), `: ${name}${difference.reason === null ? '' : `: ${difference.reason}`}`);
    for (const line of differenceLines(difference)) out.complain(`  ${line}`);
    out.complain('  ', styled('cyan', 'try'), ': filare-agents commands generate');
  });
}

interface SourceOptions {
  readonly justfile?: string | undefined;
  readonly extra?: string | undefined;
  readonly output?: string | undefined;
}

function withSources(command: ReturnType<typeof newCommand>): ReturnType<typeof newCommand> {
  command
    .option('--justfile <path>', "the justfile (default: the one in the project's folder)")
    .option('--extra <path>', 'the extra commands (default: agents/extra_commands.yml where that exists)')
    .option('--output <path>', 'the catalogue (default: agents/commands.yml)');
  return command;
}

async function compile(
  context: CliContext,
  options: SourceOptions,
): Promise<{ root: string; output: string; compiled: Compiled; difference: CatalogueDifference }> {
  const { compileCatalogue } = await import('../../catalogue/compile-catalogue.js');
  const { CATALOGUE_FILE } = await import('../../contract/catalogue.js');
  const { compareCatalogue } = await import('../../catalogue/compare-catalogue.js');
  const { readCatalogueText } = await import('../../catalogue/read-catalogue.js');
  const { cwd, env, globals, interrupts } = context;
  const { root } = findProject({ project: globals.project, cwd, env });
  const named = (path: string | undefined): string | undefined => (path === undefined ? path : resolve(cwd, path));
  const output = named(options.output) ?? join(root, CATALOGUE_FILE);
  const compiled = await compileCatalogue({
    root,
    justfile: named(options.justfile),
    extra: named(options.extra),
    env,
    signal: interrupts.signal,
  });
  return { root, output, compiled, difference: compareCatalogue(await readCatalogueText(output), compiled.text) };
}

/** What became of each recipe and each extra; the numbers add up. */
function countLines({ counts }: Compiled): string[] {
  const from_recipes = counts.recipes - counts.private_left_out;
  const aliases =
    counts.aliases === 0 ? '' : `; ${String(counts.aliases)} ${counts.aliases === 1 ? 'alias' : 'aliases'}`;
  const more = counts.extras - counts.overrides;
  return [
    `${plural(counts.recipes, 'recipe')}: ${plural(from_recipes, 'command')}, ${String(counts.private_left_out)} private left out${aliases}`,
    `${plural(counts.extras, 'extra')}: ${plural(more, 'command')}, ${String(counts.overrides)} that change a recipe`,
    `${plural(counts.commands, 'command')}, ${String(counts.safe_for_agents)} safe for agents`,
  ];
}

function differenceLines({ added, removed, changed }: CatalogueDifference): string[] {
  return [
    ...added.map((name) => `missing: ${name}`),
    ...removed.map((name) => `no longer there: ${name}`),
    ...changed.map(({ name, fields }) => `changed: ${name} (${fields.join(', ')})`),
  ];
}

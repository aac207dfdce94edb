/**
 * A project's commands: the recipes of its justfile and its extra commands, as one catalogue. Contract of the room:
 * - no recipe is dropped but private ones, and those are counted;
 * - nothing is safe for agents unless its author says so, and what would wait for a person only when an extra says so;
 * - a name defined twice is a mistake that names both places;
 * - the text depends on the sources alone: no time, no absolute path, one order;
 * - nothing of the justfile is run, and nothing is written.
 */
import { existsSync, readdirSync } from 'node:fs';
import { basename, dirname, join, relative } from 'node:path';
import { catalogueCommandSchema } from '../contract/catalogue.js';
import { shellQuote } from '../contract/shell-quote.js';
import { FilareError } from '../contract/errors.js';
import { Findings, type Diagnostic } from '../manifest/diagnostic.js';
import { shownFile } from '../manifest/format-diagnostic.js';
import { readText } from '../manifest/read-text.js';
import { sourceText } from '../manifest/source-text.js';
import { catalogueText } from './catalogue-text.js';
import { dumpJustfile, JustfileMistake, type DumpedModule, type DumpQuery } from './dump-justfile.js';
import { readExtraCommands, type ExtraCommand } from './extra-commands.js';
import { readJustfileSource } from './justfile-source.js';
import { mergeCommands } from './merge-commands.js';
import { namesTwice, recipesOf, type Recipes, type Twice } from './recipe-commands.js';

/** Where a project keeps its extra commands, below its folder. */
export const EXTRA_FILE = 'agents/extra_commands.yml';
/** What to compile. Paths are absolute. */
export interface CompileQuery {
  /** The project's folder, where commands run. */
  readonly root: string;
  /** The one in the project's folder when absent. */
  readonly justfile?: string | undefined;
  /** EXTRA_FILE, where that exists, when absent. */
  readonly extra?: string | undefined;
  readonly env: DumpQuery['env'];
  readonly signal: AbortSignal;
}

/** A compiled catalogue. */
export interface Compiled {
  readonly text: string;
  readonly counts: {
    readonly recipes: number;
    /** Commands of the catalogue. */
    readonly commands: number;
    /** Private recipes that are not in it. */
    readonly private_left_out: number;
    readonly aliases: number;
    readonly extras: number;
    /** Extras that change a recipe. */
    readonly overrides: number;
    readonly safe_for_agents: number;
  };
}

/**
 * Compiles the catalogue. Errors: `not_found` without a justfile or without a file that was named, `unsupported` without just, `invalid_manifest` for
 * mistakes, with `details: {mistakes: Diagnostic[]}` where they have places.
 */
export async function compileCatalogue(query: CompileQuery): Promise<Compiled> {
  const { root } = query;
  const justfile = query.justfile ?? findJustfile(root);
  const dumped = await dumpOrExplain({ ...query, justfile }, root);
  const recipes = recipesOf(dumped, howToRun(justfile, root));
  refuseTwice(recipes.twice, root);
  const findings = new Findings();
  const { extras, file } = readExtras(query, findings);
  refuseAliases(extras, recipes, findings);
  const merged = mergeCommands(recipes.commands, extras, findings);
  const mistakes = findings.mistakes([]);
  if (mistakes.length > 0) throw asFailure(mistakes, root);
  for (const { name } of merged.commands) refuseName(name);
  return {
    text: catalogueText(merged.commands, { root, sources: [...recipes.files, ...(file === null ? [] : [file])] }),
    counts: {
      recipes: recipes.commands.length,
      commands: merged.commands.length,
      private_left_out: merged.left_out,
      aliases: recipes.aliases.length,
      extras: extras.length,
      overrides: merged.overrides,
      safe_for_agents: merged.commands.filter((command) => command.safe_for_agents).length,
    },
  };
}

/** As just finds it in a folder; it may be written in any case. */
function findJustfile(root: string): string {
  const found = readdirSync(root)
    .sort()
    .find((name) => ['justfile', '.justfile'].includes(name.toLowerCase()));
  if (found !== undefined) return join(root, found);
  throw new FilareError({
    code: 'not_found',
    message: `there is no justfile in ${root}`,
    hint: 'write one, or name it with --justfile PATH',
  });
}

/** `just` where just finds the file by itself from the project's folder. */
function howToRun(justfile: string, root: string): string {
  const path = relative(root, justfile);
  const is_found = dirname(path) === '.' && ['justfile', '.justfile'].includes(basename(path).toLowerCase());
  return is_found ? 'just' : `just --justfile ${shellQuote(path)}`;
}

async function dumpOrExplain(query: DumpQuery, root: string): Promise<DumpedModule> {
  if (!existsSync(query.justfile)) {
    throw new FilareError({ code: 'not_found', message: `there is no justfile at ${query.justfile}` });
  }
  try {
    return await dumpJustfile(query);
  } catch (error) {
    // just names the file of the second place only.
    if (error instanceof JustfileMistake && error.message.includes('redefined')) {
      refuseTwice(namesTwice(readJustfileSource(query.justfile).recipes), root);
    }
    throw error;
  }
}

function refuseTwice(twice: readonly Twice[], root: string): void {
  if (twice.length === 0) return;
  const lines = twice.map(({ name, places }) => {
    const where = places.map(({ file, line }) => `${shownFile(file, root)}:${String(line)}`);
    return `the recipe ${name} is defined twice: ${where.join(' and ')}`;
  });
  throw new FilareError({
    code: 'invalid_manifest',
    message: lines.join('\n'),
    hint: 'give one of them another name',
  });
}

function readExtras(
  { root, extra }: CompileQuery,
  findings: Findings,
): { readonly extras: readonly ExtraCommand[]; readonly file: string | null } {
  const file = extra ?? join(root, EXTRA_FILE);
  if (extra === undefined && !existsSync(file)) return { extras: [], file: null };
  const read = readText(file);
  if ('refusal' in read) {
    throw new FilareError({ code: 'not_found', message: `the file of extra commands ${file} ${read.refusal}` });
  }
  return { extras: readExtraCommands(sourceText(file, read.text), findings), file };
}

function refuseAliases(extras: readonly ExtraCommand[], { aliases }: Recipes, findings: Findings): void {
  for (const { name, place } of extras) {
    if (!aliases.includes(name)) continue;
    findings.mistake(place, {
      message: `${name} is an alias in the justfile already`,
      hint: 'give the command another name, or override the recipe that the alias stands for',
    });
  }
}

function refuseName(name: string): void {
  if (catalogueCommandSchema.shape.name.safeParse(name).success) return;
  throw new FilareError({
    code: 'invalid_manifest',
    message: `the recipe name ${name} is too long`,
    hint: 'at most 100',
  });
}

function asFailure(mistakes: readonly Diagnostic[], root: string): FilareError {
  const [first] = mistakes;
  const where =
    first === undefined ? '' : `${shownFile(first.file, root)}:${String(first.line)}:${String(first.column)}`;
  const what = `${where}: ${first?.message ?? ''}`;
  return new FilareError({
    code: 'invalid_manifest',
    message: mistakes.length === 1 ? what : `${String(mistakes.length)} mistakes; the first: ${what}`,
    hint: 'mend them and try again; nothing was written',
    details: { mistakes },
  });
}

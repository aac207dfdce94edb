import type { CatalogueCommand, CommandParameter } from '../contract/catalogue.js';
import type { Findings } from '../manifest/diagnostic.js';
import type { ExtraCommand } from './extra-commands.js';
import { placeholdersIn } from './placeholders.js';
import { NO_CATEGORY, type RecipeCommand } from './recipe-commands.js';

/** Recipes and extras as one list, and what became of them. */
export interface Merged {
  readonly commands: readonly CatalogueCommand[];
  /** Private recipes that no extra names. */
  readonly left_out: number;
  /** Extras that change a recipe. */
  readonly overrides: number;
}

/**
 * Every recipe but the private ones, with what an extra of its name says instead, and every other extra. A private recipe that an extra names is listed.
 */
export function mergeCommands(
  recipes: readonly RecipeCommand[],
  extras: readonly ExtraCommand[],
  findings: Findings,
): Merged {
  const extraOf = new Map(extras.map((extra) => [extra.name, extra]));
  const listed = recipes.filter((recipe) => !recipe.private || extraOf.has(recipe.command.name));
  const names = new Set(listed.map(({ command }) => command.name));
  const changed = listed.map(({ command }) => {
    const extra = extraOf.get(command.name);
    return extra === undefined ? command : override(command, extra, findings);
  });
  const own = extras.filter(({ name }) => !names.has(name)).map((extra) => ownCommand(extra, findings));
  return {
    commands: [...changed, ...own],
    left_out: recipes.length - listed.length,
    overrides: extras.length - own.length,
  };
}

function override(command: CatalogueCommand, extra: ExtraCommand, findings: Findings): CatalogueCommand {
  const changed = {
    ...command,
    description: extra.description ?? command.description,
    category: extra.category ?? command.category,
    safe_for_agents: extra.safe_for_agents ?? command.safe_for_agents,
    actions: [...(extra.actions ?? command.actions)],
  };
  if (extra.run !== undefined)
    return { ...changed, origin: 'extra', run: extra.run, parameters: [...(extra.parameters ?? parametersOf(extra))] };
  if (extra.parameters !== undefined) {
    findings.mistake(extra.place, {
      message: `${extra.name} is a recipe, and its parameters are those of the justfile`,
      hint: 'leave parameters out, or say with run what is to be run instead',
    });
  }
  return changed;
}

function ownCommand(extra: ExtraCommand, findings: Findings): CatalogueCommand {
  const { name, run = null, actions = [] } = extra;
  if (run === null && actions.length === 0) {
    findings.mistake(extra.place, {
      message: `${name} is no recipe, and says neither what to run nor which actions to take`,
      expected: 'run: a command line, or actions: a list',
    });
  }
  return {
    name,
    origin: 'extra',
    run,
    description: extra.description ?? '',
    category: extra.category ?? NO_CATEGORY,
    parameters: [...(extra.parameters ?? parametersOf(extra))],
    safe_for_agents: extra.safe_for_agents ?? false,
    actions: [...actions],
  };
}

/** One for each placeholder of the command line, then of the actions. */
function parametersOf({ run, actions }: ExtraCommand): CommandParameter[] {
  return placeholdersIn([run ?? null, (actions ?? []).map(({ params }) => params)]).map((name) => ({
    name,
    kind: 'one',
    required: true,
    default: null,
  }));
}

import type { CatalogueCommand, CommandParameter } from '../contract/catalogue.js';
import type { DumpedModule, DumpedParameter, DumpedRecipe } from './dump-justfile.js';
import { readJustfileSource, type WrittenRecipe } from './justfile-source.js';

/** The group, and the mark in a comment, by which a recipe says that agents may run it. */
const SAFE_GROUP = 'agent';
const SAFE_DOC = /^agent\s*:\s*safe$/i;
/** Category of a command that names none. */
export const NO_CATEGORY = 'misc';

/** A recipe as a command, with what decides whether it is listed. */
export interface RecipeCommand {
  readonly command: CatalogueCommand;
  readonly private: boolean;
  /** Where it stands; null when its source could not be read. */
  readonly place: { readonly file: string; readonly line: number } | null;
}

/** Two places that define one name. */
export interface Twice {
  readonly name: string;
  readonly places: readonly WrittenRecipe[];
}

/** Every recipe of a justfile, private ones too, and what was found beside them. */
export interface Recipes {
  readonly commands: readonly RecipeCommand[];
  /** Full names of aliases: they are no commands of their own. */
  readonly aliases: readonly string[];
  /** Where the justfile allows a name twice, those that are. */
  readonly twice: readonly Twice[];
  /** The files that were read, absolute. */
  readonly files: readonly string[];
}

/** The recipes of a justfile and of all its modules. `just` is how its recipes are run. Reads the sources for marks and places. */
export function recipesOf(justfile: DumpedModule, just: string): Recipes {
  const found = {
    commands: [] as RecipeCommand[],
    aliases: [] as string[],
    twice: [] as Twice[],
    files: [] as string[],
  };
  const visit = (module: DumpedModule, prefix: string): void => {
    const written = readJustfileSource(module.source);
    found.files.push(...written.files);
    if (module.settings.allow_duplicate_recipes) found.twice.push(...namesTwice(written.recipes, prefix));
    for (const recipe of Object.values(module.recipes)) {
      const place = written.recipes.find(({ name }) => name === recipe.name) ?? null;
      found.commands.push({
        command: asCommand(recipe, { name: `${prefix}${recipe.name}`, module, prefix, place, just }),
        private: recipe.private,
        place,
      });
    }
    found.aliases.push(...Object.keys(module.aliases).map((name) => `${prefix}${name}`));
    for (const [name, inner] of Object.entries(module.modules)) visit(inner, `${prefix}${name}::`);
  };
  visit(justfile, '');
  return found;
}

/** The names that stand twice in one module, with their places. */
export function namesTwice(written: readonly WrittenRecipe[], prefix = ''): Twice[] {
  return [...new Set(written.map(({ name }) => name))].flatMap((name) => {
    const places = written.filter((recipe) => recipe.name === name);
    return places.length > 1 ? [{ name: `${prefix}${name}`, places }] : [];
  });
}

interface Around {
  readonly name: string;
  readonly module: DumpedModule;
  readonly prefix: string;
  readonly place: WrittenRecipe | null;
  readonly just: string;
}

function asCommand(recipe: DumpedRecipe, { name, module, prefix, place, just }: Around): CatalogueCommand {
  const groups = valuesOf(recipe, 'group');
  const doc = recipe.doc ?? '';
  const marked = groups.includes(SAFE_GROUP) || place?.marked_safe === true || SAFE_DOC.test(doc);
  const given = recipe.parameters.filter((parameter) => !isOption(parameter) || isRequired(parameter));
  return {
    name,
    origin: 'justfile',
    run: [just, name, ...given.map(argument)].join(' '),
    description: SAFE_DOC.test(doc) ? (place?.comment ?? '') : doc,
    category: groups.find((group) => group !== SAFE_GROUP) ?? (prefix === '' ? NO_CATEGORY : prefix.slice(0, -2)),
    parameters: given.map(asParameter),
    // Whoever confirms is a person.
    safe_for_agents: marked && !asksPerson(recipe, module, new Set()),
    actions: [],
  };
}

function asParameter(parameter: DumpedParameter): CommandParameter {
  const { name, kind } = parameter;
  return {
    name,
    kind: kind === 'singular' ? 'one' : kind,
    required: isRequired(parameter),
    default: typeof parameter.default === 'string' ? parameter.default : null,
  };
}

function isRequired({ kind, default: value }: DumpedParameter): boolean {
  return kind !== 'star' && (value === null || value === undefined);
}

/** An option that may be left out always is: the catalogue knows arguments by their place only. */
function isOption({ long, short }: DumpedParameter): boolean {
  return typeof long === 'string' || typeof short === 'string';
}

function argument({ name, long, short }: DumpedParameter): string {
  if (typeof long === 'string') return `--${long}={${name}}`;
  return typeof short === 'string' ? `-${short} {${name}}` : `{${name}}`;
}

/** Whether just would ask a person before it, or before a recipe that it depends on, runs. */
function asksPerson(recipe: DumpedRecipe, module: DumpedModule, seen: Set<string>): boolean {
  if (seen.has(recipe.name)) return false;
  seen.add(recipe.name);
  if (recipe.attributes.some((one) => (typeof one === 'string' ? one === 'confirm' : 'confirm' in one))) return true;
  return recipe.dependencies.some(({ recipe: name }) => {
    const path = name.split('::');
    const holder = path.slice(0, -1).reduce<DumpedModule | undefined>((at, step) => at?.modules[step], module);
    const dependency = holder?.recipes[path.at(-1) ?? ''];
    // What cannot be looked at is not called safe.
    if (holder === undefined || dependency === undefined) return true;
    return asksPerson(dependency, holder, holder === module ? seen : new Set());
  });
}

function valuesOf(recipe: DumpedRecipe, attribute: string): string[] {
  return recipe.attributes.flatMap((one) => {
    const value = typeof one === 'string' ? undefined : one[attribute];
    return typeof value === 'string' ? [value] : [];
  });
}

import { z } from 'zod';

/** Longest name of a command or parameter, in characters. */
const MAX_NAME_CHARS = 100;

/** A name as `just` allows it, modules joined by `::`. */
const commandName = z
  .string()
  .max(MAX_NAME_CHARS)
  .regex(/^[A-Za-z_][A-Za-z0-9_-]*(::[A-Za-z_][A-Za-z0-9_-]*)*$/);

/** One parameter of a command, in the order in which arguments are given. */
export const commandParameterSchema = z.strictObject({
  name: z
    .string()
    .max(MAX_NAME_CHARS)
    .regex(/^[A-Za-z_][A-Za-z0-9_-]*$/),
  /** `one`: one argument. `star`: any number of them. `plus`: at least one. Only the last may be `star` or `plus`. */
  kind: z.enum(['one', 'star', 'plus']),
  /** An argument must be given: it is no `star`, and there is no default. */
  required: z.boolean(),
  /** What it is when left out, as text; null where there is none, or it is computed by the recipe. */
  default: z.string().nullable(),
});
/** One parameter of a command. */
export type CommandParameter = z.infer<typeof commandParameterSchema>;

/** Something an agent or a program does around a command: declared here, carried out by whoever reads the catalogue. */
export const commandActionSchema = z.strictObject({
  name: z.string().min(1),
  stage: z.enum(['before', 'main', 'on_success', 'on_error']),
  params: z.record(z.string(), z.unknown()),
});
/** An action of a command. */
export type CommandAction = z.infer<typeof commandActionSchema>;

/** One command of a project. */
export const catalogueCommandSchema = z.strictObject({
  name: commandName,
  origin: z.enum(['justfile', 'extra']),
  /**
   * The command line, `{parameter}` where an argument goes: `just test {pattern}`. For a recipe it is `just <name>` and its parameters; for an extra
   * command it is a line for bash. Null where there is nothing to run: the actions say what to do.
   */
  run: z.string().nullable(),
  description: z.string(),
  category: z.string(),
  parameters: z.array(commandParameterSchema),
  /** An agent may run it without asking, in its own container. */
  safe_for_agents: z.boolean(),
  actions: z.array(commandActionSchema),
});
/** One command of a project. */
export type CatalogueCommand = z.infer<typeof catalogueCommandSchema>;

/** Where a project's catalogue stands, below its folder. */
export const CATALOGUE_FILE = 'agents/commands.yml';

/** Version of the catalogue's format. */
export const CATALOGUE_VERSION = 1;

/** `agents/commands.yml`: what `filare-agents commands generate` writes. Commands stand by name, sorted. */
export const catalogueSchema = z.strictObject({
  version: z.literal(CATALOGUE_VERSION),
  commands: z.record(commandName, catalogueCommandSchema),
});
/** A project's catalogue of commands. */
export type Catalogue = z.infer<typeof catalogueSchema>;

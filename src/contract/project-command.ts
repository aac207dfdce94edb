import { z } from 'zod';
import type { CatalogueCommand, CommandParameter } from './catalogue.js';
import { shellQuote } from './shell-quote.js';

/** How long a command of the project may take when nobody says, in seconds. */
export const DEFAULT_COMMAND_S = 600;
/** How long it may take at most, in seconds. */
export const MAX_COMMAND_S = 3600;

/** Arguments of one command: how many, and characters of all together. */
const MAX_ARGUMENTS = 200;
const MAX_ARGUMENT_CHARS = 64 * 1024;

const argument = z.string().refine((text) => !text.includes('\0'), 'holds a NUL character');

/** A call of a command of the project: arguments by parameter name. */
export const commandCallSchema = z.strictObject({
  command: z.string().min(1).max(200),
  arguments: z.record(z.string(), z.union([argument, z.array(argument).max(MAX_ARGUMENTS)])).default({}),
  timeout_seconds: z.number().int().min(1).max(MAX_COMMAND_S).optional(),
});
/** A call of a command of the project. */
export type CommandCall = z.output<typeof commandCallSchema>;

/** A command with checked arguments: what is executed, and the line that says the same to people and rules. */
export interface CommandLine {
  /** Program and arguments; no shell reads them. */
  readonly argv: readonly string[];
  /** As somebody would type it. */
  readonly shown: string;
}

/** The command line of a call, or a sentence that says what is wrong with the call. Pure. */
export function commandLine(command: CatalogueCommand, call: Pick<CommandCall, 'arguments'>): CommandLine | string {
  const { run } = command;
  if (run === null) return `command ${command.name} has nothing to run`;
  const bound = bindArguments(command, call.arguments);
  if (typeof bound === 'string') return bound;
  const total = bound.values.flat().reduce((sum, text) => sum + text.length, 0);
  if (total > MAX_ARGUMENT_CHARS)
    return `the arguments have ${total} characters; at most ${MAX_ARGUMENT_CHARS} are taken`;
  return command.origin === 'justfile' ? recipeLine(command, run, bound.values) : bashLine(command, run, bound.values);
}

/** The values of each parameter, in order; a trailing run of parameters that were left out is not in it. */
function bindArguments(
  command: CatalogueCommand,
  given: CommandCall['arguments'],
): { readonly values: readonly (readonly string[])[] } | string {
  const { name, parameters } = command;
  const known = parameters.map((one) => one.name);
  const unknown = Object.keys(given).find((key) => !known.includes(key));
  if (unknown !== undefined)
    return `command ${name} has no parameter ${unknown}${known.length === 0 ? '; it takes none' : `; it has ${known.join(', ')}`}`;
  const last = parameters.findLastIndex((one) => given[one.name] !== undefined || one.required);
  const values: (readonly string[])[] = [];
  for (const parameter of parameters.slice(0, last + 1)) {
    const value = valuesOf(parameter, given[parameter.name]);
    if (typeof value === 'string') return `command ${name}: ${value}`;
    values.push(value);
  }
  return { values };
}

function valuesOf(
  parameter: CommandParameter,
  given: string | readonly string[] | undefined,
): readonly string[] | string {
  const { name, kind, required } = parameter;
  if (given === undefined) {
    if (required) return `the argument ${name} is missing`;
    if (kind === 'star') return [];
    // What comes before another argument cannot be left out: the arguments stand in order.
    return parameter.default === null ? `give ${name} too: an argument after it is given` : [parameter.default];
  }
  const values = typeof given === 'string' ? [given] : given;
  if (kind === 'one' && values.length !== 1) return `${name} takes one argument, not ${values.length}`;
  if (kind === 'plus' && values.length === 0) return `${name} takes at least one argument`;
  return values;
}

/**
 * A recipe: the words of its line with arguments in the place of `{parameter}`, alone or after `--option=`. `--one` keeps an argument too many from being
 * taken for another recipe.
 */
function recipeLine(
  command: CatalogueCommand,
  run: string,
  values: readonly (readonly string[])[],
): CommandLine | string {
  const given = new Map(command.parameters.map((one, index) => [one.name, values[index] ?? []]));
  const words = run.split(' ').flatMap((word) => {
    const [, before = '', name = ''] = /^(.*)\{([A-Za-z_][A-Za-z0-9_-]*)\}$/.exec(word) ?? [];
    return given.get(name)?.map((value) => before + value) ?? [word];
  });
  const at = words.indexOf(command.name);
  if (words[0] !== 'just' || at === -1) return `command ${command.name} cannot be run: its line is none of just`;
  return {
    argv: ['just', '--one', ...words.slice(1, at), '--', ...words.slice(at)],
    shown: words.map(shellQuote).join(' '),
  };
}

/** A line for bash: each `{parameter}` becomes a variable, whose value bash does not read again as a command. */
function bashLine(
  command: CatalogueCommand,
  run: string,
  values: readonly (readonly string[])[],
): CommandLine | string {
  const names = new Map(command.parameters.map((one, index) => [one.name, { one, index }]));
  // There bash reads the value of a variable again, as a command too.
  if (names.size > 0 && /\(\(|\$\[|\[\[|\b(?:eval|let|declare|typeset|local|test -v|printf -v)\b/.test(run))
    return `command ${command.name} cannot be run: its line computes with words, and an argument could be one; put it into a script`;
  let mode: 'plain' | 'single' | 'double' = 'plain';
  let script = '';
  let shown = '';
  for (let at = 0; at < run.length; at += 1) {
    const char = run[at] ?? '';
    const [whole, name = ''] = /^\{([A-Za-z_][A-Za-z0-9_-]*)\}/.exec(run.slice(at)) ?? [];
    const found = run[at - 1] === '$' ? undefined : names.get(name);
    if (whole !== undefined && found !== undefined) {
      if (mode === 'single')
        return `command ${command.name} cannot be run: {${name}} stands between single quotes in it`;
      const several = found.one.kind !== 'one' ? (mode === 'plain' ? '[@]' : '[*]') : '';
      const variable = `\${filare_${found.index}${several}}`;
      script += mode === 'plain' ? `"${variable}"` : variable;
      const said = values[found.index] ?? defaultOf(found.one);
      shown += said.map((value) => (mode === 'plain' ? shellQuote(value) : insideQuotes(value))).join(' ');
      at += whole.length - 1;
      continue;
    }
    if (char === '\\' && mode !== 'single') {
      const pair = run.slice(at, at + 2);
      script += pair;
      shown += pair;
      at += 1;
      continue;
    }
    if (char === "'" && mode !== 'double') mode = mode === 'single' ? 'plain' : 'single';
    if (char === '"' && mode !== 'single') mode = mode === 'double' ? 'plain' : 'double';
    script += char;
    shown += char;
  }
  let next = 1;
  const assigned = command.parameters.map((one, index) => {
    const count = values[index]?.length ?? 0;
    const from = next;
    next += count;
    if (one.kind !== 'one') return `filare_${index}=("\${@:${from}:${count}}")`;
    return count === 0 ? `filare_${index}=${shellQuote(one.default ?? '')}` : `filare_${index}=\${${from}}`;
  });
  return { argv: ['bash', '-c', [...assigned, script].join('\n'), 'bash', ...values.flat()], shown };
}

/** What an argument is that was left out. */
function defaultOf({ kind, default: value }: CommandParameter): readonly string[] {
  return kind === 'one' && value !== null ? [value] : [];
}

/** The text as a part of a word between double quotes. */
function insideQuotes(text: string): string {
  return text.replaceAll(/["$`\\]/g, '\\$&');
}

import { z } from 'zod';
import {
  catalogueCommandSchema,
  commandActionSchema,
  commandParameterSchema,
  type CommandAction,
  type CommandParameter,
} from '../contract/catalogue.js';
import { closestWord } from '../manifest/closest-word.js';
import type { Findings } from '../manifest/diagnostic.js';
import { keyPlaceAt, placeAt, plain, valueAt, type LocatedEntry, type LocatedMap } from '../manifest/located.js';
import { parseYaml, type FileKind } from '../manifest/parse-yaml.js';
import { lineOf, type Place, type SourceText } from '../manifest/source-text.js';

/** An entry of the extra commands: a command of its own, or what is to be different about the recipe of that name. */
export interface ExtraCommand {
  readonly name: string;
  /** Where its name stands. */
  readonly place: Place;
  /** Undefined: not given. Null: there is nothing to run. */
  readonly run: string | null | undefined;
  readonly description: string | undefined;
  readonly category: string | undefined;
  readonly safe_for_agents: boolean | undefined;
  readonly parameters: readonly CommandParameter[] | undefined;
  readonly actions: readonly CommandAction[] | undefined;
}

const KIND = {
  name: 'file of extra commands',
  shape: 'it is flat: commands, their fields, their actions',
  instead: 'write all commands below one "commands:"',
  empty: { message: 'the file of extra commands is empty', expected: 'commands: {NAME: {run: …, description: …}}' },
} satisfies FileKind;
/** Both words are read; the second is an older one. */
const HOLDERS = ['commands', 'extra_commands'];

const line = z.string().transform((text) => text.trim().replaceAll(/\s+/g, ' '));
const parameterName = commandParameterSchema.shape.name;
const parameterSchema = z.union([
  parameterName.transform((name): CommandParameter => ({ name, kind: 'one', required: true, default: null })),
  z
    .strictObject({
      name: parameterName,
      kind: commandParameterSchema.shape.kind.default('one'),
      default: z.union([z.string(), z.number(), z.boolean()]).nullish(),
    })
    .transform(({ name, kind, default: value }): CommandParameter => {
      const text = value === undefined || value === null ? null : String(value);
      return { name, kind, required: kind !== 'star' && text === null, default: text };
    }),
]);

const entrySchema = z.strictObject({
  name: z.string().optional(),
  origin: z.literal('extra').optional(),
  run: z
    .string()
    .transform((text) => (text.trim() === '' ? null : text.trim()))
    .nullish(),
  description: line.optional(),
  category: line.optional(),
  safe_for_agents: z.boolean().optional(),
  parameters: z.array(parameterSchema).optional(),
  actions: z
    .array(
      commandActionSchema.extend({
        params: z
          .record(z.string(), z.unknown())
          .nullish()
          .transform((all) => all ?? {}),
      }),
    )
    .optional(),
});
const FIELDS = Object.keys(entrySchema.shape);

/** The extra commands of a file, in its order. Mistakes go to `findings`; what stands beside them is read all the same. */
export function readExtraCommands(source: SourceText, findings: Findings): ExtraCommand[] {
  const file = parseYaml(source, findings, KIND);
  if (file === undefined) return [];
  if (file.kind !== 'map') {
    findings.mistake(file.place, {
      message: `cannot be ${file.kind === 'list' ? 'a list' : 'one value'}`,
      ...expected,
    });
    return [];
  }
  const commands: ExtraCommand[] = [];
  for (const [key, { key: place, value }] of file.entries) {
    if (key === 'version') continue;
    if (!HOLDERS.includes(key)) {
      findings.mistake(place, { message: `unknown field "${key}"`, hint: guess(key, HOLDERS) });
    } else if (value.kind === 'map') {
      for (const [name, entry] of value.entries) readEntry(name, entry, { commands, source, findings });
    } else if (value.kind !== 'scalar' || value.value !== null) {
      findings.mistake(value.place, { message: `${key} is no mapping`, ...expected });
    }
  }
  return commands;
}

const expected = { expected: KIND.empty.expected };

interface Reading {
  readonly commands: ExtraCommand[];
  readonly source: SourceText;
  readonly findings: Findings;
}

function readEntry(name: string, { key: place, value }: LocatedEntry, { commands, source, findings }: Reading): void {
  const first = commands.find((command) => command.name === name);
  if (first !== undefined) {
    findings.mistake(place, {
      message: `the command ${name} is defined twice: here and on line ${lineOf(source, first.place.offset ?? 0)}`,
      hint: 'keep one of them',
    });
    return;
  }
  if (!catalogueCommandSchema.shape.name.safeParse(name).success) {
    findings.mistake(place, {
      message: `"${name}" is no name for a command`,
      expected: 'letters, digits, - and _, at most 100; a recipe of a module is module::recipe',
    });
    return;
  }
  if (value.kind !== 'map') {
    findings.mistake(value.place, { message: `${name} is no mapping`, expected: '{run: …, description: …}' });
    return;
  }
  const read = entrySchema.safeParse(plain(value));
  if (!read.success) {
    for (const issue of read.error.issues) sayIssue(issue, name, value, findings);
    return;
  }
  const { name: said, run, description, category, safe_for_agents, parameters, actions } = read.data;
  if (said !== undefined && said !== name) {
    findings.mistake(placeAt(value, ['name']), {
      message: `the name ${said} stands in the entry ${name}`,
      hint: 'give it the name of its entry, or leave it out',
    });
    return;
  }
  const early = parameters?.slice(0, -1).findIndex(({ kind }) => kind !== 'one') ?? -1;
  if (early >= 0) {
    findings.mistake(placeAt(value, ['parameters', early]), {
      message: `the parameter ${parameters?.[early]?.name ?? ''} takes any number of arguments, and another one follows`,
      hint: 'only the last parameter may be star or plus',
    });
    return;
  }
  commands.push({ name, place, run, description, category, safe_for_agents, parameters, actions });
}

function sayIssue(issue: z.core.$ZodIssue, name: string, entry: LocatedMap, findings: Findings): void {
  const path = issue.path.map((step) => (typeof step === 'symbol' ? String(step) : step));
  if (issue.code === 'unrecognized_keys') {
    for (const key of issue.keys) {
      findings.mistake(keyPlaceAt(entry, [...path, key]), {
        message: `unknown field "${key}" in ${[name, ...path].join('.')}`,
        hint: path.length === 0 ? guess(key, FIELDS) : undefined,
      });
    }
    return;
  }
  const [field = ''] = path;
  const missing = valueAt(entry, path) === undefined;
  findings.mistake(placeAt(entry, path), {
    message: `${[name, ...path].join('.')} ${missing ? 'is missing' : 'cannot be this'}`,
    expected: EXPECTED[String(path.at(-1))] ?? EXPECTED[String(field)],
  });
}

/** What each field takes, in words. */
const EXPECTED: Readonly<Record<string, string>> = {
  name: 'a name',
  origin: 'extra',
  run: 'a command line for bash, {parameter} where an argument goes; null where there is nothing to run',
  description: 'text',
  category: 'a word',
  safe_for_agents: 'true or false',
  parameters: 'a list of names, or of {name, kind: one|star|plus, default}',
  kind: 'one, star or plus',
  actions: 'a list of {name, stage: before|main|on_success|on_error, params: {…}}',
  stage: 'before, main, on_success or on_error',
  params: 'a mapping',
};

function guess(word: string, among: readonly string[]): string {
  const near = closestWord(word, among);
  return near === undefined ? `there are ${among.join(', ')}` : `did you mean ${near}?`;
}

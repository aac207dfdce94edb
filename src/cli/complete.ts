import type { CommandUnknownOpts } from '@commander-js/extra-typings';
import { join } from 'node:path';
import { findProject } from '../client/find-project.js';
import { Fleet } from '../client/fleet.js';
import { sanitize } from '../transcript/sanitize.js';
import { COMMANDS, findCommand } from './commands.js';
import type { CliContext } from './context.js';

/** How long a Tab may take to ask the daemon, in milliseconds. */
const ASK_MS = 1000;

/** Commands that are for sessions that have ended too: an agent's id is its latest one. */
const OF_THE_PAST = new Set(['tail', 'describe', 'diff', 'sync', 'fork', 'transcript']);

/** A word that may stand there, and what it is. */
interface Candidate {
  readonly value: string;
  readonly about: string;
}

const GLOBAL_OPTIONS: readonly Candidate[] = [
  { value: '--help', about: 'how it is used' },
  { value: '--json', about: 'machine-readable output' },
  { value: '--project', about: 'the project folder' },
  { value: '--quiet', about: 'less talk' },
];

/** Prints what may stand in the place of the last word, a line each: value, tab, what it is. Asks a running daemon for names, never starts one, never fails. */
export async function printCompletions(context: CliContext, words: readonly string[]): Promise<void> {
  const typed = words.at(-1) ?? '';
  const candidates = await candidatesFor(context, words.slice(0, -1), typed).catch(() => []);
  for (const { value, about } of candidates) {
    if (value.startsWith(typed)) context.out.write(`${oneWord(value)}\t${oneWord(about)}\n`);
  }
}

async function candidatesFor(
  context: CliContext,
  before: readonly string[],
  typed: string,
): Promise<readonly Candidate[]> {
  const names = withoutOptions(before);
  const entry = names[0] === undefined ? undefined : findCommand(names[0]);
  if (entry === undefined) {
    return typed.startsWith('-')
      ? GLOBAL_OPTIONS
      : COMMANDS.map(({ name, summary }) => ({ value: name, about: summary }));
  }
  const top = (await entry.load())(context);
  const command = top.commands.find((child) => child.name() === names[1]) ?? top;
  const option = command.options.find((known) => [known.long, known.short].includes(before.at(-1)));
  if (option?.argChoices !== undefined) return option.argChoices.map((value) => ({ value, about: '' }));
  if (typed.startsWith('-')) return [...optionsOf(command), ...GLOBAL_OPTIONS];
  if (command.commands.length > 0)
    return command.commands.map((child) => ({ value: child.name(), about: child.summary() }));
  const project = projectOption(before) ?? context.globals.project;
  if (option === undefined || option.isBoolean()) return argumentsOf(context, command, project);
  if (entry.name === 'start' && option.long === '--session') return agentIds(context, project);
  return /--(session|agent) <id/.test(option.flags) ? sessionNames(await openQuietly(context, project)) : [];
}

function projectOption(words: readonly string[]): string | undefined {
  const joined = words.find((word) => word.startsWith('--project='));
  const at = words.indexOf('--project');
  return joined?.slice('--project='.length) ?? (at === -1 ? undefined : words[at + 1]);
}

async function argumentsOf(
  context: CliContext,
  command: CommandUnknownOpts,
  project: string | undefined,
): Promise<readonly Candidate[]> {
  const argument = command.registeredArguments[0];
  if (argument?.argChoices !== undefined) return argument.argChoices.map((value) => ({ value, about: '' }));
  const wanted = argument?.name() ?? (command.name() === 'start' ? 'id' : '');
  if (wanted === 'command') return commandNames(context, project);
  if (!['id', 'prompt', 'rule'].includes(wanted)) return [];
  if (OF_THE_PAST.has(command.name()) || command.parent?.name() === 'transcript') return latestNames(context, project);
  const fleet = await openQuietly(context, project);
  if (wanted === 'prompt') {
    const kind = { approve: 'approval', reject: 'approval', answer: 'question' }[command.name()];
    return (await fleet.prompts())
      .filter((prompt) => kind === undefined || prompt.kind === kind)
      .map((prompt) => ({ value: prompt.prompt_id, about: `${prompt.id}: ${prompt.summary}` }));
  }
  if (wanted === 'rule') {
    const { ruleWords } = await import('./rule-words.js');
    return (await fleet.rules()).map((rule) => ({ value: rule.rule_id, about: ruleWords(rule) }));
  }
  return sessionNames(fleet);
}

async function openQuietly(context: CliContext, project: string | undefined): Promise<Fleet> {
  const signal = AbortSignal.timeout(ASK_MS);
  return Fleet.open({ project, cwd: context.cwd, env: context.env, start_daemon: false, signal });
}

async function commandNames(context: CliContext, project: string | undefined): Promise<Candidate[]> {
  const { CATALOGUE_FILE } = await import('../contract/catalogue.js');
  const { readCatalogue } = await import('../catalogue/read-catalogue.js');
  const { root } = findProject({ project, cwd: context.cwd, env: context.env });
  const { commands } = await readCatalogue(join(root, CATALOGUE_FILE));
  return Object.values(commands).map(({ name, description }) => ({ value: name, about: description }));
}

async function sessionNames(fleet: Fleet): Promise<Candidate[]> {
  return (await fleet.sessions()).map((row) => ({ value: row.id, about: `${row.role}, ${row.phase}` }));
}

/** Every agent's id that a session has or had, told as its latest one is; where no daemon answers, by the records on disk. */
async function latestNames(context: CliContext, project: string | undefined): Promise<Candidate[]> {
  try {
    const rows = await (await openQuietly(context, project)).sessions({ all: true });
    const by_age = [...rows].sort((a, b) => a.started_at.localeCompare(b.started_at));
    const latest = new Map(by_age.map((row) => [row.id, row]));
    return [...latest.values()].map((row) => ({ value: row.id, about: `${row.role}, ${row.phase}` }));
  } catch {
    const { sessionsOnDisk } = await import('./session-records.js');
    const { outputs } = findProject({ project, cwd: context.cwd, env: context.env });
    const latest = new Map((await sessionsOnDisk(outputs)).map((one) => [one.id, one]));
    return [...latest.values()].map((one) => ({ value: one.id, about: one.session_id }));
  }
}

/** The agents of the project's manifests. */
async function agentIds(context: CliContext, project: string | undefined): Promise<Candidate[]> {
  const { declaredIds } = await import('../manifest/declared-ids.js');
  const { root } = findProject({ project, cwd: context.cwd, env: context.env });
  return declaredIds({ project_root: root, cwd: context.cwd }).map((value) => ({ value, about: 'of a manifest' }));
}

function optionsOf(command: CommandUnknownOpts): Candidate[] {
  return command.options.flatMap((option) =>
    option.long === undefined || option.hidden ? [] : [{ value: option.long, about: option.description }],
  );
}

function withoutOptions(words: readonly string[]): string[] {
  const names: string[] = [];
  for (let at = 0; at < words.length; at += 1) {
    const word = words[at] ?? '';
    if (word === '--project') at += 1;
    else if (!word.startsWith('-')) names.push(word);
  }
  return names;
}

function oneWord(text: string): string {
  return sanitize(text.replace(/\s+/g, ' '));
}

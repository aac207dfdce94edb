import type { ActionCategory, RuleCondition } from '../contract/agent-spec.js';
import { parseCommandPattern } from '../contract/command-pattern.js';
import { matchesPath, matchesToolName } from './match-path.js';
import { approvesWords, matchesWords, type Match } from './match-words.js';
import type { CommandReading, SimpleCommand } from './read-command.js';
import { categoriesOf, type Subject } from './subject.js';

/** Whether a rule that approves is about a subject: for certain, and about all of it. */
export function approves(when: RuleCondition, subject: Subject): boolean {
  if (Object.values(when).every((value) => value === undefined)) return false;
  return (
    (when.command === undefined || approvesCommand(when.command, subject)) &&
    (when.category === undefined || approvesCategory(when, when.category, subject)) &&
    (when.path === undefined || approvesPath(when.path, subject)) &&
    (when.tool === undefined || (matchesTool(when.tool, subject) === 'yes' && !opensAddress(subject)))
  );
}

/** Whether a rule that asks or rejects is about any part of a subject; `maybe` where that depends on what is not written out. */
export function concerns(when: RuleCondition, subject: Subject): Match {
  if (Object.values(when).every((value) => value === undefined)) return 'no';
  return all([
    when.command === undefined && when.category === undefined ? 'yes' : concernsAction(when, subject),
    when.path === undefined ? 'yes' : concernsPath(when.path, subject),
    when.tool === undefined ? 'yes' : matchesTool(when.tool, subject),
  ]);
}

function approvesCommand(text: string, subject: Subject): boolean {
  const pattern = parseCommandPattern(text);
  if ('problem' in pattern || subject.type !== 'command' || subject.reading.plain === null || !subject.in_place)
    return false;
  return approvesWords(pattern, subject.reading.plain, subject.cwd);
}

/** Kinds that come with another: who approves installing approves reaching the network for it. */
const COMES_WITH: Readonly<Partial<Record<ActionCategory, ActionCategory>>> = {
  git_push: 'network',
  package_install: 'network',
};

function approvesCategory(when: RuleCondition, category: ActionCategory, subject: Subject): boolean {
  const categories = categoriesOf(subject);
  if (!categories.includes(category)) return false;
  if (categories.some((one) => one !== category && one !== COMES_WITH[category])) return false;
  switch (subject.type) {
    case 'command':
      return subject.reading.plain !== null && (subject.reading.unread === null || when.command !== undefined);
    case 'file_change':
      return subject.complete && subject.changes.every((change) => change.is_clear);
    case 'network':
      return true;
    case 'permissions':
      return subject.understood;
    case 'tool':
    case 'unknown':
      return false;
    default:
      return subject satisfies never;
  }
}

function approvesPath(glob: string, subject: Subject): boolean {
  if (subject.type !== 'file_change' || !subject.complete) return false;
  return subject.changes.every((change) => change.path !== null && change.is_clear && matchesPath(glob, change, false));
}

function opensAddress(subject: Subject): boolean {
  return subject.type === 'tool' && subject.opens_address;
}

function concernsAction(when: RuleCondition, subject: Subject): Match {
  switch (subject.type) {
    case 'command':
      return concernsReading(when, subject.reading, subject.in_place ? [] : ['outside_workspace']);
    case 'network':
      if (when.command === undefined) return when.category === 'network' ? 'yes' : 'no';
      return subject.reading === null ? 'maybe' : concernsReading(when, subject.reading, ['network']);
    case 'file_change':
      if (when.command !== undefined) return 'no';
      if (categoriesOf(subject).some((category) => category === when.category)) return 'yes';
      return when.category === 'outside_workspace' && !subject.complete ? 'maybe' : 'no';
    case 'permissions':
      if (when.command !== undefined) return 'no';
      if (subject.categories.some((category) => category === when.category)) return 'yes';
      return subject.understood ? 'no' : 'maybe';
    case 'tool':
      return 'no';
    case 'unknown':
      return 'maybe';
    default:
      return subject satisfies never;
  }
}

function concernsReading(when: RuleCondition, reading: CommandReading, also: readonly ActionCategory[]): Match {
  const certain = any(reading.commands.map((command) => concernsOne(when, command, also)));
  const opaque = reading.opaque !== null || reading.unread !== null ? 'maybe' : 'no';
  return any([certain, opaque, reading.commands.length === 0 ? concernsOne(when, NOTHING, also) : 'no']);
}

const NOTHING: SimpleCommand = { words: [], sure: [], perhaps: [] };

function concernsOne(when: RuleCondition, command: SimpleCommand, also: readonly ActionCategory[]): Match {
  return all([
    when.command === undefined ? 'yes' : concernsWords(when.command, command),
    when.category === undefined ? 'yes' : concernsCategory(when.category, command, also),
  ]);
}

function concernsWords(text: string, command: SimpleCommand): Match {
  const pattern = parseCommandPattern(text);
  // A rule that cannot be read was meant for something.
  return 'problem' in pattern ? 'maybe' : matchesWords(pattern, command.words);
}

function concernsCategory(category: ActionCategory, command: SimpleCommand, also: readonly ActionCategory[]): Match {
  if (command.sure.includes(category) || also.includes(category)) return 'yes';
  return command.perhaps.includes(category) ? 'maybe' : 'no';
}

function concernsPath(glob: string, subject: Subject): Match {
  if (subject.type === 'unknown') return 'maybe';
  if (subject.type !== 'file_change') return 'no';
  if (subject.changes.some((change) => matchesPath(glob, change, true))) return 'yes';
  return subject.complete ? 'no' : 'maybe';
}

function matchesTool(glob: string, subject: Subject): Match {
  if (subject.type === 'unknown') return 'maybe';
  if (subject.type !== 'tool') return 'no';
  const { server, tool } = subject;
  const names = tool === null ? [server] : [server, tool, `${server}/${tool}`];
  if (names.some((name) => matchesToolName(glob, name))) return 'yes';
  return tool === null ? 'maybe' : 'no';
}

function all(matches: readonly Match[]): Match {
  if (matches.includes('no')) return 'no';
  return matches.includes('maybe') ? 'maybe' : 'yes';
}

function any(matches: readonly Match[]): Match {
  if (matches.includes('yes')) return 'yes';
  return matches.includes('maybe') ? 'maybe' : 'no';
}

import type { AgentRequest } from '../contract/agent-event.js';
import type { ActionCategory } from '../contract/agent-spec.js';
import { hiddenCharacter } from './hidden-characters.js';
import { inWorkspace, isOutside, placeOf, WORKSPACE } from './container-place.js';
import { permissionsSubject } from './permissions.js';
import { readCommand, type CommandReading } from './read-command.js';
import { whyNotUsualShell } from './started-shell.js';
import type { ShellParser } from './shell-parser.js';

/** What a request asks for, as far as it can be understood. */
export type Subject =
  | {
      readonly type: 'command';
      readonly reading: CommandReading;
      readonly cwd: string;
      /** It runs in the workspace, where the words of a rule mean what they seem to. */
      readonly in_place: boolean;
    }
  | { readonly type: 'file_change'; readonly changes: readonly Change[]; readonly complete: boolean }
  | { readonly type: 'network'; readonly reading: CommandReading | null }
  | { readonly type: 'permissions'; readonly categories: readonly ActionCategory[]; readonly understood: boolean }
  | { readonly type: 'tool'; readonly server: string; readonly tool: string | null; readonly opens_address: boolean }
  /** Something this version does not know. */
  | { readonly type: 'unknown' };

/** A file that would be changed. */
export interface Change {
  /** Absolute, in the container. */
  readonly place: string;
  /** In the workspace: its path there; null elsewhere. */
  readonly path: string | null;
  /** It was named without `..` and without characters that nobody sees. */
  readonly is_clear: boolean;
}

type Action = AgentRequest['action'];

/** Reads what a request asks for. Pure; never throws. */
export function readSubject(action: Action, parser: ShellParser): Subject {
  switch (action['type']) {
    case 'command':
      return commandSubject(action, parser);
    case 'file_change':
      return changesSubject(action);
    case 'network':
      return {
        type: 'network',
        reading: textIn(action, 'command') === '' ? null : readCommand(textIn(action, 'command'), WORKSPACE, parser),
      };
    case 'permissions':
      return permissionsSubject(action['permissions'], textIn(action, 'cwd'));
    case 'elicitation':
      return {
        type: 'tool',
        server: textIn(action, 'server'),
        tool: typeof action['tool'] === 'string' ? action['tool'] : null,
        opens_address: action['url'] !== undefined,
      };
    default:
      return { type: 'unknown' };
  }
}

/** All that is known of a command; with more than that it asks for more than to be run. */
const OF_COMMANDS: ReadonlySet<string> = new Set(['type', 'command', 'script', 'cwd', 'stdin']);

function commandSubject(action: Action, parser: ShellParser): Subject {
  const command = textIn(action, 'command');
  const script = typeof action['script'] === 'string' ? action['script'] : command;
  const cwd = textIn(action, 'cwd');
  const reading = readCommand(script, cwd, parser);
  const more = Object.keys(action).find((key) => !OF_COMMANDS.has(key) && action[key] != null);
  const why =
    action['stdin'] === true
      ? 'it is typed into a command that runs'
      : more === undefined
        ? whyNotUsualShell(command, script, parser)
        : `it asks for ${more} beside the command`;
  return {
    type: 'command',
    reading: why === null ? reading : { ...reading, plain: null, not_plain: why, opaque: reading.opaque ?? why },
    cwd,
    in_place: cwd.startsWith('/') && inWorkspace(placeOf(cwd, WORKSPACE)) !== null,
  };
}

function changesSubject(action: Action): Subject {
  const changes: Change[] = [];
  let complete = action['grant_root'] === null || action['grant_root'] === undefined;
  const listed = Array.isArray(action['changes']) ? action['changes'] : [];
  for (const change of listed) {
    for (const path of pathsOf(change)) {
      if (path === '') complete = false;
      else changes.push(changeOf(path));
    }
  }
  if (typeof action['grant_root'] === 'string') changes.push(changeOf(action['grant_root']));
  return { type: 'file_change', changes, complete: complete && changes.length > 0 };
}

/** The file, and where it would be moved to. */
function pathsOf(change: unknown): string[] {
  if (typeof change !== 'object' || change === null) return [''];
  const path = 'path' in change && typeof change.path === 'string' ? change.path : '';
  if (!('move_path' in change) || change.move_path === null || change.move_path === undefined) return [path];
  return [path, typeof change.move_path === 'string' ? change.move_path : ''];
}

function changeOf(path: string): Change {
  const place = placeOf(path, WORKSPACE);
  const is_clear = hiddenCharacter(path) === null && !/[\t\n]/.test(path) && !path.split('/').includes('..');
  return { place, path: inWorkspace(place), is_clear };
}

/** What kinds of action a subject is, sorted. */
export function categoriesOf(subject: Subject): ActionCategory[] {
  switch (subject.type) {
    case 'command': {
      const sure = subject.reading.commands.flatMap((command) => command.sure);
      return sorted(subject.in_place ? sure : [...sure, 'outside_workspace']);
    }
    case 'file_change':
      return subject.changes.some((change) => isOutside(change.place, WORKSPACE)) ? ['outside_workspace'] : [];
    case 'network':
      return ['network'];
    case 'permissions':
      return sorted(subject.categories);
    case 'tool':
    case 'unknown':
      return [];
    default:
      return subject satisfies never;
  }
}

function sorted(categories: readonly ActionCategory[]): ActionCategory[] {
  return [...new Set(categories)].sort();
}

function textIn(action: Action, key: string): string {
  const value = action[key];
  return typeof value === 'string' ? value : '';
}

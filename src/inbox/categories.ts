import type { ActionCategory } from '../contract/agent-spec.js';
import { isOutside } from './container-place.js';
import { isDestructive } from './destructive-programs.js';
import { gitCategories } from './git-categories.js';
import type { GitCommand } from './git-command.js';
import { reachesNetwork } from './network-programs.js';
import { isPackageProgram, packageCategories } from './package-programs.js';
import type { RawCommand } from './read-script.js';
import type { Word } from './read-word.js';

/** What kinds of action a command is for certain, and what more it may be, by words that are not written out. */
export interface Kinds {
  readonly sure: readonly ActionCategory[];
  readonly perhaps: readonly ActionCategory[];
}

const USUAL_PLACES = /^(?:\/usr(?:\/local)?)?\/s?bin\/[^/]+$/;
/** What a word may be before a path in it: `of=/dev/sda`, `@/etc/passwd`, `file:///etc/passwd`, `-I/usr/include`. */
const PATH_IN_WORD = /^(?:file:\/\/|@|-[A-Za-z]|[\w.-]+[=@]@?)(~?\/.*|~|(?:.*\/)?\.\.(?:\/.*)?)$/s;
const GH_PUSHES: ReadonlySet<string> = new Set(['pr merge', 'repo sync', 'mr merge']);

/** The kinds of one command; `git` is its reading where it is one of git. */
export function kindsOf(command: RawCommand, name: string | null, git: GitCommand | null, cwd: string): Kinds {
  const args = command.words.slice(1);
  const texts = args.map((arg) => arg.text ?? '');
  const sure = new Set<ActionCategory>(name === null ? [] : ofProgram(name, args, texts));
  for (const category of git === null ? [] : gitCategories(git)) sure.add(category);
  if (reachesOut(command, cwd)) sure.add('outside_workspace');
  if (command.files.some((file) => /^\/dev\/(?:tcp|udp)\//.test(file.text ?? ''))) sure.add('network');
  // A device below /dev, to which nobody writes by mistake twice.
  if (command.files.some((file) => /^\/dev\/(?:[shv]d[a-z]|nvme|mem|kmem|disk)/.test(file.text ?? '')))
    sure.add('destructive');
  return { sure: [...sure], perhaps: perhaps(command, name) };
}

function ofProgram(name: string, args: readonly Word[], texts: readonly string[]): ActionCategory[] {
  if (/^(?:python|pypy)[\d.]*$/.test(name) && texts.includes('-m')) {
    const at = texts.indexOf('-m') + 1;
    const module = texts[at] ?? '';
    if (module === 'ensurepip') return ['network', 'package_install'];
    if (isPackageProgram(module)) return ofProgram(module, args.slice(at + 1), texts.slice(at + 1));
  }
  const found = packageCategories(name, texts);
  if (reachesNetwork(name, texts)) found.push('network');
  if (isDestructive(name, texts)) found.push('destructive');
  if ((name === 'gh' || name === 'glab') && GH_PUSHES.has(texts.slice(0, 2).join(' '))) found.push('git_push');
  if (name === 'helm' && texts.includes('install')) found.push('package_install');
  return found;
}

function reachesOut(command: RawCommand, cwd: string): boolean {
  const [program, ...args] = command.words;
  const named =
    program?.kind === 'literal' && program.text.includes('/') && !USUAL_PLACES.test(program.text) ? [program] : [];
  return [...named, ...args, ...command.files].some((word) => word.text !== null && leadsOut(word.text, cwd));
}

function leadsOut(text: string, cwd: string): boolean {
  const path = PATH_IN_WORD.exec(text)?.[1] ?? text;
  const is_path = /^[/~]/.test(path) || path.split('/').includes('..');
  return is_path && !/^[a-z][a-z+.-]*:\/\//i.test(path) && isOutside(path, cwd);
}

/** Programs that do different kinds of things, by words; of one that is not listed the name says it all. */
const BY_WORDS: ReadonlySet<string> = new Set(
  `git docker podman docker-compose gh glab python python3 openssl rsync chmod chown kill terraform tofu psql mysql mariadb sqlite3 crontab tar ruby perl
  node php awk gawk sed make aws gcloud kubectl helm systemctl`.split(/\s+/),
);
const EVERY_KIND: readonly ActionCategory[] = [
  'network',
  'destructive',
  'git_push',
  'package_install',
  'outside_workspace',
];

function perhaps(command: RawCommand, name: string | null): readonly ActionCategory[] {
  const hidden = command.words.slice(1).some((word) => word.kind === 'hidden');
  if (hidden && name !== null && (BY_WORDS.has(name) || isPackageProgram(name))) return EVERY_KIND;
  return hidden || command.files.some((file) => file.kind === 'hidden') ? ['outside_workspace'] : [];
}

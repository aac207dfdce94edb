import type { ActionCategory } from '../contract/agent-spec.js';
import { kindsOf } from './categories.js';
import { gitCommand } from './git-command.js';
import { hiddenCharacter } from './hidden-characters.js';
import { innerCommands, programName, type Inner } from './inner-commands.js';
import { plainWords } from './plain-words.js';
import { readScript, type RawCommand } from './read-script.js';
import type { Word } from './read-word.js';
import type { ShellParser } from './shell-parser.js';
import { runsItsInput, unreadCode } from './unread-code.js';
import { changesWhatRuns } from './variables.js';

/** One command of a script, and what kinds of action it is. */
export interface SimpleCommand {
  readonly words: readonly Word[];
  readonly sure: readonly ActionCategory[];
  readonly perhaps: readonly ActionCategory[];
}

/** What reading a script shows. */
export interface CommandReading {
  /** Every command that it may run, those that others run too, in the order they are written. */
  readonly commands: readonly SimpleCommand[];
  /** The words, where it is one plain command: what a rule may approve. */
  readonly plain: readonly string[] | null;
  /** Why it is not plain; null where it is. */
  readonly not_plain: string | null;
  /** Why what it runs cannot be told from reading it; null where it can. What is opaque is never plain. */
  readonly opaque: string | null;
  /** Why it carries code that was not read, in another language than the shell's; null where it does not. It may be plain all the same. */
  readonly unread: string | null;
}

const MAX_NESTED_SCRIPTS = 4;
/** Words that never name a program; where the grammar takes one for a program, it reads the script otherwise than a shell does. */
const NO_PROGRAMS: ReadonlySet<string> = new Set(
  '{ } ( ) ! [[ ]] if then elif else fi for while until do done case esac in select function'.split(' '),
);
const FETCHES = /^(?:curl|wget|wget2|http|https|aria2c)$/;
const RUNS_SCRIPTS = /^(?:ba|z|da|k)?sh$|^(?:python|perl|ruby|node)[\d.]*$/;
/** Text that some words of the shell evaluate as the index of an array, which may hold a command. */
const SUBSCRIPT = /\[[^\][]*(?:\$\(|`)/;

/** Reads a script that runs in `cwd`. Pure; never throws, whatever the script. */
export function readCommand(script: string, cwd: string, parser: ShellParser): CommandReading {
  const found = new Found(cwd, parser);
  const top = found.script(script, 0);
  const why = whyNotPlain(script, top, found);
  const { commands, opaque, unread } = found;
  return 'words' in why
    ? { commands, plain: why.words, not_plain: null, opaque, unread }
    : { commands, plain: null, not_plain: why.more, opaque, unread };
}

function whyNotPlain(script: string, top: readonly RawCommand[], found: Found): ReturnType<typeof plainWords> {
  if (found.opaque !== null) return { more: found.opaque };
  const [only] = top;
  if (only === undefined) return { more: 'it runs nothing' };
  if (top.length > 1) return { more: `it is ${top.length} commands` };
  if (only.files.length > 0) return { more: 'it redirects its input or output' };
  if (only.assignments.length > 0) return { more: 'it sets variables' };
  if (found.wraps) return { more: 'it runs another command' };
  const strict = plainWords(script);
  if ('more' in strict) return strict;
  const same =
    only.words.length === strict.words.length && only.words.every((word, at) => isLiteral(word, strict.words[at]));
  return same ? strict : { more: 'its words can be read in more than one way' };
}

function isLiteral(word: Word, text: string | undefined): boolean {
  return word.kind === 'literal' && word.text === text;
}

class Found {
  readonly commands: SimpleCommand[] = [];
  opaque: string | null = null;
  unread: string | null = null;
  /** A command runs another one in a way that makes it more than plain. */
  wraps = false;
  /** Something was fetched: to run a script after that is to install. */
  #fetched = false;
  readonly #cwd: string;
  readonly #parser: ShellParser;

  constructor(cwd: string, parser: ShellParser) {
    this.#cwd = cwd;
    this.#parser = parser;
  }

  /** Reads a script, and answers its own commands without those inside them. */
  script(text: string, depth: number): readonly RawCommand[] {
    const hidden = hiddenCharacter(text);
    if (hidden !== null) {
      this.#hides(`it has the hidden character ${hidden}`);
      return [];
    }
    if (depth > MAX_NESTED_SCRIPTS) {
      this.#hides(`it has scripts in scripts, more than ${MAX_NESTED_SCRIPTS} deep`);
      return [];
    }
    const raw = this.#parser.read(text, readScript);
    if (raw === null) {
      this.#hides('it is too long or too tangled to be parsed');
      return [];
    }
    if (raw.opaque !== null) this.#hides(raw.opaque);
    for (const command of raw.commands) this.#command(command, depth);
    return raw.commands;
  }

  #command(command: RawCommand, depth: number): void {
    const [program, ...args] = command.words;
    const name = programName(program);
    const git = name === 'git' ? gitCommand(args) : null;
    const kinds = kindsOf(command, name, git, this.#cwd);
    const installs = this.#fetched && name !== null && RUNS_SCRIPTS.test(name);
    if (name !== null && FETCHES.test(name)) this.#fetched = true;
    this.commands.push({
      words: command.words,
      sure: installs ? [...kinds.sure, 'package_install'] : kinds.sure,
      perhaps: kinds.perhaps,
    });
    this.#lookAtAssignments(command);
    if (command.words.some((word) => word.kind === 'literal' && SUBSCRIPT.test(word.text))) {
      this.#hides('it has a subscript with a command in it');
    }
    if (program === undefined) return;
    if (name === null) return this.#hides('the name of a program is not written out');
    if (NO_PROGRAMS.has(name)) return this.#hides('it can be parsed in more than one way');
    if (/[^ -~]/.test(name)) return this.#hides(`the name of the program ${name} has letters that look like others`);
    if (git?.hides != null) this.#hides(git.hides);
    if (git?.unread != null) this.unread ??= git.unread;
    if (runsItsInput(name, args)) this.#hides(`${name} runs what it is sent`);
    this.unread ??= unreadCode(name, args);
    const wrapped = innerCommands(command.words);
    if (wrapped === null) return;
    if (!wrapped.is_plain) this.wraps = true;
    for (const inner of wrapped.inner) this.#inner(inner, depth);
  }

  #inner(inner: Inner, depth: number): void {
    switch (inner.type) {
      case 'hidden':
        return this.#hides(inner.why);
      case 'script':
        this.script(inner.script, depth + 1);
        return;
      case 'words':
        if (depth >= MAX_NESTED_SCRIPTS) return this.#hides('it runs commands that run commands, too deep to follow');
        return this.#command({ words: inner.words, assignments: inner.assignments ?? [], files: [] }, depth + 1);
      default:
        return inner satisfies never;
    }
  }

  #lookAtAssignments(command: RawCommand): void {
    for (const { name, value } of command.assignments) {
      if (changesWhatRuns(name)) this.#hides(`it sets ${name}, which may change what runs`);
      if (value.kind === 'literal' && SUBSCRIPT.test(value.text))
        this.#hides('it has a subscript with a command in it');
    }
  }

  #hides(why: string): void {
    this.opaque ??= why;
  }
}

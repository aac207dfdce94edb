import type { CommandUnknownOpts } from '@commander-js/extra-typings';
import { expect, test } from 'vitest';
import { COMMANDS, findCommand } from '../../src/cli/commands.js';
import { createContext } from '../../src/cli/context.js';
import { findTopic } from '../../src/cli/help/topics.js';
import { allPages, inlineCode, type Page } from './pages.js';
import { commandsIn, wordsOf } from './shell-words.js';

const GLOBAL = new Set(['--json', '--quiet', '-q', '--help', '-h', '--version', '-V', '--project']);
/** Its left columns are commands of another program. */
const OF_ANOTHER_PROGRAM = 'docs/migrating-from-filare.md';

const context = createContext(
  { stdin: process.stdin, stdout: process.stdout, stderr: process.stderr, env: {}, cwd: '/', now_ms: Date.now },
  {},
);
context.interrupts.release();
const definitions = new Map<string, CommandUnknownOpts>();
for (const entry of COMMANDS) {
  const command = (await entry.load())(context);
  for (const name of [entry.name, ...(entry.alias === undefined ? [] : [entry.alias])]) definitions.set(name, command);
}

/** What is wrong with a command as it is written; undefined when nothing is. */
function problemOf(given: readonly string[]): string | undefined {
  const words = withoutProject(given);
  const name = words.find((word) => !word.startsWith('-'));
  if (name === undefined || isPlaceholder(name))
    return words.every((word) => !word.startsWith('-') || GLOBAL.has(word)) ? undefined : 'unknown option';
  const top = definitions.get(name);
  if (top === undefined) return `there is no command ${name}`;
  const rest = words.slice(words.indexOf(name) + 1);
  if (name === 'help') {
    const about = rest.find((word) => !word.startsWith('-'));
    const known = about === undefined || isPlaceholder(about) || findTopic(about) || findCommand(about);
    return known === undefined ? `there is no topic ${about ?? ''}` : undefined;
  }
  if (top.commands.length === 0) return problemIn(top, rest);
  const child = rest.find((word) => !word.startsWith('-'));
  if (child === undefined) return problemIn(top, rest);
  const command = top.commands.find((known) => known.name() === child);
  return command === undefined ? `${name} has no ${child}` : problemIn(command, rest.toSpliced(rest.indexOf(child), 1));
}

function problemIn(command: CommandUnknownOpts, words: readonly string[]): string | undefined {
  let places = 0;
  for (let at = 0; at < words.length; at += 1) {
    const [word = '', joined] = (words[at] ?? '').split(/=(.*)/s);
    if (word === '--') break;
    if (!/^-./.test(word)) {
      places += 1;
      continue;
    }
    if (GLOBAL.has(word)) continue;
    const option = command.options.find((known) => known.long === word || known.short === word);
    if (option === undefined) return `${command.name()} has no ${word}`;
    if (!option.required) continue;
    if (joined === undefined) at += 1;
    const value = joined ?? words[at];
    if (value === undefined) return `${word} has no value`;
    if (option.argChoices?.includes(value) === false && !isPlaceholder(value)) return `${word} cannot be ${value}`;
    while (option.variadic && words[at + 1]?.startsWith('-') === false) at += 1;
  }
  const takes = command.registeredArguments;
  return takes.some(({ variadic }) => variadic) || places <= takes.length ? undefined : 'too many words';
}

function withoutProject(words: readonly string[]): readonly string[] {
  const at = words.indexOf('--project');
  return at === -1 ? words : words.toSpliced(at, 2);
}

function isPlaceholder(word: string): boolean {
  return /^[A-Z…]/.test(word) || word === '…';
}

/** The lines of a page that are typed, with their places. */
function typedLines(page: Page): { line: string; at: string }[] {
  const blocks = page.blocks.flatMap(({ language, text, at }) => {
    const lines = text.replaceAll('\\\n', ' ').split('\n');
    if (['sh', 'bash', 'ini', 'toml', 'yaml'].includes(language)) return lines.map((line) => ({ line, at }));
    return lines.filter((line) => line.startsWith('$ ')).map((line) => ({ line: line.slice(2), at }));
  });
  return [...blocks, ...inlineCode(page).map(({ text, at }) => ({ line: text, at }))];
}

test('every command and option that is shown anywhere exists', () => {
  const wrong: string[] = [];
  const seen = new Set<string>();
  let looked = 0;
  for (const page of allPages()) {
    for (const { line, at } of typedLines(page)) {
      for (const words of commandsIn(line)) {
        looked += 1;
        seen.add(words.find((word) => !word.startsWith('-')) ?? '');
        const problem = problemOf(words);
        if (problem !== undefined) wrong.push(`${at}: ${line.trim()}: ${problem}`);
      }
    }
  }
  expect(wrong).toEqual([]);
  expect(looked).toBeGreaterThan(150);
  expect(COMMANDS.map(({ name }) => name).filter((name) => !seen.has(name) && name !== 'completion')).toEqual([]);
});

test('options named beside a command, without the program before it, exist too', () => {
  const wrong: string[] = [];
  let looked = 0;
  for (const page of allPages().filter(({ path }) => path !== OF_ANOTHER_PROGRAM)) {
    for (const { text, at } of inlineCode(page)) {
      if (!/^[a-z][a-z-]+ (.* )?--[a-z]/.test(text) || !definitions.has(text.split(' ')[0] ?? '')) continue;
      looked += 1;
      const problem = problemOf(wordsOf(text).map((word) => word.split('|')[0] ?? word));
      // `wait --timeout` speaks of an option; nobody types it so.
      if (problem !== undefined && !problem.endsWith(' has no value')) wrong.push(`${at}: ${text}: ${problem}`);
    }
  }
  expect(wrong).toEqual([]);
  expect(looked).toBeGreaterThan(15);
});

test('a command or an option that does not exist would be noticed', () => {
  expect(problemOf(['lsit'])).toBe('there is no command lsit');
  expect(problemOf(['feedback', 'accept', 'P'])).toBe('feedback has no accept');
  expect(problemOf(['stop', '--everything'])).toBe('stop has no --everything');
  expect(problemOf(['wait', 'docs', '--until', 'done'])).toBe('--until cannot be done');
  expect(problemOf(['tail', 'docs', 'judge'])).toBe('too many words');
  expect(problemOf(['help', 'nonsense'])).toBe('there is no topic nonsense');
  expect(commandsIn('echo x | filare-agents send docs - --wait && filare-agents list # all')).toEqual([
    ['send', 'docs', '-', '--wait'],
    ['list'],
  ]);
});

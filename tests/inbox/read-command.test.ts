import { beforeAll, expect, test } from 'vitest';
import { readCommand, type CommandReading } from '../../src/inbox/read-command.js';
import { loadShellParser, MAX_COMMAND_BYTES, type ShellParser } from '../../src/inbox/shell-parser.js';
import { COMPOSED_COMMANDS } from './composed-commands.js';
import { OPAQUE_COMMANDS } from './opaque-commands.js';
import { PLAIN_COMMANDS } from './plain-commands.js';
import { WORKSPACE } from './requests.js';
import { UNREAD_COMMANDS } from './unread-commands.js';

let parser: ShellParser;
beforeAll(async () => {
  parser = await loadShellParser();
});

const read = (script: string): CommandReading => readCommand(script, WORKSPACE, parser);
const kind = ({ plain, opaque, unread }: CommandReading): string => {
  if (opaque !== null) return plain === null ? 'opaque' : 'opaque and plain';
  if (plain === null) return 'composed';
  return unread === null ? 'plain' : 'unread';
};
const categories = ({ commands }: CommandReading): string =>
  [...new Set(commands.flatMap((command) => command.sure))].sort().join(' ');

const TABLES = {
  plain: PLAIN_COMMANDS,
  unread: UNREAD_COMMANDS,
  composed: COMPOSED_COMMANDS,
  opaque: OPAQUE_COMMANDS,
};

for (const [expected, table] of Object.entries(TABLES)) {
  test.each(table)(`${expected}: %j is [%s]`, (script, wanted) => {
    const reading = read(script);
    expect(`${kind(reading)} [${categories(reading)}]`).toBe(`${expected} [${wanted}]`);
    if (expected !== 'unread' && expected !== 'plain') expect(reading.not_plain).toBeTruthy();
  });
}

test('the words of a plain command are unquoted as a shell does', () => {
  expect(read(`git  commit -m "it's \\"x\\" \\$y" a\\ b '' 'c'"d"e`).plain).toEqual([
    'git',
    'commit',
    '-m',
    `it's "x" $y`,
    'a b',
    '',
    'cde',
  ]);
});

test('commands inside others are found, in the order they are written', () => {
  const { commands } = read(`a | sudo b "$(c)" && bash -lc 'd; e' > f; g() { h; }; for i in j; do k; done`);
  const names = commands.map(({ words }) => words[0]?.text ?? null).filter((name) => name !== null);
  expect(names).toEqual(['a', 'sudo', 'b', 'c', 'bash', 'd', 'e', 'h', 'k']);
});

test('what is too long or too tangled is not plain, quickly', () => {
  const hostile = [
    `ls ${'a'.repeat(100_000)}`,
    `ls ${'ä'.repeat(MAX_COMMAND_BYTES / 2)}`,
    '(('.repeat(30_000),
    'x=('.repeat(20_000),
    '((a'.repeat(20_000),
    'a|'.repeat(30_000),
    'a <<E\n$('.repeat(8000),
    `${'${x-f '.repeat(500)}${'"a '.repeat(12_000)}`,
    `${'?(<'.repeat(1000)}${'a'.repeat(17_000)}`,
    `ls ;${'{'.repeat(9000)}${'a'.repeat(50_000)}`,
    `echo x '${'['.repeat(9000)}${'a'.repeat(50_000)}$('`,
    `echo '${'`'.repeat(9000)}'; eval $x`,
    '$('.repeat(999),
    'x=('.repeat(999),
    '((a'.repeat(499),
    'a|'.repeat(400),
    'a <<E\n'.repeat(60),
    `${'$('.repeat(400)}ls${')'.repeat(400)}`,
    'eval '.repeat(12_000),
    `${'ls;'.repeat(3000)}ls`,
  ];
  for (const script of hostile) {
    const started_ms = performance.now();
    expect(read(script).plain, script.slice(0, 20)).toBeNull();
    expect(performance.now() - started_ms, script.slice(0, 20)).toBeLessThan(2000);
  }
  // And the parser is as good as before.
  expect(read('git status').plain).toEqual(['git', 'status']);
});

test('a long script of sane commands is read whole', () => {
  const script = Array.from({ length: 500 }, (_, at) => `echo "line ${at}" >> out.txt`).join('\n');
  expect(read(`${script}\ngit push`)).toMatchObject({ opaque: null, plain: null });
  expect(categories(read(`${script}\ngit push`))).toBe('git_push network');
});

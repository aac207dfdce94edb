import { parseEnv } from 'node:util';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { parseEnvFile, readEnvFile } from '../../src/manifest/env-file.js';
import { formatDiagnostics } from '../../src/manifest/format-diagnostic.js';
import { FilareError } from '../../src/contract/errors.js';
import { TestProject } from './project.js';

const variables = (text: string): Readonly<Record<string, string>> => {
  const { env, mistakes } = parseEnvFile('/x.env', text, {});
  expect(mistakes).toEqual([]);
  return env.variables;
};

test('reads values plain, quoted, over several lines, with comments and export', () => {
  expect(
    variables(`# a comment
PLAIN=value
  SPACED = a value with spaces   # and a comment
HASH=a#b
EMPTY=
QUOTED_EMPTY=""
export EXPORTED=1
SINGLE='as $it \\n is'
DOUBLE="tab\\t, line\\n, quote \\", dollar \\$, other \\d"
TICKS=\`both ' and "\`
LINES="one
two" # three
DOLLAR=$PLAIN \${PLAIN}
URL=postgres://a:b@c/d?e=f
`),
  ).toEqual({
    PLAIN: 'value',
    SPACED: 'a value with spaces',
    HASH: 'a#b',
    EMPTY: '',
    QUOTED_EMPTY: '',
    EXPORTED: '1',
    SINGLE: 'as $it \\n is',
    DOUBLE: 'tab\t, line\n, quote ", dollar $, other \\d',
    TICKS: `both ' and "`,
    LINES: 'one\ntwo',
    DOLLAR: '$PLAIN ${PLAIN}',
    URL: 'postgres://a:b@c/d?e=f',
  });
});

test('agrees with Node on everything that both call simple', () => {
  const name = fc.stringMatching(/^[A-Z][A-Z0-9_]{0,8}X$/);
  const value = fc.oneof(
    fc.stringMatching(/^[a-zA-Z0-9_./:@=?&%+-]{0,20}$/),
    fc.stringMatching(/^'[a-zA-Z0-9 $\\#]{0,20}'$/),
    fc.stringMatching(/^"[a-zA-Z0-9 $#\n]{0,20}"$/),
  );
  const line = fc.tuple(name, value, fc.constantFrom('', ' ', '  # note', '\n# note'));
  fc.assert(
    fc.property(fc.array(line, { maxLength: 8 }), (lines) => {
      const text = lines.map(([key, text_, end]) => `${key}=${text_}${end}\n`).join('');
      expect(parseEnvFile('/x', text, {}).env.variables).toEqual({ ...parseEnv(text) });
    }),
    { numRuns: 500 },
  );
});

const SECRET = 'hunter2-secret';
const BAD_LINES: Readonly<Record<string, readonly [text: string, line: number, column: number, message: string]>> = {
  'no =': [`A=1\n${SECRET}\n`, 2, 1, 'this line is not NAME=value'],
  'no = behind spaces': [`A=1\n\n   ${SECRET}\n`, 3, 4, 'this line is not NAME=value'],
  'a name with a dash': [`API-KEY=${SECRET}\n`, 1, 1, 'this line is not NAME=value'],
  'a name that begins with a digit': [`1A=${SECRET}\n`, 1, 1, 'this line is not NAME=value'],
  'a colon': [`KEY: ${SECRET}\n`, 1, 1, 'this line is not NAME=value'],
  'an open quote': [`A=1\nKEY="${SECRET}\nB=2\n`, 2, 5, 'KEY: the " is never closed'],
  'more after a quote': [`KEY='a' ${SECRET}\n`, 1, 8, 'KEY: something follows the closing quote'],
  'a NUL character': [`KEY=${SECRET}\0\n`, 1, 1, 'the value of KEY holds a NUL character'],
  CODEX_HOME: [`CODEX_HOME=${SECRET}\n`, 1, 1, 'CODEX_HOME may not be set in an env file'],
  LD_PRELOAD: [`A=1\nexport LD_PRELOAD=${SECRET}\n`, 2, 8, 'LD_PRELOAD may not be set in an env file'],
  NODE_OPTIONS: [`NODE_OPTIONS=${SECRET}\n`, 1, 1, 'NODE_OPTIONS may not be set in an env file'],
  GIT_SSH_COMMAND: [`GIT_SSH_COMMAND=${SECRET}\n`, 1, 1, 'GIT_SSH_COMMAND may not be set in an env file'],
  BASH_ENV: [`BASH_ENV=${SECRET}\n`, 1, 1, 'BASH_ENV may not be set in an env file'],
  PATH: [`PATH=${SECRET}\n`, 1, 1, 'PATH may not be set in an env file'],
  FILARE_STAGE: [`FILARE_STAGE=${SECRET}\n`, 1, 1, 'FILARE_STAGE may not be set in an env file'],
};

test.each(Object.entries(BAD_LINES))('says what is wrong, and no value: %s', (_name, [text, line, column, message]) => {
  const { mistakes, warnings } = parseEnvFile('/x.env', text, {});
  expect(mistakes).toMatchObject([{ line, column, message }]);
  expect(JSON.stringify([mistakes, warnings])).not.toContain(SECRET);
  expect(formatDiagnostics(mistakes)).not.toContain(SECRET);
});

test.each([
  'ENV',
  'HOME',
  'SHELLOPTS',
  'BASHOPTS',
  'IFS',
  'PS4',
  'PROMPT_COMMAND',
  'LD_LIBRARY_PATH',
  'BASH_FUNC_ls',
  'OPENSSL_CONF',
  'SSH_AUTH_SOCK',
  'CODEX_SANDBOX',
  'GLIBC_TUNABLES',
])('refuses %s', (name) => {
  expect(parseEnvFile('/x.env', `${name}=1`, {}).mistakes).toHaveLength(1);
});

test.each(['OPENAI_API_KEY', 'CODEX_API_KEY', 'GITHUB_TOKEN', 'HTTP_PROXY', 'PYTHONPATH', 'MY_PATH', 'DATABASE_URL'])(
  'allows %s',
  (name) => {
    expect(parseEnvFile('/x.env', `${name}=1`, {}).mistakes).toEqual([]);
  },
);

test('warns of a name set twice and of line ends of Windows, and goes on', () => {
  const { env, mistakes, warnings } = parseEnvFile('/x.env', 'A=1\r\nB=2\r\nA="3"\r\n', {});
  expect(env.variables).toEqual({ A: '3', B: '2' });
  expect(mistakes).toEqual([]);
  expect(warnings.map(({ line, message }) => [line, message])).toEqual([
    [1, 'the env file has the line ends of Windows; they are read as plain ones'],
    [3, 'A is set twice; this value counts, not the one of line 1'],
  ]);
});

describe('model keys', () => {
  const text = 'OPENAI_API_KEY=a\nCODEX_API_KEY=b\nEXAMPLE_KEY=c\nOTHER_KEY=d\nX_TEAM=e\nTOKEN=f\n';

  test('are those of Codex itself', () => {
    expect(parseEnvFile('/x', text, {}).env.model_key_names).toEqual(['OPENAI_API_KEY', 'CODEX_API_KEY']);
    expect(parseEnvFile('/x', 'TOKEN=f\n', {}).env.model_key_names).toEqual([]);
  });

  test('and those of every provider of the configuration, headers too', () => {
    const config = {
      model_provider: 'example',
      model_providers: {
        example: { env_key: 'EXAMPLE_KEY', env_http_headers: { 'X-Team': 'X_TEAM' } },
        other: { env_key: 'OTHER_KEY' },
        strange: ['list'],
      },
    };
    expect(parseEnvFile('/x', text, config).env.model_key_names).toEqual([
      'OPENAI_API_KEY',
      'CODEX_API_KEY',
      'EXAMPLE_KEY',
      'X_TEAM',
      'OTHER_KEY',
    ]);
  });
});

test('a session reads it, or learns which line is wrong without its value', async () => {
  using project = new TestProject();
  const good = project.write('good.env', 'OPENAI_API_KEY=k\nA=1\n');
  await expect(readEnvFile(good, {})).resolves.toEqual({
    variables: { OPENAI_API_KEY: 'k', A: '1' },
    model_key_names: ['OPENAI_API_KEY'],
  });
  const bad = project.write('bad.env', `A=1\n${SECRET}\n`);
  const failure = await readEnvFile(bad, {}).catch((error: unknown) => error);
  expect(failure).toBeInstanceOf(FilareError);
  expect(failure).toMatchObject({ code: 'credentials', message: `env file ${bad}:2:1: this line is not NAME=value` });
  expect(JSON.stringify(failure)).not.toContain(SECRET);
  await expect(readEnvFile(project.path('none.env'), {})).rejects.toMatchObject({
    code: 'credentials',
    message: `env file ${project.path('none.env')} does not exist`,
  });
});

test('mistakes of an env file stand in its own lines, once for all agents that share it', async () => {
  using project = new TestProject();
  const file = project.write('configs/agents/x.env', `A=1\n${SECRET}\nPATH=${SECRET}\n`, 0o644);
  const { mistakes, warnings } = await project.loadText(
    'defaults: { role: UI, env_file: x.env }\nsessions:\n  - { id: a }\n  - { id: b }\n',
  );
  expect(mistakes.map((one) => [one.file, one.line, one.source_line])).toEqual([
    [file, 2, '…'],
    [file, 3, 'PATH=…'],
  ]);
  expect(warnings.map(({ line, message }) => [line, message])).toEqual([
    [1, `everybody on this machine can read the env file ${file}`],
  ]);
});

test('text of any kind is read or refused, never more', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary', maxLength: 200 }), (text) => {
      const { env, mistakes } = parseEnvFile('/x.env', text, {});
      for (const name of Object.keys(env.variables)) expect(name).toMatch(/^[A-Za-z_][A-Za-z0-9_]*$/);
      for (const one of mistakes) expect(one.line).toBeGreaterThan(0);
    }),
    { numRuns: 2000 },
  );
});

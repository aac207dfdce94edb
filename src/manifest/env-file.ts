/**
 * The env file of an agent: `NAME=value` lines. Read when manifests are checked (values dropped) and again when a session starts.
 * - `export` before a name is allowed; `#` begins a comment at the beginning of a line or after a space;
 * - 'single quotes' and `backticks` hold their text as it is, "double quotes" know \n \r \t \" \\ \$; quoted text may span lines;
 * - nothing is expanded: `$` is a dollar sign;
 * - of a name that is set twice the last value counts, and a warning says so;
 * - no value, and no line that might hold one, is ever repeated in a message.
 */
import { FilareError } from '../contract/errors.js';
import { Findings, type Diagnostic } from './diagnostic.js';
import { modelKeyNames, whyNotVariable } from './env-names.js';
import { readText } from './read-text.js';
import { sourceText, type SourceText } from './source-text.js';

/** An env file, read. */
export interface EnvFile {
  readonly variables: Readonly<Record<string, string>>;
  /** Those of the variables that hold a model's key: they stay with Codex. */
  readonly model_key_names: readonly string[];
}

/** Variables of one env file, at most. */
export const MAX_VARIABLES = 1000;

const NAME = /^[ \t]*(?:export[ \t]+)?([A-Za-z_][A-Za-z0-9_]*)[ \t]*=[ \t]*/;
const ESCAPES: Readonly<Record<string, string>> = { n: '\n', r: '\r', t: '\t', '"': '"', '\\': '\\', $: '$' };

/** Reads the env file at `path`; `codexConfig` is the agent's `codex.config`. Fails with `credentials`, naming each bad line but no value. */
export function readEnvFile(path: string, codexConfig: Readonly<Record<string, unknown>>): Promise<EnvFile> {
  return Promise.resolve().then(() => {
    const { env, mistakes, refusal } = checkEnvFile(path, codexConfig);
    if (refusal === undefined && mistakes.length === 0) return env;
    const [first] = mistakes;
    const where = first === undefined ? '' : `:${first.line}:${first.column}: ${first.message}`;
    throw new FilareError({
      code: 'credentials',
      message: refusal === undefined ? `env file ${path}${where}` : `env file ${path} ${refusal.refusal}`,
      hint: refusal?.hint ?? first?.hint ?? 'mend the env file',
      details: { mistakes },
    });
  });
}

/** Reads and checks the env file at `path`, for those who collect mistakes. */
export function checkEnvFile(path: string, codexConfig: Readonly<Record<string, unknown>>) {
  const file = readText(path);
  if ('refusal' in file) {
    return { env: { variables: {}, model_key_names: [] }, mistakes: [], warnings: [], mode: 0, refusal: file };
  }
  return { ...parseEnvFile(path, file.text, codexConfig), mode: file.mode, refusal: undefined };
}

/** Reads the text of an env file. `path` is for messages only. */
export function parseEnvFile(
  path: string,
  text: string,
  codexConfig: Readonly<Record<string, unknown>>,
): { env: EnvFile; mistakes: Diagnostic[]; warnings: Diagnostic[] } {
  // Lines are counted as editors do, whatever ends them.
  const source = sourceText(path, text.replaceAll(/\r\n?/g, '\n'), hideValue);
  const findings = new Findings();
  const variables = new Map<string, { value: string; line: number }>();
  if (text.includes('\r')) {
    findings.warning(
      { source, offset: 0 },
      { message: 'the env file has the line ends of Windows; they are read as plain ones' },
    );
  }
  for (let index = 0; index < source.line_starts.length;) {
    index += readEntry(source, index, variables, findings);
  }
  const keys = modelKeyNames(codexConfig);
  return {
    env: {
      variables: Object.fromEntries([...variables].map(([name, { value }]) => [name, value])),
      model_key_names: keys.filter((name) => variables.has(name)),
    },
    mistakes: findings.mistakes([path]),
    warnings: findings.warnings([path]),
  };
}

/** Reads the entry that begins on this line (from 0) and answers how many lines it took. */
function readEntry(
  source: SourceText,
  index: number,
  variables: Map<string, { value: string; line: number }>,
  findings: Findings,
): number {
  const start = source.line_starts[index] ?? 0;
  const end = source.text.indexOf('\n', start);
  const line = source.text.slice(start, end === -1 ? undefined : end);
  if (/^\s*(#|$)/.test(line)) return 1;
  const head = NAME.exec(line);
  const name = head?.[1];
  const place = { source, offset: start + line.search(/\S/) };
  if (head === null || name === undefined) {
    findings.mistake(place, {
      message: 'this line is not NAME=value',
      expected: 'NAME=value, or # and a comment',
      hint: 'a value of several lines stands between quotes',
    });
    return 1;
  }
  const value = readValue(source.text, start + head[0].length);
  if ('problem' in value) {
    findings.mistake({ source, offset: value.at }, { message: `${name}: ${value.problem}`, hint: value.hint });
    return Math.max(1, value.lines);
  }
  const at = { source, offset: start + line.indexOf(name) };
  const instead = whyNotVariable(name);
  if (instead !== undefined) findings.mistake(at, { message: `${name} may not be set in an env file`, hint: instead });
  if (value.text.includes('\0'))
    findings.mistake(at, {
      message: `the value of ${name} holds a NUL character`,
      hint: 'no program can be given one',
    });
  const before = variables.get(name);
  if (before !== undefined)
    findings.warning(at, { message: `${name} is set twice; this value counts, not the one of line ${before.line}` });
  variables.set(name, { value: value.text, line: index + 1 });
  if (variables.size > MAX_VARIABLES)
    findings.mistake(at, { message: `more than ${MAX_VARIABLES} variables`, hint: 'keep what the agent needs' });
  return value.lines;
}

type Value =
  | { readonly text: string; readonly lines: number }
  | { readonly problem: string; readonly hint: string; readonly at: number; readonly lines: number };

function readValue(text: string, from: number): Value {
  const quote = text.charAt(from);
  const lineEnd = text.indexOf('\n', from);
  const end = lineEnd === -1 ? text.length : lineEnd;
  if (quote !== '"' && quote !== "'" && quote !== '`') {
    return {
      text: text
        .slice(from, end)
        .replace(/(^|[ \t])#.*$/, '')
        .trim(),
      lines: 1,
    };
  }
  let value = '';
  for (let at = from + 1; at < text.length; at += 1) {
    const character = text.charAt(at);
    if (character === quote) return afterQuote(text, at, value, text.slice(from, at).split('\n').length);
    const escaped = quote === '"' && character === '\\' ? ESCAPES[text.charAt(at + 1)] : undefined;
    value += escaped ?? character;
    if (escaped !== undefined) at += 1;
  }
  return {
    problem: `the ${quote} is never closed`,
    hint: 'close it, or quote the value with another sign',
    at: from,
    lines: 1,
  };
}

function afterQuote(text: string, at: number, value: string, lines: number): Value {
  const end = text.indexOf('\n', at);
  const rest = text.slice(at + 1, end === -1 ? undefined : end);
  if (/^[ \t]*(?:[ \t]#.*)?$/.test(rest)) return { text: value, lines };
  return {
    problem: 'something follows the closing quote',
    hint: 'put the whole value between one pair of quotes',
    at: at + 1,
    lines,
  };
}

/** Of a line of an env file only the name is shown. */
function hideValue(line: string): string {
  const head = NAME.exec(line);
  return head === null ? `${/^\s*/.exec(line)?.[0] ?? ''}…` : `${head[0]}…`;
}

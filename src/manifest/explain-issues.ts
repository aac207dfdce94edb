import type { z } from 'zod';
import { closestWord } from './closest-word.js';
import type { Findings } from './diagnostic.js';
import {
  keyPlaceAt,
  placeAt,
  valueAt,
  type Located,
  type LocatedMap,
  type LocatedScalar,
  type Path,
} from './located.js';
import { expectedAt, fieldsAt } from './schema-walk.js';
import { dotted, suggestAmong, suggestField } from './suggest-field.js';

const MAX_QUOTED_CHARS = 60;

type Issue = z.core.$ZodIssue;

/** An agent, or what another `schema` describes, as the schema saw it (`tree`), and with the entries that hold nothing (`written`). */
export interface ExplainedAgent {
  readonly tree: LocatedMap;
  readonly written: LocatedMap;
  /** An agent's when absent. */
  readonly schema?: z.ZodType;
}

/** Says each thing that the schema has against an agent, where it is written, with what was expected instead. */
export function explainIssues(issues: readonly Issue[], agent: ExplainedAgent, findings: Findings): void {
  const unknown = new Set(issues.filter(isUnknown).map((issue) => dotted(pathOf(issue))));
  for (const issue of issues) {
    // What is missing beside an unknown field is that field, misspelled.
    if (issue.code === 'custom' && unknown.has(dotted(pathOf(issue)))) continue;
    explain(issue, pathOf(issue), agent, findings);
  }
}

function explain(issue: Issue, path: Path, agent: ExplainedAgent, findings: Findings): void {
  if (issue.code === 'unrecognized_keys') {
    for (const key of issue.keys) sayUnknown(key, path, agent, findings);
    return;
  }
  if (issue.code === 'invalid_union') {
    const fitting = issue.errors.filter((errors) => !errors.some((error) => isOtherKind(error)));
    const [only] = fitting;
    if (only !== undefined && fitting.length === 1) {
      for (const error of only) explain(error, [...path, ...pathOf(error)], agent, findings);
      return;
    }
  }
  const found = valueAt(agent.tree, path);
  if (found === undefined) {
    sayMissing(path, agent, findings);
    return;
  }
  const why = issue.code === 'custom' ? issue.message : `cannot be ${describe(found)}`;
  findings.mistake(found.place, {
    message: `${dotted(path)} ${why}`,
    expected: expectedAt(path, agent.schema),
    hint: hintFor(issue, found, path),
  });
}

function sayMissing(path: Path, agent: ExplainedAgent, findings: Findings): void {
  const empty = valueAt(agent.written, path);
  if (empty?.kind === 'scalar' && empty.broken === true) return;
  const name = String(path.at(-1) ?? '');
  const holder = path.length > 1 ? ` in ${dotted(path.slice(0, -1))}` : '';
  const expected = expectedAt(path, agent.schema);
  const place = empty === undefined ? placeAt(agent.tree, path.slice(0, -1)) : keyPlaceAt(agent.written, path);
  findings.mistake(place, {
    message: `"${name}" is ${empty === undefined ? 'missing' : 'empty'}${holder}`,
    expected: expected === undefined ? undefined : `${name}: ${expected}`,
  });
}

function sayUnknown(key: string, path: Path, agent: ExplainedAgent, findings: Findings): void {
  const holder = dotted(path);
  findings.mistake(keyPlaceAt(agent.tree, [...path, key]), {
    message: `unknown field "${key}"${holder === '' ? '' : ` in ${holder}`}`,
    hint: agent.schema === undefined ? suggestField(key, path) : suggestAmong(key, fieldsAt(path, agent.schema)),
  });
}

function isUnknown(issue: Issue): boolean {
  return issue.code === 'unrecognized_keys';
}

/** Whether this error says that the value is of another kind than this option of a union takes. */
function isOtherKind(error: Issue): boolean {
  return error.path.length === 0 && ['invalid_type', 'invalid_value', 'invalid_union'].includes(error.code);
}

function hintFor(issue: Issue, found: Located, path: Path): string | undefined {
  if (found.kind !== 'scalar') return undefined;
  const { value } = found;
  const words = wordsOf(issue);
  const near = typeof value === 'string' ? closestWord(value, words) : undefined;
  if (near !== undefined) return `did you mean ${near}?`;
  if (takes(issue, 'boolean') && typeof value === 'string' && /^(yes|no|on|off|y|n)$/i.test(value))
    return `write ${/^(yes|on|y)$/i.test(value) ? 'true' : 'false'}: YAML 1.2 knows no other words for it`;
  if (takes(issue, 'string') && !takes(issue, 'number') && (typeof value === 'number' || typeof value === 'boolean'))
    return `put it between quotes: "${found.written ?? String(value)}"`;
  if (takes(issue, 'number') && typeof value === 'string' && /^\d+$/.test(value))
    return `write it without quotes: ${value}`;
  if (path[0] === 'mounts' && path.length === 2 && typeof value === 'string') return mountHint(value);
  return undefined;
}

/** Somebody wrote a mount as Docker's command line takes it. */
function mountHint(text: string): string | undefined {
  const [source, target, mode] = text.split(':');
  if (source === undefined || target === undefined) return undefined;
  return `write { source: ${source}, target: ${target}${mode === 'ro' ? ', read_only: true' : ''} }`;
}

function wordsOf(issue: Issue): string[] {
  if (issue.code === 'invalid_value') return issue.values.filter((value) => typeof value === 'string');
  return issue.code === 'invalid_union' ? issue.errors.flat().flatMap(wordsOf) : [];
}

function takes(issue: Issue, kind: string): boolean {
  if (issue.code === 'invalid_type') return issue.expected === kind;
  return (
    issue.code === 'invalid_union' && issue.errors.flat().some((error) => error.path.length === 0 && takes(error, kind))
  );
}

/** A value in a few words. */
function describe(found: Located): string {
  switch (found.kind) {
    case 'list':
      return found.items.length === 0 ? 'an empty list' : 'a list';
    case 'map':
      return found.entries.size === 0 ? 'an empty mapping' : 'a mapping';
    case 'scalar':
      return describeScalar(found);
  }
}

function describeScalar({ value, written }: LocatedScalar): string {
  if (value === null) return 'empty';
  if (typeof value === 'number') return `the number ${written ?? String(value)}`;
  if (typeof value === 'boolean') return written ?? String(value);
  if (value === '') return 'empty text';
  const [line = ''] = value.split('\n', 1);
  const short = line.length > MAX_QUOTED_CHARS ? line.slice(0, MAX_QUOTED_CHARS) : line;
  return `"${short}${short === value ? '' : '…'}"`;
}

function pathOf(issue: Issue): Path {
  return issue.path.map((step) => (typeof step === 'symbol' ? String(step) : step));
}

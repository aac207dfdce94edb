import { check, nearest } from './check.js';
import { compileStep, toPace } from './compile-step.js';
import { DEFAULT_PACE, isRecord, PLAN_VERSION, type Cue, type Pace, type Part, type Plan, type Step } from './plan.js';
import { partSchema, scriptSchema, stepSchemas, type StepName } from './script-schema.js';
import type { ScriptSource } from './script-source.js';
import { VARIABLES, variablesIn } from './template.js';

/** One file as a plan. What is wrong is noted in the source; a part or step with a mistake is left out, and does not hide the next one. */
export function compileScript(source: ScriptSource): Plan {
  const value = source.value();
  const script = check(source, scriptSchema, value, []);
  const pace = toPace(script?.pace) ?? DEFAULT_PACE;
  const parts = list(value, 'parts').flatMap(
    (entry, index) => compilePart(source, entry, ['parts', index], pace) ?? [],
  );
  return { version: PLAN_VERSION, strict: script?.strict ?? false, pace, parts };
}

function compilePart(source: ScriptSource, entry: unknown, path: readonly PropertyKey[], pace: Pace): Part | undefined {
  const part = check(source, partSchema, entry, path);
  const written = isRecord(entry) ? entry['matches'] : undefined;
  const matches = typeof written === 'string' ? compileMatches(source, written, [...path, 'matches']) : undefined;
  const captures = matches ? captureCount(matches) : written === undefined ? 0 : Infinity;
  const steps = list(entry, 'do').flatMap(
    (step, index) => readStep(source, step, [...path, 'do', index], { pace, captures }) ?? [],
  );
  if (!part) return undefined;
  const cue: Cue = { role: part.role, agent: part.agent, turn: part.turn, text: part.text, matches };
  return { source: `${source.file}:${source.line(path)}`, cue, steps };
}

function list(value: unknown, key: string): readonly unknown[] {
  const entries = isRecord(value) ? value[key] : undefined;
  return Array.isArray(entries) ? entries : [];
}

/** How many captures an expression has, the whole match included: those of a match of nothing, which the added alternative allows. */
function captureCount({ source, flags }: NonNullable<Cue['matches']>): number {
  return new RegExp(`${source}|`, flags).exec('')?.length ?? 1;
}

function compileMatches(source: ScriptSource, written: string, path: readonly PropertyKey[]): Cue['matches'] {
  const [, inner, flags] = /^\/(.+)\/([imsu]*)$/s.exec(written) ?? [];
  const matches = { source: inner ?? written, flags: flags ?? '' };
  try {
    new RegExp(matches.source, matches.flags);
    return matches;
  } catch (error) {
    source.mistake({ path }, error instanceof Error ? error.message : String(error));
    return undefined;
  }
}

interface StepContext {
  readonly pace: Pace;
  /** How many captures the part has, the whole match included; 0 without `matches`. */
  readonly captures: number;
}

function readStep(
  source: ScriptSource,
  entry: unknown,
  path: readonly PropertyKey[],
  { pace, captures }: StepContext,
): Step | undefined {
  const names = Object.keys(stepSchemas);
  const named = isRecord(entry)
    ? Object.keys(entry).filter((key): key is StepName => Object.hasOwn(stepSchemas, key))
    : [];
  const [name, other] = named.filter((key) => !(key === 'reason' && named.includes('ask_approval')));
  if (name === undefined) {
    const unknown = isRecord(entry) ? Object.keys(entry)[0] : undefined;
    const near = unknown === undefined ? undefined : nearest(unknown, names);
    const found = unknown === undefined ? 'this is not a step' : `\`${unknown}\` is not a step`;
    source.mistake(
      { path, key: unknown },
      `${found}${near ? `; did you mean \`${near}\`?` : ''} (steps: ${names.join(', ')})`,
    );
    return undefined;
  }
  if (other !== undefined) {
    source.mistake({ path, key: other }, `a step does one thing; begin \`${other}\` with a dash of its own`);
    return undefined;
  }
  const step = check(source, stepSchemas[name], entry, path);
  if (!step) return undefined;
  checkVariables(source, entry, path, captures);
  return compileStep(source, step, path, pace);
}

function checkVariables(source: ScriptSource, value: unknown, path: readonly PropertyKey[], captures: number): void {
  if (typeof value === 'string') {
    for (const name of variablesIn(value)) {
      const isKnown = /^\d+$/.test(name) ? Number(name) < captures : VARIABLES.some((variable) => variable === name);
      if (isKnown) continue;
      const all = VARIABLES.map((variable) => `{{${variable}}}`).join(' ');
      const last = captures > 1 ? ` to {{${captures - 1}}}` : '';
      const numbers = captures > 0 ? `{{0}}${last}` : 'captures in a part with `matches`';
      source.mistake(
        { path },
        `nothing fills {{${name}}}; there are ${all} and ${numbers}; \\{{${name}}} writes it as it is`,
      );
    }
    return;
  }
  if (typeof value !== 'object' || value === null) return;
  for (const [key, entry] of Object.entries(value)) {
    checkVariables(source, entry, [...path, Array.isArray(value) ? Number(key) : key], captures);
  }
}

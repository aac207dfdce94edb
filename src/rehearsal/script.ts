import { readdir, readFile, stat } from 'node:fs/promises';
import { extname, join } from 'node:path';
import { FilareError } from '../contract/errors.js';
import { compileScript } from './compile-script.js';
import { DEFAULT_PACE, isRecord, PLAN_VERSION, type Plan } from './plan.js';
import { MAX_SCRIPT_BYTES, ScriptSource, type ScriptMistake } from './script-source.js';

/**
 * Rehearsal scripts: YAML files, or folders of them, become one plan for the server. docs/rehearsal.md is the language.
 *
 * - files in the order given, a folder's `*.yml` and `*.yaml` by name; parts of all files in that order, first match wins;
 * - every mistake of every file is found before anything is said: one FilareError('invalid_manifest') whose `details` are ScriptMistakes;
 * - the plan is plain JSON and depends on nothing else: no path of this machine but the names of the script files is in it.
 */
export async function loadRehearsal(paths: readonly string[]): Promise<Plan> {
  const plans: { readonly source: ScriptSource; readonly plan: Plan }[] = [];
  const mistakes: ScriptMistake[] = [];
  for (const file of await scriptFiles(paths, mistakes)) {
    const source = await readSource(file, mistakes);
    if (source) plans.push({ source, plan: compileScript(source) });
  }
  refuseUnreachable(plans);
  mistakes.push(...plans.flatMap(({ source }) => source.mistakes));
  if (mistakes.length > 0) throw invalid(mistakes);
  return {
    version: PLAN_VERSION,
    strict: plans.some(({ plan }) => plan.strict),
    pace: plans[0]?.plan.pace ?? DEFAULT_PACE,
    parts: plans.flatMap(({ plan }) => plan.parts),
  };
}

async function scriptFiles(paths: readonly string[], mistakes: ScriptMistake[]): Promise<string[]> {
  const files: string[] = [];
  for (const path of paths) {
    const entries = await readdir(path).catch((error: unknown) => {
      if (isRecord(error) && error['code'] === 'ENOTDIR') return undefined;
      mistakes.push(unreadable(path, error));
      return [];
    });
    if (!entries) files.push(path);
    else
      files.push(
        ...entries
          .filter((name) => ['.yml', '.yaml'].includes(extname(name)))
          .sort()
          .map((name) => join(path, name)),
      );
  }
  if (files.length === 0 && mistakes.length === 0) {
    throw new FilareError({
      code: 'invalid_manifest',
      message: `no rehearsal script (*.yml, *.yaml) in ${paths.join(', ') || 'an empty list'}`,
      hint: 'Name a script file, or a folder that holds one; docs/rehearsal.md shows the language.',
    });
  }
  return files;
}

async function readSource(file: string, mistakes: ScriptMistake[]): Promise<ScriptSource | undefined> {
  try {
    if ((await stat(file)).size > MAX_SCRIPT_BYTES)
      throw new Error(`the script is longer than ${MAX_SCRIPT_BYTES} bytes`);
    return new ScriptSource(file, await readFile(file, 'utf8'));
  } catch (error) {
    mistakes.push(unreadable(file, error));
    return undefined;
  }
}

/** A part without conditions hides all that follow it, also in later files. */
function refuseUnreachable(plans: readonly { readonly source: ScriptSource; readonly plan: Plan }[]): void {
  let hidden: string | undefined;
  for (const { source, plan } of plans) {
    plan.parts.forEach((part, index) => {
      if (hidden !== undefined && source.mistakes.length === 0) {
        source.mistake(
          { path: ['parts', index] },
          `this part never plays: the one at ${hidden} has no condition and takes every message`,
        );
      }
      if (Object.values(part.cue).every((condition) => condition === undefined)) hidden ??= part.source;
    });
  }
}

function unreadable(file: string, error: unknown): ScriptMistake {
  const missing = isRecord(error) && error['code'] === 'ENOENT';
  const message = missing ? 'no such file or folder' : error instanceof Error ? error.message : String(error);
  return { file, line: 1, column: 1, message, excerpt: '' };
}

function invalid(mistakes: readonly ScriptMistake[]): FilareError {
  const lines = mistakes.map(({ file, line, column, message, excerpt }) =>
    [`${file}:${line}:${column}: ${message}`, ...excerpt.split('\n').filter((text) => text !== '')].join('\n    '),
  );
  return new FilareError({
    code: 'invalid_manifest',
    message: `${mistakes.length === 1 ? 'one mistake' : `${mistakes.length} mistakes`} in the rehearsal script\n${lines.join('\n')}`,
    hint: 'docs/rehearsal.md shows every kind of step with an example.',
    details: mistakes,
  });
}

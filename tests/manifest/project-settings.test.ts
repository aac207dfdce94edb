import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { findProject } from '../../src/client/find-project.js';
import { FilareError } from '../../src/contract/errors.js';
import { diagnosticSchema, type Diagnostic } from '../../src/manifest/diagnostic.js';
import { loadProjectSettings, SETTINGS_FILE } from '../../src/manifest/project-settings.js';
import { run } from '../cli/rig.js';
import { TestProject } from './project.js';

let project: TestProject;
beforeEach(() => {
  project = new TestProject();
});
afterEach(() => project[Symbol.dispose]());

async function refusal(text: string): Promise<{ message: string; mistakes: readonly Diagnostic[] }> {
  project.write(SETTINGS_FILE, text);
  const error: unknown = await loadProjectSettings(project.root).catch((one: unknown) => one);
  if (!(error instanceof FilareError) || error.code !== 'invalid_manifest') throw new Error('not refused');
  const { mistakes } = error.details as { mistakes: unknown };
  return { message: error.message, mistakes: diagnosticSchema.array().parse(mistakes) };
}

async function said(text: string): Promise<string[]> {
  return (await refusal(text)).mistakes.map(({ line, column, message, expected, hint }) =>
    [`${line}:${column} ${message}`, expected ?? '', hint ?? ''].filter((part) => part !== '').join(' | '),
  );
}

describe("mistakes in the project's settings", () => {
  it('are told all at once, each where it is, with what was meant or expected', async () => {
    expect(await said('retentoin: { days: 3 }\nmax_parallel: two\n')).toEqual([
      '1:1 unknown field "retentoin" | did you mean "retention"?',
      '2:15 max_parallel cannot be "two" | a whole number of agents, 1 or more',
    ]);
    expect(await said('retention:\n  days: 0\n  keep_lats: 3\n  total_size: 12\n')).toEqual([
      '2:9 retention.days cannot be the number 0 | a number of days above 0: 30',
      '3:3 unknown field "keep_lats" in retention | did you mean "keep_last"?',
      '4:15 retention.total_size is less than 1m | a size of 1m or more: 500m, 20g',
    ]);
    expect(await said('colour: blue')).toEqual(['1:1 unknown field "colour" | known here: retention, max_parallel']);
    expect(await said('retention: {}')).toEqual([
      '1:12 retention says nothing | days, keep_last or total_size, or several of them',
    ]);
    expect(await said('max_parallel: "2"')).toEqual([
      '1:15 max_parallel cannot be "2" | a whole number of agents, 1 or more | write it without quotes: 2',
    ]);
    expect(await said('- max_parallel: 2')).toEqual([
      '1:1 the settings are not a mapping | retention: with days, keep_last or total_size, and max_parallel:',
    ]);
    expect(await said('retention: [')).toEqual([expect.stringMatching(/^1:12 not valid YAML: this bracket/)]);
  });

  it('have a message that names the file as seen from the project', async () => {
    expect((await refusal('max_parallel: two')).message).toBe('configs/filare.yml:1:15: max_parallel cannot be "two"');
  });

  it('are told with those of the manifests', async () => {
    project.write(SETTINGS_FILE, 'max_parallel: two');
    const { mistakes } = await project.loadText('{ id: one }');
    expect(mistakes.map(({ file, message }) => [file, message])).toEqual([
      [project.path('configs/agents/fleet.yml'), '"role" is missing'],
      [project.path(SETTINGS_FILE), 'max_parallel cannot be "two"'],
    ]);
  });

  it('are not what says nothing: no file, an empty one, one of remarks, a name without a value', async () => {
    const none = { retention: null, max_parallel: null };
    expect(await loadProjectSettings(project.root)).toEqual(none);
    for (const text of ['', '# nothing yet\n', '---\n', '{}', 'null', 'retention:\nmax_parallel:\n']) {
      project.write(SETTINGS_FILE, text);
      expect(await loadProjectSettings(project.root)).toEqual(none);
    }
  });

  it('are in the way of validate, with its exit code', async () => {
    project.write('configs/agents/one.yml', 'id: one\nrole: UI\n');
    project.write(SETTINGS_FILE, 'retentoin: { days: 3 }\n');
    const { code, stderr } = await run(findProject({ project: project.root, cwd: '/', env: {} }), ['validate']);
    expect(code).toBe(2);
    expect(stderr).toContain('configs/filare.yml:1:1');
    expect(stderr).toContain('1 | retentoin: { days: 3 }');
    expect(stderr).toContain('did you mean "retention"?');
  });
});

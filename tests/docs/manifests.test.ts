import { expect, test } from 'vitest';
import { parse } from 'yaml';
import { z } from 'zod';
import { catalogueSchema } from '../../src/contract/catalogue.js';
import { loadProjectSettings, SETTINGS_FILE } from '../../src/manifest/project-settings.js';
import { loadRehearsal } from '../../src/rehearsal/script.js';
import { TestProject } from '../manifest/project.js';
import { allPages, type Block } from './pages.js';

/** Of other files and agents than the page shows. */
const ABOUT_ELSEWHERE = /does not exist|there is no file|no agent "|cannot be read|not found|has no catalogue/;

const mapping = z.record(z.string(), z.unknown());

/** What is wrong with a block of YAML, as what it is: a rehearsal script, project settings, a manifest, or some fields of an agent. */
async function problemsOf({ text }: Block): Promise<readonly string[]> {
  using project = new TestProject();
  const value: unknown = parse(text);
  const fields = mapping.safeParse(value).data ?? {};
  if ('parts' in fields) {
    return await loadRehearsal([project.write('script.yml', text)]).then(
      () => [],
      (error: unknown) => [String(error)],
    );
  }
  if ('retention' in fields || 'max_parallel' in fields) {
    project.write(SETTINGS_FILE, text);
    const { retention, max_parallel } = await loadProjectSettings(project.root);
    return retention === null && max_parallel === null ? ['no setting'] : [];
  }
  if ('version' in fields) {
    const { error } = catalogueSchema.safeParse(value);
    return error === undefined ? [] : [error.message];
  }
  const is_whole = Array.isArray(value) || 'sessions' in fields;
  const { mistakes, error } = await project.loadText(
    is_whole ? text : JSON.stringify({ id: 'one', role: 'UI', ...fields }),
  );
  if (error !== undefined && mistakes.length === 0) return [error.message];
  return mistakes.map(({ message }) => message).filter((message) => !ABOUT_ELSEWHERE.test(message));
}

test('every manifest, rehearsal and setting that is shown anywhere is a good one', async () => {
  const blocks = allPages().flatMap((page) => page.blocks.filter(({ language }) => language === 'yaml'));
  const wrong: string[] = [];
  for (const block of blocks) {
    const problems = await problemsOf(block);
    if (problems.length > 0) wrong.push(`${block.at}: ${problems.join('; ')}`);
  }
  expect(wrong).toEqual([]);
  expect(blocks.length).toBeGreaterThan(40);
});

test('a field that does not exist would be noticed', async () => {
  const block = (text: string): Block => ({ language: 'yaml', text, at: '' });
  expect(await problemsOf(block('escalation: { approve: all }'))).toEqual([expect.stringContaining('unknown field')]);
  expect(await problemsOf(block('sessions: [{ id: one }]'))).toEqual([expect.stringContaining('role')]);
});

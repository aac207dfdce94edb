import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { parse } from 'yaml';
import { expect, test } from 'vitest';
import { z } from 'zod';
import { formatDiagnostics } from '../../src/manifest/format-diagnostic.js';
import { manifestJsonSchema } from '../../src/manifest/json-schema.js';
import { allFieldPaths, expectedAt, fieldsAt } from '../../src/manifest/schema-walk.js';
import { TestProject } from './project.js';
import { schemaErrors } from './schema-errors.js';

const run = promisify(execFile);
const read = (path: string): string => readFileSync(new URL(`../../${path}`, import.meta.url), 'utf8');
const objectSchema = z.looseObject({ properties: z.record(z.string(), z.unknown()).optional() });

test('the stored schema is fresh (node scripts/generate-schema.mjs makes it)', () => {
  expect(read('schema/manifest.schema.json')).toBe(`${JSON.stringify(manifestJsonSchema(), null, 2)}\n`);
});

test('it is a JSON Schema 2020-12 whose references all lead somewhere', () => {
  const schema = manifestJsonSchema();
  expect(schema['$schema']).toBe('https://json-schema.org/draft/2020-12/schema');
  const defs = z.record(z.string(), z.unknown()).parse(schema['$defs']);
  const refs = [...JSON.stringify(schema).matchAll(/"\$ref":"#\/\$defs\/([^"]+)"/g)].map(([, name]) => name ?? '');
  expect(refs.length).toBeGreaterThan(5);
  for (const name of refs) expect(Object.keys(defs)).toContain(name);
  expect(JSON.stringify(schema)).not.toContain('"expected"');
});

test('every property says what it is, and every field of a manifest says what is expected', () => {
  const silent: string[] = [];
  const look = (node: unknown, name: string): void => {
    if (typeof node !== 'object' || node === null) return;
    const { properties = {} } = objectSchema.safeParse(node).data ?? {};
    for (const [key, value] of Object.entries(properties)) {
      const described = z.looseObject({ description: z.string() }).safeParse(value).success;
      if (!described && value !== false) silent.push(`${name}.${key}`);
    }
    for (const [key, value] of Object.entries(node)) look(value, `${name}/${key}`);
  };
  look(manifestJsonSchema(), '');
  expect(silent).toEqual([]);
  const fields = allFieldPaths().filter((path) => !/^(mounts|escalation\.(rules|notify))\./.test(path));
  for (const field of fields) expect([field, expectedAt(field.split('.'))]).toEqual([field, expect.any(String)]);
});

const asEditor = (value: unknown): string[] => schemaErrors(manifestJsonSchema(), value);

test.each([
  'id: one\nrole: UI\n',
  '- { id: one, role: UI }\n- { id: two, role: own, goal: { file: g.md } }\n',
  'defaults: { role: UI, resources: { memory: 4g } }\nsessions:\n  - { id: one, network: none }\n',
  'defaults:\nsessions: [{ id: one, role: UI }]\n',
  'id: one\nrole: UI\nescalation: { notify: [{ desktop: }, { webhook: "http://x", secret_file: y }, { command: z }] }\n',
  read('tests/fixtures/orchestrator/single.yml'),
  read('examples/quickstart/fleet.yml'),
])('editors take a good manifest: %s', (text) => {
  expect(asEditor(parse(text))).toEqual([]);
});

test.each([
  'id: one\n',
  'role: UI\n',
  'id: -x\nrole: UI\n',
  'id: one\nrole: UI\nimag: x\n',
  'id: one\nrole: UI\nresources: { memory: 4 gigs }\n',
  'id: one\nrole: UI\nrestart: { policy: sometimes }\n',
  'id: one\nrole: UI\nescalation: { notify: [{ command: bell, secret_file: x }] }\n',
  'id: one\nrole: UI\nescalation: { notify: [{ command: bell, desktop: true }] }\n',
  'id: one\nrole: UI\nescalation: { notify: [{}] }\n',
  'defaults: { id: one }\nsessions: [{ id: two }]\n',
  'sessions: []\n',
  'sessions: [{ role: UI }]\n',
  '[]\n',
  'hello\n',
])('editors and the loader refuse the same manifest: %s', async (text) => {
  using project = new TestProject();
  expect((await project.loadText(text)).error?.code).toBe('invalid_manifest');
  expect(asEditor(parse(text))).not.toEqual([]);
});

test('the examples in the schema are good values', async () => {
  const fields = z
    .looseObject({ $defs: z.looseObject({ fields: z.looseObject({ properties: z.record(z.string(), z.unknown()) }) }) })
    .parse(manifestJsonSchema()).$defs.fields.properties;
  let looked = 0;
  for (const [name, field] of Object.entries(fields)) {
    for (const example of z.looseObject({ examples: z.array(z.unknown()).default([]) }).parse(field).examples) {
      using project = new TestProject();
      const { mistakes } = await project.loadText(JSON.stringify({ id: 'one', role: 'UI', [name]: example }));
      const about = mistakes.filter(
        ({ message }) => !/does not exist|there is no file|no agent "|has no catalogue/.test(message),
      );
      expect([name, about]).toEqual([name, []]);
      looked += 1;
    }
  }
  expect(looked).toBeGreaterThan(20);
});

test('the reference page is made from the schema, is fresh (npm run documents), and names every field', async () => {
  const script = fileURLToPath(new URL('../../scripts/generate-manifest-reference.mjs', import.meta.url));
  await expect(run(process.execPath, [script, '--check'])).resolves.toMatchObject({ stderr: '' });
  const page = read('docs/manifest-reference.md');
  const missing = allFieldPaths().filter((path) => !path.endsWith('.file') && !page.includes(`\`${path}\``));
  expect(missing).toEqual([]);
  for (const shown of ['| `4g`', '| `15s`', '**Default:** `filare-codex`', 'workspace: { repo: ../../sample }'])
    expect(page).toContain(shown);
  expect(fieldsAt(['escalation', 'rules', 0, 'when'])).toEqual(['command', 'category', 'path', 'tool']);
});

test('every manifest of the guide loads', async () => {
  const blocks = [...read('docs/manifest.md').matchAll(/```yaml\n([\s\S]*?)```/g)].map(([, text]) => text ?? '');
  expect(blocks.length).toBeGreaterThan(4);
  for (const text of blocks) {
    using project = new TestProject();
    project.write('configs/agents/agents.env', 'OPENAI_API_KEY=x\n');
    project.write('configs/agents/deploy_key', '-----BEGIN PRIVATE KEY-----\n');
    project.write('configs/agents/known_hosts', 'git.example ssh-ed25519 AAAA\n');
    project.write('configs/agents/webhook.secret', 'whsec_c2VjcmV0\n');
    project.write('configs/agents/goals/farewell.md', 'Add a farewell.\n');
    project.folder('sample');
    project.folder('datasets');
    const { mistakes } = await project.loadText(text);
    expect([text, mistakes]).toEqual([text, []]);
  }
});

test('the mistake in the guide is told as it says', async () => {
  const page = read('docs/manifest.md');
  const [, shown = ''] = /```\n(configs\/agents\/farewell[\s\S]*?)\n```/.exec(page) ?? [];
  const [, first = ''] = /```yaml\n([\s\S]*?)```/.exec(page) ?? [];
  using project = new TestProject();
  const { mistakes } = await project.load([
    project.write('configs/agents/farewell.yml', `${first}resources: { memory: 4 gigs }\n`),
  ]);
  expect(formatDiagnostics(mistakes, { cwd: project.root })).toBe(shown);
});

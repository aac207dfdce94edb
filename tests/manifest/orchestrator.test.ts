import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { opensshKey, TestProject } from './project.js';

const fixture = (name: string): string =>
  readFileSync(new URL(`../fixtures/orchestrator/${name}`, import.meta.url), 'utf8');

test('a bundle of the Filare orchestrator loads unchanged', async () => {
  using project = new TestProject();
  project.write('agents/manifest/fleet.yaml', fixture('fleet.yaml'));
  project.write('agents/manifest/secrets/agents.env', 'OPENAI_API_KEY=sk-x\n');
  project.write('agents/manifest/secrets/id_agent', opensshKey('none'));
  const { loaded, error } = await project.load();
  expect(error).toBeUndefined();
  const [feature, fix, docs] = loaded?.agents ?? [];
  expect(feature).toMatchObject({
    id: 'feature-demo',
    role: 'FEATURE',
    goal: 'Implement the connector table',
    branch: 'feature/connector-table',
    image: 'filare-codex',
    env_file: project.path('agents/manifest/secrets/agents.env'),
    ssh_key: project.path('agents/manifest/secrets/id_agent'),
    tags: ['feature', 'demo'],
    // The number that the orchestrator counts up is the agent's own id here: the same agent always finds the same workspace.
    workspace: { path: project.path('agents/manifest/work/feature-feature-demo'), reuse_existing: false },
  });
  expect(feature?.escalation.rules).toEqual([
    { when: { category: 'network' }, do: 'ask', reason: 'operator_contact.requires_approval_for' },
    { when: { category: 'destructive' }, do: 'ask', reason: 'operator_contact.requires_approval_for' },
  ]);
  expect(fix).toMatchObject({
    workspace: { path: project.path('agents/manifest/work/fix-fix-demo'), reuse_existing: true, is_default: false },
    startup_script: 'echo starting fixer',
    tags: ['fix'],
  });
  expect(docs).toMatchObject({
    workspace: { path: project.path('agents/manifest/work/docs') },
    branch: 'docs/tutorial',
  });
});

test('a single session of the Filare orchestrator loads unchanged', async () => {
  using project = new TestProject();
  project.write('agents/manifest/single.yml', fixture('single.yml'));
  project.write('agents/manifest/.env', 'OPENAI_API_KEY=sk-x\n');
  project.write('agents/manifest/keys/id_rsa', opensshKey('none'));
  project.write('agents/manifest/setup.sh', '#!/bin/sh\nuv sync\n');
  const { loaded, error } = await project.load();
  expect(error).toBeUndefined();
  expect(loaded?.agents[0]).toMatchObject({
    id: 'coverage-1',
    role: 'COVERAGE',
    branch: 'coverage/min-90',
    goal: 'Raise the coverage of the parser to 90 %.\nSay which branches stay untested, and why.\n',
    startup_script: '#!/bin/sh\nuv sync\n',
    workspace: { path: project.path('agents/manifest/workspace'), reuse_existing: true, is_default: false },
    escalation: { approvals: 'ask', rules: [] },
  });
});

test('a generated manifest of the Filare orchestrator loads unchanged; that nobody reads what is attached is said', async () => {
  using project = new TestProject();
  project.write('agents/manifest/generated.yml', fixture('generated.yml'));
  project.write('agents/manifest/.env', 'OPENAI_API_KEY=sk-x\n');
  project.write('agents/manifest/keys/id_rsa', opensshKey('none'));
  const { loaded, error, warnings } = await project.load();
  expect(error).toBeUndefined();
  expect(loaded?.agents[0]).toMatchObject({
    id: 'feat-123',
    branch: 'feat/123',
    workspace: { path: project.path('agents/manifest/work/agent-feat-123') },
  });
  expect(warnings.map((warning) => warning.message)).toContainEqual(
    expect.stringMatching(/^metadata is not acted on yet/),
  );
});

test('an agent takes its own workspace before a pattern, and a pattern before a folder that the defaults give to all', async () => {
  using project = new TestProject();
  const { loaded, warnings } = await project.loadText(`
defaults: { role: UI, workspace: /w/shared, workspace_prefix: /w/a- }
sessions:
  - id: one
  - { id: two, workspace: /w/two }
  - { id: three, workspace_prefix: /w/in/ }
  - { id: four, workspace_template: "/w/{id}/tree" }
  - { id: five, workspace: /w/five, workspace_prefix: /w/x- }
`);
  expect(loaded?.agents.map((agent) => agent.workspace.path)).toEqual([
    '/w/a-one',
    '/w/two',
    '/w/in/three',
    '/w/four/tree',
    '/w/five',
  ]);
  expect(warnings.map((warning) => warning.message)).toEqual([
    'workspace_prefix is not used: workspace names the workspace',
  ]);
});

test('workspace_template without a place for a number is the template of the workspace', async () => {
  using project = new TestProject();
  const seed = project.folder('configs/agents/seed');
  const agent = await project.agent('{ id: one, role: UI, workspace_template: seed }');
  expect(agent.workspace).toMatchObject({ template: seed, is_default: true });
});

test('a category that requires approval and is unknown makes no rule and a warning', async () => {
  using project = new TestProject();
  const { loaded, warnings } = await project.loadText(
    '{ id: one, role: UI, operator_contact: { requires_approval_for: [git_push, money] } }',
  );
  expect(loaded?.agents[0]?.escalation.rules).toMatchObject([{ when: { category: 'git_push' }, do: 'ask' }]);
  expect(warnings.map((warning) => warning.message)).toContain(
    'operator_contact.requires_approval_for: "money" is no category, and makes no rule',
  );
});

import { expect, test } from 'vitest';
import { formatResolved } from '../../src/manifest/resolved.js';
import { TestProject } from './project.js';

const MANIFEST = `
- id: one
  role: FEATURE
  goal: |
    Add a farewell.
    With tests.
  workspace: { path: ../../../work, repo: https://git.example/x.git, ref: main }
  resources: { cpus: 0.5, memory: 1536m }
  network: none
  codex: { model: m, config: { features: { web: true }, list: [1, 2] } }
  escalation: { approvals: approve, rules: [{ when: { command: ls }, do: approve }], deadline: 90m, notify: [{ desktop: true }] }
  operator_contact: { name: Sam, requires_approval_for: [network] }
  restart: { policy: always, max_attempts: 2, backoff: 1.5s }
  limits: { turns: 3, wall_time: 1h30m }
  tags: ["1", "true", "yes"]
- { id: two, role: UI, depends_on: [one] }
`;

test('what is shown means the same when it is read again', async () => {
  using project = new TestProject();
  const first = (await project.loadText(MANIFEST)).loaded?.agents ?? [];
  expect(first).toHaveLength(2);
  const again = (await project.loadText(formatResolved(first))).loaded?.agents ?? [];
  const withoutSource = (agents: typeof first) => agents.map(({ source: _, ...agent }) => agent);
  expect(withoutSource(again)).toEqual(withoutSource(first));
});

test('sizes and durations are shown as people write them', async () => {
  using project = new TestProject();
  const text = formatResolved((await project.loadText(MANIFEST)).loaded?.agents ?? []);
  expect(text).toContain('memory: 1536m');
  expect(text).toContain('deadline: 1h30m');
  expect(text).toContain('backoff: 1s500ms');
  expect(text).toContain('memory: 4g');
});

test('shows no secret, and what is not secret', async () => {
  using project = new TestProject();
  project.write('configs/agents/hook.secret', 'canary-7');
  const agent = await project.agent(`
id: one
role: UI
codex:
  config:
    model_providers:
      x: { env_key: EXAMPLE_KEY, experimental_bearer_token: canary-1, http_headers: { X-Auth: canary-2 }, env_http_headers: { X-Key: EXAMPLE_HEADER } }
    mcp_servers: { y: { env: { TOKEN: canary-3 }, bearer_token_env_var: Y_TOKEN } }
    list: [{ api_key: canary-4 }]
    max_output_tokens: 100
escalation: { notify: [{ webhook: "https://hooks.example/services/canary-5", secret_file: hook.secret }] }
operator_contact: { pager_password: canary-6, name: Sam }
`);
  const text = formatResolved([agent]);
  expect(text).not.toContain('canary');
  expect(text).toContain('env_key: EXAMPLE_KEY');
  expect(text).toContain('X-Key: EXAMPLE_HEADER');
  expect(text).toContain('max_output_tokens: 100');
  expect(text).toContain('https://hooks.example/***');
  expect(text).toContain(`secret_file: ${project.path('configs/agents/hook.secret')}`);
  expect(text).toContain('name: Sam');
});

test('long texts are cut, and say so', async () => {
  using project = new TestProject();
  project.write('agents/AGENT.UI.md', Array.from({ length: 40 }, (_, line) => `line ${line}\n`).join(''));
  const text = formatResolved([await project.agent('id: one\nrole: UI\n')]);
  expect(text).toContain('line 11\n');
  expect(text).not.toContain('line 12');
  expect(text).toContain('… (28 more lines)');
});

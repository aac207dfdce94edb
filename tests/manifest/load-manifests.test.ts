import { createHash } from 'node:crypto';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { agentSpecSchema } from '../../src/contract/agent-spec.js';
import { TestProject } from './project.js';

test('fills in every default', async () => {
  using project = new TestProject();
  const agent = await project.agent('id: one\nrole: feature\n');
  expect(agentSpecSchema.parse(agent)).toEqual(agent);
  expect(agent).toEqual({
    id: 'one',
    role: 'FEATURE',
    workspace: {
      path: project.path('.filare/workspaces/one'),
      reuse_existing: true,
      is_default: true,
      sync: 'never',
      keep: 'always',
    },
    git: { name: 'one agent', email: 'one@agents.local' },
    mounts: [],
    image: 'filare-codex',
    resources: { cpus: 2, memory_bytes: 4 * 1024 ** 3, pids: 512 },
    network: 'open',
    codex: { sandbox: 'danger-full-access', config: {} },
    escalation: { approvals: 'ask', rules: [], on_deadline: 'reject', notify: [] },
    restart: {
      policy: 'on-failure',
      max_attempts: 5,
      backoff_ms: 10_000,
      backoff_max_ms: 300_000,
      reset_after_ms: 600_000,
    },
    health: { interval_ms: 15_000, timeout_ms: 20_000, failures: 3, stall_after_ms: 900_000 },
    limits: {},
    tags: [],
    depends_on: [],
    source: {
      file: project.path('configs/agents/fleet.yml'),
      line: 1,
      sha256: createHash('sha256').update('id: one\nrole: feature\n').digest('hex'),
    },
  });
});

test('reads every field', async () => {
  using project = new TestProject();
  project.write('configs/agents/a.env', 'TOKEN=x\n');
  project.write('configs/agents/key', '-----BEGIN PRIVATE KEY-----\nx\n-----END PRIVATE KEY-----\n');
  project.write('configs/agents/hosts', 'git.example ssh-ed25519 AAAA\n');
  project.write('configs/agents/hook.secret', 'whsec_c2VjcmV0\n');
  project.folder('data');
  const agent = await project.agent(`
id: one
role: my-own_role
goal: Do it
instructions: Be kind.
workspace: { path: ../../../work, repo: git@git.example:team/x.git, ref: v1.2 }
branch: feature/x
env_file: a.env
ssh_key: key
known_hosts: hosts
git: { name: Ada, email: ada@example.com }
mounts: [{ source: ../../data, target: /data/, read_only: true }, { source: ../../data, target: /home/agent/workspace/data }]
image: registry.example:5000/team/agent:1.2
startup_script: |
  npm ci
resources: { cpus: "1.5", memory: 512 MiB, pids: 300 }
network: none
codex: { model: m, effort: high, sandbox: read-only, approval_policy: on-request, config: { tools: { web_search: false }, list: [1, 2] } }
escalation:
  approvals: reject
  rules: [{ when: { command: npm test, category: package_install }, do: approve, reason: fine }]
  remind_after: 10m
  deadline: 1h30m
  on_deadline: stop
  notify: [{ desktop }, { webhook: "https://x.example/hook" }, { webhook: "http://localhost/", secret_file: hook.secret }, { command: bell }]
operator_contact: { name: Sam, phone: null }
restart: { policy: always, max_attempts: 9, backoff: 10m }
health: { interval: 30, timeout: 2.5s, failures: 1, stall_after: 1d }
limits: { turns: 5, tokens: 1000000, wall_time: 1 h 30 m }
tags: [a, 7, a]
depends_on: []
`);
  expect(agentSpecSchema.parse(agent)).toEqual(agent);
  expect(agent).toMatchObject({
    role: 'my-own_role',
    goal: 'Do it',
    instructions: 'Be kind.',
    workspace: { path: join(project.top, 'work'), repo: 'git@git.example:team/x.git', ref: 'v1.2', is_default: false },
    branch: 'feature/x',
    env_file: project.path('configs/agents/a.env'),
    ssh_key: project.path('configs/agents/key'),
    known_hosts: project.path('configs/agents/hosts'),
    git: { name: 'Ada', email: 'ada@example.com' },
    mounts: [
      { source: project.path('data'), target: '/data', read_only: true },
      { source: project.path('data'), target: '/home/agent/workspace/data', read_only: false },
    ],
    image: 'registry.example:5000/team/agent:1.2',
    startup_script: 'npm ci\n',
    resources: { cpus: 1.5, memory_bytes: 512 * 1024 ** 2, pids: 300 },
    network: 'none',
    codex: {
      model: 'm',
      effort: 'high',
      sandbox: 'read-only',
      approval_policy: 'on-request',
      config: { tools: { web_search: false }, list: [1, 2] },
    },
    escalation: {
      approvals: 'reject',
      rules: [{ when: { command: 'npm test', category: 'package_install' }, do: 'approve', reason: 'fine' }],
      remind_after_ms: 600_000,
      deadline_ms: 5_400_000,
      on_deadline: 'stop',
      notify: [
        { desktop: true },
        { webhook: 'https://x.example/hook' },
        { webhook: 'http://localhost/', secret_file: project.path('configs/agents/hook.secret') },
        { command: 'bell' },
      ],
    },
    operator_contact: { name: 'Sam', phone: null },
    restart: { policy: 'always', max_attempts: 9, backoff_ms: 600_000, backoff_max_ms: 600_000 },
    health: { interval_ms: 30_000, timeout_ms: 2_500, failures: 1, stall_after_ms: 86_400_000 },
    limits: { turns: 5, tokens: 1_000_000, wall_time_ms: 5_400_000 },
    tags: ['a', '7'],
  });
});

test('merges defaults deeply: mappings key by key, lists and the rest replaced, nothing means not given', async () => {
  using project = new TestProject();
  const { loaded } = await project.loadText(`
defaults:
  role: UI
  goal: Together
  resources: { cpus: 1, memory: 1g }
  codex: { config: { tools: { a: true, b: true }, list: [1, 2] } }
  tags: [x, y]
sessions:
  - id: one
    goal:
    resources: { memory: 2g }
    codex: { config: { tools: { b: false }, list: [3] } }
    tags: [z]
  - id: two
    role: JUDGE
`);
  const [one, two] = loaded?.agents ?? [];
  expect(one?.goal).toBeUndefined();
  expect(one?.resources).toEqual({ cpus: 1, memory_bytes: 2 * 1024 ** 3, pids: 512 });
  expect(one?.codex.config).toEqual({ tools: { a: true, b: false }, list: [3] });
  expect(one?.tags).toEqual(['z']);
  expect(two).toMatchObject({ role: 'JUDGE', goal: 'Together', tags: ['x', 'y'], source: { line: 14 } });
});

test('follows aliases and merge keys', async () => {
  using project = new TestProject();
  const { loaded } = await project.loadText(`
- &one { id: one, role: UI, resources: &small { cpus: 1, memory: 1g } }
- { <<: *one, id: two, resources: { <<: *small, cpus: 2 } }
- { <<: [{ id: three, role: JUDGE }, *one] }
`);
  expect(loaded?.agents.map(({ id, role, resources }) => [id, role, resources.cpus, resources.memory_bytes])).toEqual([
    ['one', 'UI', 1, 1024 ** 3],
    ['two', 'UI', 2, 1024 ** 3],
    ['three', 'JUDGE', 1, 1024 ** 3],
  ]);
});

test('reads JSON with tabs, a byte order mark and line ends of Windows', async () => {
  using project = new TestProject();
  project.write('configs/agents/a.json', '\ufeff{\r\n\t"id": "one",\r\n\t"role": "UI"\r\n}\r\n');
  const { loaded } = await project.load();
  expect(loaded?.agents).toMatchObject([{ id: 'one', role: 'UI', source: { line: 1 } }]);
});

test('places are right behind a byte order mark and with line ends of Windows', async () => {
  using project = new TestProject();
  const { mistakes } = await project.loadText('\ufeffid: one\r\nrole: UI\r\nimag: x\r\n');
  expect(mistakes).toMatchObject([{ line: 3, column: 1, source_line: 'imag: x' }]);
});

test('without names reads all manifests of the project, in order, each once', async () => {
  using project = new TestProject();
  project.write('configs/agents/b.yml', '{ id: b, role: UI }');
  project.write('configs/agents/a.yaml', '{ id: a, role: UI }');
  project.write('configs/agents/c.json', '{ "id": "c", "role": "UI" }');
  project.write('agents/manifest/d.yml', '{ id: d, role: UI }');
  project.write('configs/agents/.hidden.yml', 'nonsense');
  project.write('configs/agents/notes.txt', 'nonsense');
  project.write('agents/manifest/e.json', 'nonsense');
  project.link('configs/agents/again.yml', 'b.yml');
  const { loaded } = await project.load();
  expect(loaded?.agents.map(({ id }) => id)).toEqual(['a', 'b', 'c', 'd']);
  expect(loaded?.files).toHaveLength(4);
});

test('with names reads those: files, and folders of manifests', async () => {
  using project = new TestProject();
  project.write('configs/agents/a.yml', '{ id: a, role: UI }');
  project.write('more/b.yml', '{ id: b, role: UI }');
  project.write('more/c.json', '{ "id": "c", "role": "UI" }');
  const { loaded } = await project.load(['more', 'more/b.yml']);
  expect(loaded?.agents.map(({ id }) => id)).toEqual(['b', 'c']);
});

test('says where it looked and how to begin when there is no manifest', async () => {
  using project = new TestProject();
  const { error } = await project.load();
  expect(error?.code).toBe('usage');
  expect(error?.message).toContain(project.path('configs/agents/*.{yml,yaml,json}'));
  expect(error?.message).toContain(project.path('agents/manifest/*.{yml,yaml}'));
  expect(error?.hint).toContain('configs/agents/first.yml');
});

test('names that lead nowhere are told together with the mistakes of the others', async () => {
  using project = new TestProject();
  project.folder('empty');
  project.write('broken.yml', 'id: [');
  project.write('bytes.yml', Uint8Array.of(0x69, 0xff, 0xfe));
  project.write('large.yml', `# ${'x'.repeat(1024 * 1024)}`);
  project.write('good.yml', '{ id: a, role: UI }');
  const { mistakes, error } = await project.load([
    'missing.yml',
    'empty',
    'broken.yml',
    'bytes.yml',
    'large.yml',
    'good.yml',
  ]);
  expect(error?.code).toBe('invalid_manifest');
  expect(error?.message).toMatch(/^5 mistakes in 5 files; the first: /);
  expect(new Map(mistakes.map((one) => [one.file.slice(project.root.length + 1), one.message]))).toEqual(
    new Map([
      ['missing.yml', 'there is no such manifest'],
      ['empty', 'there is no manifest in this folder'],
      ['broken.yml', 'not valid YAML: this bracket is never closed'],
      ['bytes.yml', 'the manifest is not UTF-8 text'],
      ['large.yml', 'the manifest is too large (1048578 bytes; at most 1048576 are read)'],
    ]),
  );
});

test('an id declared in two files is told with both places', async () => {
  using project = new TestProject();
  const first = project.write('configs/agents/a.yml', '\n- { id: one, role: UI }\n');
  const second = project.write('configs/agents/b.yml', 'id: ONE\nrole: UI\n');
  const { mistakes } = await project.load();
  expect(mistakes).toMatchObject([{ file: second, line: 1, column: 5 }]);
  expect(mistakes[0]?.message).toBe(`the id "ONE" is taken: the agent "one" is declared in ${first}:2`);
});

test('one mistake is the message of the error; several are counted, and all in details', async () => {
  using project = new TestProject();
  const one = await project.loadText('{ id: one, role: UI, imag: x }');
  expect(one.error?.message).toBe('configs/agents/fleet.yml:1:22: unknown field "imag"');
  const two = await project.loadText('{ id: one, role: UI, imag: x, brnch: y }');
  expect(two.error?.message).toBe(
    '2 mistakes in one file; the first: configs/agents/fleet.yml:1:22: unknown field "imag"',
  );
  expect(two.mistakes).toHaveLength(2);
});

test('paths begin at the manifest; ~ and variables are replaced', async () => {
  using project = new TestProject();
  project.write('configs/agents/x.env', 'A=1\n');
  const env = { WORK: '/w', EMPTY: '', HOSTS: project.write('hosts', 'h\n') };
  const { loaded, error } = await project.loadText(
    `
- { id: a, role: UI, workspace: ~/a, env_file: "./x.env" }
- { id: b, role: UI, workspace: $WORK/b, known_hosts: "\${HOSTS}" }
- { id: c, role: UI, workspace: "\${NOTHING:-/else}/c" }
- { id: d, role: UI, workspace: "\${EMPTY:-/else}/d" }
- { id: e, role: UI, workspace: "/w/$$e" }
- { id: f, role: UI, workspace: sub/../f }
`,
    env,
  );
  expect(error).toBeUndefined();
  expect(loaded?.agents.map((agent) => agent.workspace.path)).toEqual([
    join(project.home, 'a'),
    '/w/b',
    '/else/c',
    '/else/d',
    '/w/$e',
    project.path('configs/agents/f'),
  ]);
  expect(loaded?.agents[1]?.known_hosts).toBe(env.HOSTS);
});

test('instructions are text, a file, or the role file of the project', async () => {
  using project = new TestProject();
  project.write('agents/AGENT.UI.md', 'You draw.\n');
  project.write('agents/AGENT.JUDGE.md', '  \n');
  project.write('configs/agents/own.md', 'You do it your way.\n');
  const { loaded } = await project.loadText(`
- { id: a, role: ui }
- { id: b, role: UI, instructions: own.md }
- { id: c, role: UI, instructions: { file: own.md } }
- { id: d, role: UI, instructions: "Just this." }
- { id: e, role: JUDGE }
- { id: f, role: TOOLS }
`);
  expect(loaded?.agents.map(({ instructions }) => instructions)).toEqual([
    'You draw.\n',
    'You do it your way.\n',
    'You do it your way.\n',
    'Just this.',
    undefined,
    undefined,
  ]);
});

test('depends_on is a list of ids, which have to have started, or a mapping with conditions', async () => {
  using project = new TestProject();
  const { loaded } = await project.loadText(
    '- { id: b, role: UI, depends_on: c }\n- { id: c, role: UI }\n- id: a\n  role: UI\n  depends_on: { b: { condition: idle }, c: { condition: synced } }\n',
  );
  expect(loaded?.agents.map(({ depends_on }) => depends_on)).toEqual([
    [{ id: 'c', condition: 'started' }],
    [],
    [
      { id: 'b', condition: 'idle' },
      { id: 'c', condition: 'synced' },
    ],
  ]);
});

test('reminders, deadlines, notifications, health and limits are acted on', async () => {
  using project = new TestProject();
  const { warnings, error } = await project.loadText(
    'id: a\nrole: UI\nescalation: { remind_after: 10m, deadline: 1h, on_deadline: stop, notify: [{ desktop: true }] }\n',
  );
  expect([error, warnings]).toEqual([undefined, []]);
});

test('a template may be the project itself, whose own folders seeding leaves out', async () => {
  using project = new TestProject();
  const agent = await project.agent('{ id: a, role: UI, workspace: { template: ../.. } }');
  expect(agent.workspace.template).toBe(project.root);
});

test('a workspace that a link leads into a closed place is refused', async () => {
  using project = new TestProject();
  project.link('way', '/etc');
  project.link('circle', 'circle');
  project.link('.filare/workspaces/c', '/tmp');
  const { mistakes } = await project.loadText(`
- { id: a, role: UI, workspace: ../../way/ssh }
- { id: b, role: UI, workspace: ../../circle/x }
- { id: c, role: UI }
`);
  expect(mistakes.map(({ line, message }) => [line, message.replaceAll(project.root, '')])).toEqual([
    [2, 'the workspace /way/ssh lies in /etc, a folder of the system (it leads to /etc/ssh)'],
    [3, 'the workspace /circle/x leads in a circle of symbolic links'],
    [4, 'the workspace /.filare/workspaces/c leads to /tmp through a symbolic link'],
  ]);
});

test.each(['/tmp', '/usr', '/usr/lib/x', '/bin/x', '/home', '/var/tmp/../lib', '/opt', '/root'])(
  'the folder %s of the system is no workspace',
  async (path) => {
    using project = new TestProject();
    const { mistakes } = await project.loadText(`id: a\nrole: UI\nworkspace: ${path}\n`);
    expect(mistakes).toMatchObject([{ line: 3, column: 12 }]);
  },
);

test('two names of one folder are one workspace', async () => {
  using project = new TestProject();
  project.folder('work');
  project.link('also', 'work');
  const { mistakes } = await project.loadText(
    '- { id: a, role: UI, workspace: ../../work }\n- { id: b, role: UI, workspace: ../../also/sub }\n',
  );
  expect(mistakes.map(({ message }) => message.replaceAll(project.root, ''))).toEqual([
    'the workspace /also/sub lies in that of "a" (on line 1)',
  ]);
});

test('warns when an agent could read its secrets, change its manifest, or reach another workspace', async () => {
  using project = new TestProject();
  project.write('work/x.env', 'A=1\n');
  project.write('work/hook', 'a secret\n');
  const file = project.write(
    'work/fleet.yml',
    '- { id: a, role: UI, workspace: ., env_file: x.env, escalation: { notify: [{ webhook: "http://x", secret_file: hook }] } }\n- { id: b, role: UI, mounts: [{ source: ., target: /a }] }\n',
  );
  const { warnings } = await project.load([file]);
  expect(warnings.map(({ line, column, message }) => [line, column, message])).toEqual([
    [1, 3, "this manifest lies in the agent's workspace, where the agent can change it"],
    [1, 46, "env_file lies in the agent's workspace, where the agent can read it"],
    [1, 112, "secret_file lies in the agent's workspace, where the agent can read it"],
    [2, 41, 'this mount gives "b" a way into the workspace of "a"'],
  ]);
});

test('a thousand agents load, one more is too many', async () => {
  using project = new TestProject();
  const list = (count: number): string =>
    Array.from({ length: count }, (_, n) => `- { id: a${n}, role: UI }\n`).join('');
  expect((await project.loadText(list(1000))).loaded?.agents).toHaveLength(1000);
  expect((await project.loadText(list(1001))).mistakes.map(({ message }) => message)).toEqual([
    'more than 1000 agents are declared',
  ]);
});

test('changes nothing on disk', async () => {
  using project = new TestProject();
  project.write('configs/agents/a.yml', '{ id: a, role: UI, workspace: ../../new }');
  const before = readdirSync(project.top, { recursive: true });
  expect((await project.load()).loaded?.agents).toHaveLength(1);
  expect(readdirSync(project.top, { recursive: true })).toEqual(before);
});

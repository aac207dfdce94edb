import { beforeAll, expect, test } from 'vitest';
import { loadPolicy } from '../../src/inbox/load-policy.js';
import type { Policy } from '../../src/inbox/policy.js';
import { approval, approve, ask, changes, reject, rules } from './requests.js';

let policy: Policy;
beforeAll(async () => {
  policy = await loadPolicy();
});

test.each([
  ['docs/**', ['docs/a.md'], 'approve'],
  ['docs/**', ['docs/a/b/c.md'], 'approve'],
  ['docs/**', ['docs/a.md', 'src/b.ts'], 'ask'],
  ['docs/**', ['docs/../src/b.ts'], 'ask'],
  ['docs/**', ['docs/x/../a.md'], 'ask'],
  ['docs/**', ['/home/agent/workspace/docs/a.md'], 'approve'],
  ['./docs/**', ['docs/a.md'], 'approve'],
  ['docs/*', ['docs/a/b.md'], 'ask'],
  ['**/*.md', ['README.md'], 'approve'],
  ['**/*.md', ['a/b/README.md'], 'approve'],
  ['*.md', ['a/README.md'], 'ask'],
  ['**', ['src/a.ts'], 'approve'],
  // Names that begin with a dot must be named: hooks, settings of editors and agents.
  ['**', ['.git/hooks/pre-commit'], 'ask'],
  ['**', ['a/.env'], 'ask'],
  ['.github/**', ['.github/workflows/x.yml'], 'approve'],
  ['**', ['/etc/passwd'], 'ask'],
  ['/**', ['/etc/passwd'], 'ask'],
  ['/home/agent/workspace/src/*', ['src/a.ts'], 'approve'],
  ['src/*', ['src/a\u200b.ts'], 'ask'],
  ['src/*', [], 'ask'],
  ['src/[ab].ts', ['src/a.ts'], 'ask'],
] as const)('a rule that approves %s says of a change of %j: %s', (path, files, wanted) => {
  expect(policy.judge(changes(...files), rules('ask', approve({ path }))).do).toBe(wanted);
});

test.each([
  ['src/**', ['docs/a.md', 'src/b.ts'], 'reject'],
  ['src/**', ['docs/../src/b.ts'], 'reject'],
  ['**', ['.git/config'], 'reject'],
  ['/etc/**', ['/etc/passwd'], 'reject'],
  ['src/**', ['docs/a.md'], 'approve'],
  ['src/**', [], 'ask'],
] as const)('a rule that rejects %s says of a change of %j: %s', (path, files, wanted) => {
  expect(policy.judge(changes(...files), rules('approve', reject({ path }))).do).toBe(wanted);
});

test('where a file is moved to counts, and so does a folder that is opened', () => {
  const moved = approval({
    type: 'file_change',
    grant_root: null,
    changes: [{ path: 'docs/a.md', kind: 'update', diff: '', move_path: '/etc/a.md' }],
  });
  expect(policy.judge(moved, rules('ask', approve({ path: 'docs/**' })))).toMatchObject({
    do: 'ask',
    categories: ['outside_workspace'],
  });
  expect(policy.offer(moved, rules('ask'))).toBeNull();
  const opened = approval({ type: 'file_change', grant_root: '/home/agent/workspace/docs', changes: [] });
  expect(policy.judge(opened, rules('ask', approve({ path: '**' }))).do).toBe('ask');
  expect(policy.offer(opened, rules('ask'))).toBeNull();
  const elsewhere = approval({ type: 'file_change', grant_root: '/etc', changes: [] });
  expect(policy.judge(elsewhere, rules('approve', reject({ category: 'outside_workspace' }))).do).toBe('reject');
});

test('permissions are of the kinds that they open', () => {
  const asked = (permissions: unknown) => approval({ type: 'permissions', permissions, cwd: '/home/agent/workspace' });
  const kinds = (permissions: unknown) => policy.judge(asked(permissions), rules('ask')).categories;
  expect(kinds({ network: { enabled: true } })).toEqual(['network']);
  expect(kinds({ network: { enabled: false }, fileSystem: null })).toEqual([]);
  expect(kinds({ fileSystem: { read: ['/etc'], write: null } })).toEqual(['outside_workspace']);
  expect(kinds({ fileSystem: { read: null, write: ['/home/agent/workspace/a'] } })).toEqual([]);
  expect(
    kinds({ fileSystem: { read: null, write: null, entries: [{ path: { type: 'special' }, access: 'write' }] } }),
  ).toEqual(['outside_workspace']);
  const network = rules('ask', approve({ category: 'network' }));
  expect(policy.judge(asked({ network: { enabled: true } }), network).do).toBe('approve');
  expect(policy.judge(asked({ network: { enabled: true, hosts: ['x'] } }), network).do).toBe('ask');
  expect(policy.judge(asked({ network: { enabled: true }, fileSystem: { read: ['/etc'] } }), network).do).toBe('ask');
  expect(policy.judge(asked({ devices: ['/dev/sda'] }), rules('approve', ask({ category: 'network' }))).do).toBe('ask');
});

test('a host is network, and no rule about a command approves it', () => {
  const reach = approval({ type: 'network', host: 'x.example', protocol: 'https', command: 'npm ci' });
  expect(policy.judge(reach, rules('ask', approve({ command: 'npm ci' }))).do).toBe('ask');
  expect(policy.judge(reach, rules('ask', approve({ category: 'network' })))).toMatchObject({ do: 'approve' });
  expect(policy.judge(reach, rules('approve', reject({ command: 'npm **' }))).do).toBe('reject');
});

test('a tool is known by its server, and by its name where it is said', () => {
  const of = (action: object) =>
    approval({ type: 'elicitation', server: 'github', message: 'm', schema: {}, ...action });
  const judge = (action: object, tool: string, does: 'approve' | 'reject') =>
    policy.judge(of(action), rules('ask', { when: { tool }, do: does })).do;
  expect(judge({}, 'github', 'approve')).toBe('approve');
  expect(judge({}, 'git*', 'approve')).toBe('approve');
  expect(judge({}, 'github/*', 'approve')).toBe('ask');
  expect(judge({}, 'github/delete_*', 'reject')).toBe('ask');
  expect(judge({ tool: 'delete_repo' }, 'github/delete_*', 'reject')).toBe('reject');
  expect(judge({ tool: 'get_issue' }, 'github/get_*', 'approve')).toBe('approve');
  expect(judge({ tool: 'get_issue' }, 'get_issue', 'approve')).toBe('approve');
  // To accept is to say that somebody opened it.
  expect(judge({ url: 'https://x.example' }, 'github', 'approve')).toBe('ask');
});

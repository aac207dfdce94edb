import { beforeAll, expect, test } from 'vitest';
import { ACTION_CATEGORIES, type EscalationRule } from '../../src/contract/agent-spec.js';
import { loadPolicy } from '../../src/inbox/load-policy.js';
import type { Policy, PolicyRules } from '../../src/inbox/policy.js';
import { COMPOSED_COMMANDS } from './composed-commands.js';
import { OPAQUE_COMMANDS } from './opaque-commands.js';
import { PLAIN_COMMANDS } from './plain-commands.js';
import { approval, approve, command, rules } from './requests.js';
import { UNREAD_COMMANDS } from './unread-commands.js';

let policy: Policy;
beforeAll(async () => {
  policy = await loadPolicy();
});

const verdict = (script: string, given: PolicyRules): string => policy.judge(command(script), given).do;
const EVERY_APPROVAL: EscalationRule[] = ACTION_CATEGORIES.map((category) => approve({ category }));

test.each([...COMPOSED_COMMANDS, ...OPAQUE_COMMANDS])('none approves %j', (script) => {
  const first = script.trim().split(/\s+/)[0] ?? '';
  const guess = /^[\w./-]+$/.test(first)
    ? [approve({ command: `${first} **` }), approve({ command: `${first} -** **` })]
    : [];
  expect(
    verdict(
      script,
      rules('ask', ...EVERY_APPROVAL, ...guess, approve({ command: '**' }), approve({ command: '* **' })),
    ),
  ).toBe('ask');
  expect(policy.offer(command(script), rules('ask'))).toBeNull();
});

test.each([...PLAIN_COMMANDS, ...UNREAD_COMMANDS].filter(([script]) => !script.includes('*')))(
  'the exact one approves %j',
  (script) => {
    const offer = policy.offer(command(script), rules('ask'));
    expect(offer).not.toBeNull();
    expect(verdict(script, rules('ask', approve(offer ?? {})))).toBe('approve');
    expect(verdict(`${script} x`, rules('ask', approve(offer ?? {})))).toBe('ask');
    expect(verdict(`${script}; ls`, rules('ask', approve(offer ?? {})))).toBe('ask');
  },
);

test.each([
  ['npm test', 'npm test', 'approve'],
  ['npm test', 'npm test -- --watch', 'ask'],
  ['npm test **', 'npm test', 'approve'],
  ['npm test **', 'npm test src/a.test.ts src/b.test.ts', 'approve'],
  // Nothing behind a wildcard is an option, leads out of the workspace, or starts a helper.
  ['npm test **', 'npm test -- --watch', 'ask'],
  ['npm test -** **', 'npm test -- src', 'approve'],
  ['git log **', 'git log main', 'approve'],
  ['git log **', 'git log --output=/etc/x', 'ask'],
  ['git log -* **', 'git log --oneline main', 'approve'],
  ['git log -*', 'git log --output=/etc/x', 'ask'],
  ['git log -*', 'git log --output=../x', 'ask'],
  ['git log -*', 'git log --output=x', 'approve'],
  ['cat *', 'cat README.md', 'approve'],
  ['cat *', 'cat /home/agent/workspace/README.md', 'approve'],
  ['cat *', 'cat /etc/passwd', 'ask'],
  ['cat *', "cat '~/x'", 'ask'],
  ['cat *', 'cat ../x', 'ask'],
  ['cat *', 'cat src/../../x', 'ask'],
  ['cat *', 'cat a b', 'ask'],
  ['cat *', 'cat', 'ask'],
  ['cat /etc/*', 'cat /etc/hosts', 'approve'],
  ['cat /etc/*', 'cat /etc/../root/x', 'ask'],
  ['cat /etc/hosts', 'cat /etc/hosts', 'approve'],
  ['dd **', 'dd of=/dev/sda', 'ask'],
  ['git clone *', 'git clone https://github.com/a/b', 'approve'],
  ['git clone *', 'git clone file:///etc', 'ask'],
  ['git clone *', 'git clone ext::sh', 'ask'],
  ['git fetch *', 'git fetch origin', 'approve'],
  ['gcc *', 'gcc -I/usr/include', 'ask'],
  ['gcc -I* *', 'gcc -I/usr/include x.c', 'ask'],
  ['gcc -I* *', 'gcc -Iinclude x.c', 'approve'],
  ['tar -* *', 'tar -xf a.tar', 'approve'],
  ['tar -* *', 'tar -xC/etc a.tar', 'ask'],
  ['git push origin *', 'git push origin main', 'approve'],
  ['git push origin *', 'git push origin +main', 'ask'],
  ['git push origin *', 'git push origin :main', 'ask'],
  ['git add src/*', 'git add src/a.ts', 'approve'],
  ['git add src/*', 'git add src/../../b', 'ask'],
  ['git add *.ts', 'git add a.ts', 'approve'],
  ['git add *.ts', 'git add a.js', 'ask'],
  ['git *it', 'git commit', 'approve'],
  // The program is named, by nothing else than its name.
  ['* test', 'npm test', 'ask'],
  ['**', 'npm test', 'ask'],
  ['npm*', 'npm', 'ask'],
  ['npm test', '/usr/bin/npm test', 'ask'],
  ['/usr/bin/npm test', '/usr/bin/npm test', 'approve'],
  ['git push', 'git -C x push', 'ask'],
  ['echo "a b"', "echo 'a b'", 'approve'],
  ['echo a b', "echo 'a b'", 'ask'],
  ["echo '*'", "echo '*'", 'approve'],
  ["echo '*'", 'echo x', 'ask'],
  ['echo \\*', "echo '*'", 'approve'],
  ["python3 -c 'print(1)'", "python3 -c 'print(1)'", 'approve'],
  ['python3 *', "python3 -c 'print(1)'", 'ask'],
  ['npm test', 'npm  test', 'approve'],
  ['npm test', 'npm test\n', 'ask'],
  ['npm test', 'npm test # x', 'ask'],
  ['npm test', 'npm test > x', 'ask'],
  ['npm test', 'CI=1 npm test', 'ask'],
  ['ls "', 'ls', 'ask'],
] as const)('a rule for `%s` says of `%s`: %s', (pattern, script, wanted) => {
  expect(verdict(script, rules('ask', approve({ command: pattern })))).toBe(wanted);
});

test('a category approves plain commands that are of no other kind', () => {
  const given = rules('ask', approve({ category: 'package_install' }), approve({ category: 'destructive' }));
  expect(verdict('npm ci', given)).toBe('approve');
  expect(verdict('npm ci && ls', given)).toBe('ask');
  expect(verdict('rm -rf dist', given)).toBe('approve');
  expect(verdict('rm -rf /', given)).toBe('ask');
  expect(verdict('npm unpublish x', given)).toBe('ask');
  expect(verdict('git push', given)).toBe('ask');
  const push = rules('ask', approve({ category: 'git_push' }));
  expect(verdict('git push', push)).toBe('approve');
  expect(verdict('git push --force', push)).toBe('ask');
});

test('code in arguments is approved by a rule that names the command, not by a category', () => {
  const script = 'ssh -o ProxyCommand=x h';
  expect(verdict(script, rules('ask', approve({ category: 'network' })))).toBe('ask');
  expect(verdict(script, rules('ask', approve({ command: script, category: 'network' })))).toBe('approve');
});

test('only where the command runs in the workspace', () => {
  const given = rules('ask', approve({ command: 'npm test' }), approve({ category: 'network' }));
  for (const cwd of ['/', '/etc', '', 'src', '/home/agent/workspace/..', '/home/agent/workspace2'])
    expect(policy.judge(command('npm test', cwd), given)).toMatchObject({
      do: 'ask',
      categories: ['outside_workspace'],
    });
  expect(policy.judge(command('npm test', '/home/agent/workspace/sub'), given).do).toBe('approve');
  expect(policy.judge(command('curl x', '/etc'), given).do).toBe('ask');
});

test('only where a usual shell runs it, and nothing else is asked for', () => {
  const given = rules('ask', approve({ command: 'ls' }));
  const started = (words: string): string =>
    policy.judge(approval({ type: 'command', command: words, script: 'ls', cwd: '/home/agent/workspace' }), given).do;
  expect(started('/bin/bash -lc ls')).toBe('approve');
  expect(started('ls')).toBe('approve');
  expect(started("zsh -c 'ls'")).toBe('approve');
  for (const words of [
    '/home/agent/workspace/bash -lc ls',
    './bash -lc ls',
    'bash -ilc ls',
    'bash -lc ls x',
    'bash -lc pwd',
    'ls; bash -lc ls',
  ])
    expect(started(words), words).toBe('ask');
  const { action } = command('ls');
  expect(policy.judge(approval({ ...action, additional_permissions: { network: { enabled: true } } }), given).do).toBe(
    'ask',
  );
  expect(policy.judge(approval({ ...action, stdin: true }), given).do).toBe('ask');
  expect(policy.judge(approval(action, { choices: ['decline'] }), given).do).toBe('ask');
});

import { beforeAll, describe, expect, test } from 'vitest';
import { ACTION_CATEGORIES, FROM_CONTACT, type EscalationRule } from '../../src/contract/agent-spec.js';
import { loadPolicy } from '../../src/inbox/load-policy.js';
import type { Policy, PolicyRules } from '../../src/inbox/policy.js';
import { OPAQUE_COMMANDS } from './opaque-commands.js';
import { PLAIN_COMMANDS } from './plain-commands.js';
import { approval, approve, ask, changes, command, reject, rules, standing } from './requests.js';
import { UNREAD_COMMANDS } from './unread-commands.js';

let policy: Policy;
beforeAll(async () => {
  policy = await loadPolicy();
});

const verdict = (script: string, given: PolicyRules): string => policy.judge(command(script), given).do;

describe('rules that ask or reject', () => {
  test.each(OPAQUE_COMMANDS)('no guess is made of %j', (script, categories) => {
    expect(verdict(script, rules('approve'))).toBe('approve');
    for (const category of ACTION_CATEGORIES) {
      expect(verdict(script, rules('approve', ask({ category })))).toBe('ask');
      expect(verdict(script, rules('approve', reject({ category })))).toBe(
        categories.includes(category) ? 'reject' : 'ask',
      );
    }
    expect(
      verdict(script, rules('approve', reject({ command: 'nothing like it' }), approve({ category: 'network' }))),
    ).toBe('ask');
  });

  test.each(UNREAD_COMMANDS)('what %j runs is asked about', (script) => {
    expect(verdict(script, rules('approve', ask({ category: 'git_push' })))).toBe('ask');
    expect(verdict(script, rules('approve', reject({ category: 'git_push' })))).toBe('ask');
  });

  test.each([...PLAIN_COMMANDS])('%j is of the kinds [%s] and no other', (script, categories) => {
    for (const category of ACTION_CATEGORIES) {
      const is = categories.split(' ').includes(category);
      expect(verdict(script, rules('approve', reject({ category })))).toBe(is ? 'reject' : 'approve');
      expect(verdict(script, rules('reject', ask({ category })))).toBe(is ? 'ask' : 'reject');
    }
  });

  test.each([
    ['git push **', 'git push', 'reject'],
    ['git push **', 'cd x && git push origin main', 'reject'],
    ['git push **', 'git -C x -c user.name=y push', 'reject'],
    ['git push **', '/usr/bin/git push', 'reject'],
    ['git push **', 'sudo env A=b timeout 5 git push', 'reject'],
    ['git push **', 'bash -lc \'bash -c "git push"\'', 'reject'],
    ['git push **', 'git pull', 'approve'],
    ['git push **', 'git $x', 'ask'],
    ['git push **', 'g"i"t push', 'reject'],
    ['git push **', 'echo "$(git push)"', 'reject'],
    ['git push **', 'echo git push', 'approve'],
    ['rm **', 'find . -exec rm {} +', 'reject'],
    ['rm **', 'ls | xargs rm', 'reject'],
    ['rm -rf *', 'rm -rf *', 'reject'],
    ['rm -rf /', 'rm -rf $X', 'ask'],
    ['rm -rf /', 'rm -r x', 'approve'],
    ['/bin/rm **', 'rm x', 'approve'],
    ['* --force', 'npm --force', 'reject'],
    ['npm "', 'ls', 'ask'],
  ] as const)('a rule for `%s` says of `%s`: %s', (pattern, script, wanted) => {
    expect(verdict(script, rules('approve', reject({ command: pattern })))).toBe(wanted);
  });

  test('keys must match in one and the same command', () => {
    const given = rules('approve', reject({ command: 'git **', category: 'network' }));
    expect(verdict('git status && curl x', given)).toBe('approve');
    expect(verdict('git fetch && ls', given)).toBe('reject');
  });

  test('words that are not written out may be of any kind', () => {
    expect(verdict('git "$x"', rules('approve', ask({ category: 'git_push' })))).toBe('ask');
    expect(verdict('cat "$x"', rules('approve', ask({ category: 'git_push' })))).toBe('approve');
    expect(verdict('cat "$x"', rules('approve', ask({ category: 'outside_workspace' })))).toBe('ask');
  });
});

describe('the order of rules', () => {
  const contact = ask({ category: 'network' }, FROM_CONTACT);

  test('the first that matches decides, and says so', () => {
    const given = rules(
      'ask',
      reject({ category: 'git_push' }),
      approve({ command: 'git push' }),
      approve({ command: 'npm **' }),
    );
    expect(policy.judge(command('git push'), given)).toEqual({
      do: 'reject',
      rule: 'escalation.rules[0] (git_push)',
      reason: null,
      categories: ['git_push', 'network'],
    });
    expect(policy.judge(command('npm test'), given).rule).toBe('escalation.rules[2] (npm **)');
    expect(policy.judge(command('ls'), given)).toEqual({ do: 'ask', rule: null, reason: null, categories: [] });
    expect(policy.judge(command('ls'), rules('reject')).rule).toBe('escalation.approvals: reject');
  });

  test('an answer for the session comes before a rule that asks, and after one that rejects or is demanded', () => {
    const answered = standing({ command: 'git push' });
    const judge = (...given: EscalationRule[]) =>
      policy.judge(command('git push'), { ...rules('reject', ...given), standing: [answered] });
    expect(judge(ask({ category: 'git_push' }))).toMatchObject({ do: 'approve', rule: 'rule r-1 (for this session)' });
    expect(judge(reject({ category: 'git_push' })).do).toBe('reject');
    expect(judge(contact)).toMatchObject({ do: 'ask', rule: 'operator_contact.requires_approval_for (network)' });
    expect(judge()).toMatchObject({ do: 'approve' });
    expect(judge(approve({ category: 'git_push' }), contact)).toMatchObject({ do: 'approve' });
  });

  test('rules that operator_contact makes are not counted', () => {
    const given = rules('ask', contact, approve({ command: 'ls' }));
    expect(policy.judge(command('ls'), given).rule).toBe('escalation.rules[0] (ls)');
  });

  test('the oldest answer that matches decides', () => {
    const given = {
      ...rules('ask'),
      standing: [
        standing({ command: 'npm test' }, { do: 'reject', rule_id: 'r-old', scope: 'always', reason: 'too slow' }),
        standing({ command: 'npm test' }),
      ],
    };
    expect(policy.judge(command('npm test'), given)).toMatchObject({
      do: 'reject',
      rule: 'rule r-old (always)',
      reason: 'too slow',
    });
  });

  test('what only may match is asked about, with the reason, unless it is rejected for certain', () => {
    const doubt = policy.judge(
      command('eval "$x"'),
      rules('approve', { ...reject({ category: 'network' }), reason: 'offline' }),
    );
    expect(doubt).toMatchObject({ do: 'ask', rule: 'escalation.rules[0] (network)' });
    expect(doubt.reason).toBe('offline (it may match: eval runs what is not written out)');
    const script = 'eval "$x"; rm y';
    expect(verdict(script, rules('approve', reject({ category: 'network' }), reject({ command: 'rm **' })))).toBe(
      'reject',
    );
    expect(verdict(script, rules('approve', ask({ category: 'network' }), reject({ command: 'rm **' })))).toBe('ask');
    const refused = standing({ command: 'rm **' }, { do: 'reject' });
    expect(
      policy.judge(command(script), { ...rules('approve', ask({ category: 'network' })), standing: [refused] }).do,
    ).toBe('reject');
  });

  test('without rules the manifest decides everything, also what cannot be read', () => {
    expect(verdict('eval "$x"', rules('approve'))).toBe('approve');
    expect(policy.judge(approval({ type: 'news' }), rules('approve')).do).toBe('approve');
    expect(policy.judge(approval({ type: 'news' }), rules('approve', ask({ category: 'network' }))).do).toBe('ask');
  });

  test('a question is asked', () => {
    const question = approval({ type: 'question', questions: [] }, { kind: 'question' });
    expect(policy.judge(question, rules('approve')).do).toBe('ask');
    expect(policy.offer(question, rules('ask'))).toBeNull();
  });
});

describe('what is offered', () => {
  test('the exact command, or the one file', () => {
    const offer = (request: ReturnType<typeof command>) => policy.offer(request, rules('ask'));
    expect(offer(command('npm test'))).toEqual({ command: 'npm test' });
    expect(offer(command(`git commit -m "it's done"`))).toEqual({ command: `git commit -m 'it'\\''s done'` });
    expect(offer(command("find . -name '*.ts'"))).toBeNull();
    expect(offer(command('a b c d e f g h i j k l m'))).toBeNull();
    expect(offer(command(`echo ${'x'.repeat(300)}`))).toBeNull();
    expect(offer(command('npm test', '/etc'))).toBeNull();
    expect(offer(changes('src/a.ts'))).toEqual({ path: 'src/a.ts' });
    expect(offer(changes('/home/agent/workspace/.github/x.yml'))).toEqual({ path: '.github/x.yml' });
    for (const paths of [['a', 'b'], ['/etc/x'], ['../x'], ['a*'], ['a\u202eb'], []])
      expect(offer(changes(...paths))).toBeNull();
    expect(offer(approval({ type: 'network', host: 'x', protocol: 'https', command: '' }))).toBeNull();
    expect(offer(approval({ type: 'permissions', permissions: {}, cwd: '/' }))).toBeNull();
    expect(offer(approval({ type: 'elicitation', server: 's', message: 'm', schema: {} }))).toBeNull();
  });

  test('nothing that another rule would come before', () => {
    const request = command('npm ci');
    expect(policy.offer(request, rules('ask', ask({ category: 'network' }, FROM_CONTACT)))).toBeNull();
    expect(policy.offer(request, rules('ask', reject({ command: 'npm **' })))).toBeNull();
    expect(policy.offer(request, rules('ask', ask({ category: 'network' })))).toEqual({ command: 'npm ci' });
    const before = { ...rules('ask'), standing: [standing({ command: 'npm **' }, { do: 'ask' })] };
    expect(policy.offer(request, before)).toBeNull();
  });
});

import { beforeAll, expect, test } from 'vitest';
import { loadPolicy } from '../../src/inbox/load-policy.js';
import { testPolicy } from '../../src/inbox/policy-test.js';
import type { Policy } from '../../src/inbox/policy.js';
import { approve, reject, rules } from './requests.js';
import { NO, Past, YES } from './transcripts.js';

let policy: Policy;
beforeAll(async () => {
  policy = await loadPolicy();
});

test('says of each past approval what would be decided now, and where that differs', () => {
  const { entries } = new Past()
    .asked('npm test', YES)
    .asked('npm test', NO)
    .asked('git push', YES)
    .asked('ls', YES)
    .asked('ls', { choice: 'accept', by: 'policy' })
    .asked('ls', { choice: 'decline', by: 'deadline' })
    .asked('npm test')
    .prompt('docs', { kind: 'question', method: 'x', requested_action: {} }, 'which one?', {
      choice: 'this',
      by: 'operator',
    })
    .prompt('docs', { kind: 'approval', requested_action: 'broken' }, 'broken');
  const given = rules('ask', approve({ command: 'npm test' }), reject({ category: 'git_push' }));
  const { approvals, totals } = testPolicy(entries, () => given, policy);
  expect(approvals.map(({ summary, would, was, differs }) => [summary, would, was?.choice ?? null, differs])).toEqual([
    ['npm test', 'approve', 'accept', false],
    ['npm test', 'approve', 'decline', true],
    ['git push', 'reject', 'accept', true],
    ['ls', 'ask', 'accept', false],
    ['ls', 'ask', 'accept', true],
    ['ls', 'ask', 'decline', false],
    ['npm test', 'approve', null, false],
  ]);
  expect(totals).toEqual({ approve: 3, ask: 3, reject: 1, differ: 3, undeclared: 0 });
  expect(approvals[2]).toMatchObject({
    rule: 'escalation.rules[1] (git_push)',
    categories: ['git_push', 'network'],
    id: 'docs',
  });
});

test('agents that are not declared any more are counted, and judged by nobody', () => {
  const { entries } = new Past().asked('ls', YES, 'gone');
  expect(testPolicy(entries, () => null, policy)).toEqual({
    approvals: [],
    totals: { approve: 0, ask: 0, reject: 0, differ: 0, undeclared: 1 },
  });
});

test('an answer with an outcome counts as one with a choice', () => {
  const { entries } = new Past().asked('ls', { ...YES, choice: 'yes, for this session' });
  const decision = entries[1];
  if (decision?.data !== undefined) decision.data = { ...decision.data, outcome: 'approved' };
  expect(testPolicy(entries, () => rules('reject'), policy).totals.differ).toBe(1);
});

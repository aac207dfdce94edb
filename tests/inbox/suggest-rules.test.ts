import { beforeAll, expect, test } from 'vitest';
import { parse } from 'yaml';
import { loadPolicy } from '../../src/inbox/load-policy.js';
import type { Policy } from '../../src/inbox/policy.js';
import { rulesYaml } from '../../src/inbox/rules-yaml.js';
import { suggestRules } from '../../src/inbox/suggest-rules.js';
import { NO, Past, YES } from './transcripts.js';

let policy: Policy;
beforeAll(async () => {
  policy = await loadPolicy();
});

const rulesOf = (past: Past) => suggestRules(past.entries, policy).map(({ rule }) => rule);

test('what was approved three times and never refused, and what was refused twice and never approved', () => {
  const past = new Past();
  for (const script of ['npm run build', 'npm run build', 'npm run build', 'npm run lint', 'npm run lint'])
    past.asked(script, YES);
  for (const script of ['git push', 'git push', 'npm publish']) past.asked(script, NO);
  for (const answer of [YES, YES, YES, NO]) past.asked('make deploy', answer);
  for (let time = 0; time < 3; time += 1) past.asked('npm run x && rm y', YES).asked('eval "$x"', YES);
  expect(rulesOf(past)).toEqual([
    { when: { command: 'git push' }, do: 'reject' },
    { when: { command: 'npm run build' }, do: 'approve' },
  ]);
});

test('answers of rules, deadlines and other agents justify nothing', () => {
  const past = new Past();
  for (const by of ['policy', 'deadline', 'codex', 'filare-agents', 'boss']) {
    for (let time = 0; time < 3; time += 1) past.asked(`run ${by}`, { choice: 'accept', by });
  }
  past.asked('ls', undefined, 'boss');
  expect(rulesOf(past)).toEqual([]);
});

test('a wildcard only for harmless commands, at least four alike, none refused', () => {
  const past = new Past();
  for (const file of ['a', 'b', 'c', 'd']) past.asked(`git add ${file}`, YES).asked(`./deploy ${file}`, YES);
  expect(rulesOf(past)).toEqual([{ when: { command: 'git add **' }, do: 'approve' }]);
  const [wide] = suggestRules(past.entries, policy);
  expect(wide?.evidence).toMatchObject({
    approved: 4,
    refused: 0,
    agents: ['docs'],
    covers: ['git add a', 'git add b', 'git add c', 'git add d'],
  });
  past.asked('git add .env', NO);
  expect(rulesOf(past)).toEqual([]);
  const fewer = new Past();
  for (const file of ['a', 'b', 'c']) fewer.asked(`git add ${file}`, YES);
  // An option is behind no wildcard, and does not count.
  expect(rulesOf(fewer.asked('git add -A', YES))).toEqual([]);
});

test('only of one agent', () => {
  const past = new Past();
  for (const agent of ['docs', 'docs', 'docs', 'api']) past.asked('make', YES, agent);
  expect(suggestRules(past.entries, policy, 'api')).toEqual([]);
  expect(suggestRules(past.entries, policy, 'docs')).toHaveLength(1);
});

test('the text is a manifest to read: rules with what justifies them', () => {
  const past = new Past();
  for (let time = 0; time < 3; time += 1) past.asked(`git commit -m "it's: #1"`, YES);
  for (const file of ['a', 'b', 'c', 'd', 'e', 'f', 'g']) past.asked(`git add ${file}`, YES);
  const text = rulesYaml(suggestRules(past.entries, policy));
  expect(text).toContain('# approved 7 times, never refused; asked by docs; 2026-07-01\n');
  expect(text).toContain('#   git add f\n');
  expect(text).toContain('#   and 1 more\n');
  expect(parse(text)).toEqual({
    escalation: {
      rules: [
        { when: { command: 'git add **' }, do: 'approve' },
        { when: { command: `git commit -m 'it'\\''s: #1'` }, do: 'approve' },
      ],
    },
  });
});

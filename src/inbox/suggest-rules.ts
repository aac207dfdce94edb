import type { EscalationRule, RuleCondition } from '../contract/agent-spec.js';
import { parseCommandPattern } from '../contract/command-pattern.js';
import type { TranscriptEntry } from '../contract/transcript.js';
import { conditionWords } from './judge.js';
import { pastApprovals, type PastApproval } from './past-prompts.js';
import type { Policy, PolicyRules } from './policy.js';

/** A rule that past answers justify. */
export interface Suggestion {
  readonly rule: EscalationRule;
  readonly evidence: {
    readonly approved: number;
    readonly refused: number;
    /** Agents that asked, sorted. */
    readonly agents: readonly string[];
    readonly first: string;
    readonly last: string;
    /** What was answered, where the rule is wider than one command; else empty. */
    readonly covers: readonly string[];
  };
}

const MIN_APPROVED = 3;
const MIN_REFUSED = 2;
const MIN_ALIKE = 4;
const NO_RULES: PolicyRules = { escalation: { approvals: 'ask', rules: [] }, standing: [] };
/** Who decides without being a person. */
const NOBODY: ReadonlySet<string> = new Set(['policy', 'deadline', 'codex', 'filare-agents']);

/** Commands whose further words are names of what they look at, mark or check; only these are ever suggested with a wildcard. */
const HARMLESS: ReadonlySet<string> = new Set([
  'git add',
  'git diff',
  'git log',
  'git show',
  'git blame',
  'npm test',
  'pnpm test',
  'yarn test',
  'cargo test',
  'cargo check',
  'go test',
  'go vet',
  'ls',
  'wc',
  'mkdir',
  'pytest',
  'eslint',
  'ruff check',
  'mypy',
]);

/** What was answered to one and the same thing. */
interface Answers {
  readonly when: RuleCondition;
  readonly approved: readonly PastApproval[];
  readonly refused: readonly PastApproval[];
}

/**
 * The rules that answers of people justify: exact ones, approved at least 3 times and never refused, or refused at least twice and never approved; and for
 * a few harmless commands one with a wildcard, where at least 4 different ones were approved and none refused. Answers of agents count for nothing. `only_agent`: from what that
 * agent asked.
 */
export function suggestRules(entries: Iterable<TranscriptEntry>, policy: Policy, only_agent?: string): Suggestion[] {
  const past = pastApprovals(entries);
  // Found among all, for an agent that answers may ask nothing itself of the one that is looked at.
  const agents = new Set(past.map((one) => one.id));
  const asked = past.filter((one) => only_agent === undefined || one.id === only_agent);
  const all = answersOf(asked, agents, policy);
  const wide = wideRules(all, policy);
  const exact = all.flatMap((one): Suggestion[] => {
    if (one.refused.length >= MIN_REFUSED && one.approved.length === 0) return [suggestion([one], one.when, 'reject')];
    if (one.approved.length < MIN_APPROVED || one.refused.length > 0) return [];
    return wide.some(({ covered }) => covered.includes(one)) ? [] : [suggestion([one], one.when, 'approve')];
  });
  const grouped = wide.map(({ when, covered }) => suggestion(covered, when, 'approve'));
  // Those that reject first: the first rule that matches decides.
  const order = (one: Suggestion): string => `${one.rule.do === 'reject' ? 0 : 1}${conditionWords(one.rule.when)}`;
  return [...exact, ...grouped].sort((a, b) => (order(a) < order(b) ? -1 : 1));
}

function answersOf(past: readonly PastApproval[], agents: ReadonlySet<string>, policy: Policy): Answers[] {
  const found = new Map<string, { when: RuleCondition; approved: PastApproval[]; refused: PastApproval[] }>();
  for (const one of past) {
    const { decision } = one;
    if (decision?.effect == null || NOBODY.has(decision.by) || agents.has(decision.by)) continue;
    const when = policy.offer(one.request, NO_RULES);
    if (when === null) continue;
    const key = JSON.stringify(when);
    const answers = found.get(key) ?? { when, approved: [], refused: [] };
    found.set(key, answers);
    (decision.effect === 'approve' ? answers.approved : answers.refused).push(one);
  }
  return [...found.values()];
}

interface WideRule {
  readonly when: RuleCondition;
  readonly covered: readonly Answers[];
}

function wideRules(all: readonly Answers[], policy: Policy): WideRule[] {
  const beginnings = new Set(all.flatMap(({ when }) => beginningsOf(when.command ?? '')));
  return [...beginnings].flatMap((beginning): WideRule[] => {
    const when = { command: `${beginning} **` };
    const rules: PolicyRules = { escalation: { approvals: 'ask', rules: [{ when, do: 'approve' }] }, standing: [] };
    const covered = all.filter(({ approved, refused }) => {
      const [any] = [...approved, ...refused];
      return any !== undefined && policy.judge(any.request, rules).do === 'approve';
    });
    if (covered.length < MIN_ALIKE || covered.some(({ refused }) => refused.length > 0)) return [];
    return [{ when, covered }];
  });
}

/** The harmless commands that a command may be one of: its first word, or its first two. */
function beginningsOf(command: string): string[] {
  const pattern = parseCommandPattern(command);
  const words = 'problem' in pattern ? [] : pattern.words.map(([word]) => word);
  return [words.slice(0, 1).join(' '), words.slice(0, 2).join(' ')].filter((words) => HARMLESS.has(words));
}

function suggestion(answers: readonly Answers[], when: RuleCondition, does: 'approve' | 'reject'): Suggestion {
  const approved = answers.flatMap((one) => one.approved);
  const refused = answers.flatMap((one) => one.refused);
  const times = [...approved, ...refused].map((one) => one.timestamp).sort();
  return {
    rule: { when, do: does },
    evidence: {
      approved: approved.length,
      refused: refused.length,
      agents: [...new Set([...approved, ...refused].map((one) => one.id))].sort(),
      first: times[0] ?? '',
      last: times.at(-1) ?? '',
      covers: answers.length > 1 ? answers.map((one) => conditionWords(one.when)) : [],
    },
  };
}

import type { AgentRequest } from '../contract/agent-event.js';
import { FROM_CONTACT, type EscalationRule, type RuleCondition } from '../contract/agent-spec.js';
import type { StandingRule } from '../contract/session.js';
import { approves, concerns } from './match-rule.js';
import type { Match } from './match-words.js';
import type { PolicyRules, Verdict } from './policy.js';
import { categoriesOf, type Subject } from './subject.js';

/** A rule with the name it has in a verdict. */
interface Named {
  readonly name: string;
  readonly rule: Pick<EscalationRule, 'when' | 'do'> & { readonly reason?: string | null | undefined };
}

/** Judges an approval that asks for `subject`, in the order that policy.ts names. */
export function judgeSubject(request: AgentRequest, subject: Subject, rules: PolicyRules): Verdict {
  const categories = categoriesOf(subject);
  const said = decide(subject, rules);
  const verdict = { ...said, categories };
  if (verdict.do !== 'approve' || request.choices.includes('accept')) return verdict;
  return { ...verdict, do: 'ask', reason: 'it cannot be accepted, only refused' };
}

function decide(subject: Subject, rules: PolicyRules): Omit<Verdict, 'categories'> {
  const manifest = firstMatch(namedRules(rules.escalation.rules), subject);
  if (manifest !== null && manifest.match === 'yes' && (manifest.rule.do === 'reject' || isDemanded(manifest.rule)))
    return said(manifest, subject);
  const standing = firstMatch(rules.standing.map(namedStanding), subject);
  // What only may match is asked about, unless something refuses it for certain.
  if (manifest?.match === 'maybe')
    return standing?.match === 'yes' && standing.rule.do === 'reject'
      ? said(standing, subject)
      : said(manifest, subject);
  const first = standing ?? manifest;
  if (first !== null) return said(first, subject);
  const { approvals } = rules.escalation;
  return { do: approvals, rule: approvals === 'ask' ? null : `escalation.approvals: ${approvals}`, reason: null };
}

type Matched = Named & { readonly match: Exclude<Match, 'no'> };

/** The first rule that matches. One that only may match holds up all that follow, except, where it would reject, another that rejects for certain. */
function firstMatch(rules: readonly Named[], subject: Subject): Matched | null {
  let doubt: Matched | null = null;
  for (const named of rules) {
    const match = matchOf(named.rule, subject);
    if (match === 'no') continue;
    if (doubt !== null) {
      if (match === 'yes' && named.rule.do === 'reject') return { ...named, match };
      continue;
    }
    if (match === 'yes' || named.rule.do !== 'reject') return { ...named, match };
    doubt = { ...named, match };
  }
  return doubt;
}

function matchOf(rule: Named['rule'], subject: Subject): Match {
  if (rule.do === 'approve') return approves(rule.when, subject) ? 'yes' : 'no';
  return concerns(rule.when, subject);
}

function said({ name, rule, match }: Matched, subject: Subject): Omit<Verdict, 'categories'> {
  if (match === 'yes') return { do: rule.do, rule: name, reason: rule.reason ?? null };
  const why = whyUncertain(subject);
  return {
    do: 'ask',
    rule: name,
    reason: rule.reason == null ? `it may match: ${why}` : `${rule.reason} (it may match: ${why})`,
  };
}

function whyUncertain(subject: Subject): string {
  const reading = subject.type === 'command' || subject.type === 'network' ? subject.reading : null;
  return reading?.opaque ?? reading?.unread ?? 'not all of it is written out';
}

function isDemanded(rule: Named['rule']): boolean {
  return rule.do === 'ask' && rule.reason === FROM_CONTACT;
}

/** The rules of a manifest, numbered from 0 as its mistakes are, those that `operator_contact` makes not counted: they are not written as rules. */
function namedRules(rules: readonly EscalationRule[]): Named[] {
  let index = 0;
  return rules.map((rule): Named => {
    const words = conditionWords(rule.when);
    if (isDemanded(rule)) return { rule, name: `${FROM_CONTACT} (${words})` };
    const name = `escalation.rules[${index}] (${words})`;
    index += 1;
    return { rule, name };
  });
}

function namedStanding(rule: StandingRule): Named {
  return { rule, name: `rule ${rule.rule_id} (${rule.scope === 'session' ? 'for this session' : 'always'})` };
}

/** What a rule is for, in words: `git_push`, `git push *`, `path docs/**`. */
export function conditionWords(when: RuleCondition): string {
  return [
    when.command,
    when.category,
    when.path === undefined ? undefined : `path ${when.path}`,
    when.tool === undefined ? undefined : `tool ${when.tool}`,
  ]
    .filter((part) => part !== undefined)
    .join(', ');
}

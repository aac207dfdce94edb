import type { AgentRequest } from '../contract/agent-event.js';
import type { RuleCondition } from '../contract/agent-spec.js';
import { patternOfWords } from '../contract/command-pattern.js';
import type { StandingRule } from '../contract/session.js';
import { judgeSubject } from './judge.js';
import { approves } from './match-rule.js';
import type { PolicyRules } from './policy.js';
import type { Subject } from './subject.js';

const MAX_WORDS = 12;
const MAX_CHARS = 300;

/** The narrowest rule that would approve this, or null where none could, or another rule would come before it. */
export function offerFor(request: AgentRequest, subject: Subject, rules: PolicyRules): RuleCondition | null {
  const when = narrowest(subject);
  if (when === null || !approves(when, subject)) return null;
  const added: PolicyRules = { ...rules, standing: [...rules.standing, asRule(when)] };
  const verdict = judgeSubject(request, subject, added);
  return verdict.do === 'approve' ? when : null;
}

function narrowest(subject: Subject): RuleCondition | null {
  if (subject.type === 'command') return ofCommand(subject.reading.plain);
  if (subject.type !== 'file_change') return null;
  const [only] = subject.changes;
  if (only?.path == null || subject.changes.length > 1 || only.path.includes('*') || only.path.length > MAX_CHARS)
    return null;
  return { path: only.path };
}

function ofCommand(plain: readonly string[] | null): RuleCondition | null {
  if (plain === null || plain.length > MAX_WORDS) return null;
  const command = patternOfWords(plain);
  return command === null || command.length > MAX_CHARS ? null : { command };
}

/** Only to try it out: neither its id nor its origin decides anything. */
function asRule(when: RuleCondition): StandingRule {
  return {
    rule_id: 'offer',
    id: '',
    scope: 'session',
    when,
    do: 'approve',
    reason: null,
    by: '',
    prompt_id: null,
    created_at: '',
  };
}

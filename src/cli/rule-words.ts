import type { RuleCondition } from '../contract/agent-spec.js';
import type { StandingRule } from '../contract/session.js';
import { showHidden } from '../transcript/sanitize.js';

/** How long a rule holds, in words. */
export const SCOPE_WORDS: Readonly<Record<StandingRule['scope'], string>> = {
  session: 'in this session',
  always: 'always',
};

/** What a rule is for: "command is `npm test`". Nothing in it is hidden: a person says yes to it. */
export function conditionWords(when: RuleCondition): string {
  const parts = (['command', 'category', 'path', 'tool'] as const).flatMap((name) => {
    const value = when[name];
    return value === undefined ? [] : [`${name} is \`${showHidden(value)}\``];
  });
  return parts.length === 0 ? 'anything' : parts.join(' and ');
}

/** A rule as a sentence: "when command is `npm test` → approve, for docs, in this session". */
export function ruleWords(rule: Pick<StandingRule, 'when' | 'do' | 'id' | 'scope'>): string {
  return `when ${conditionWords(rule.when)} → ${rule.do}, for ${rule.id}, ${SCOPE_WORDS[rule.scope]}`;
}

import { ACTION_CATEGORIES, FROM_CONTACT, type ActionCategory, type AgentSpec } from '../contract/agent-spec.js';
import type { AgentDraft } from './agent-draft.js';
import { plain, valueAt } from './located.js';
import { resolveNotify } from './resolve-notify.js';

type Escalation = AgentSpec['escalation'];

const ORCHESTRATOR_CATEGORIES: Readonly<Record<string, ActionCategory>> = {
  network: 'network',
  destructive_cmds: 'destructive',
  destructive_commands: 'destructive',
};

/** When and how a person is asked; what `operator_contact.requires_approval_for` demands comes before all rules, so that none undoes it. */
export function resolveEscalation(draft: AgentDraft): Escalation {
  const given = draft.fields.escalation ?? {};
  return {
    approvals: given.approvals ?? 'ask',
    rules: [...requiredApprovals(draft), ...(given.rules ?? [])],
    ...(given.remind_after === undefined ? {} : { remind_after_ms: given.remind_after }),
    ...(given.deadline === undefined ? {} : { deadline_ms: given.deadline }),
    on_deadline: given.on_deadline ?? 'reject',
    notify: resolveNotify(draft),
  };
}

function requiredApprovals(draft: AgentDraft): Escalation['rules'] {
  const path = ['operator_contact', 'requires_approval_for'];
  const found = valueAt(draft.tree, path);
  if (found === undefined || draft.fields.operator_contact === undefined) return [];
  const items = found.kind === 'list' ? found.items : [found];
  const categories = items.flatMap((item) => {
    const word = plain(item);
    const category = typeof word === 'string' ? categoryOf(word) : undefined;
    if (category !== undefined) return [category];
    draft.findings.warning(item.place, {
      message: `operator_contact.requires_approval_for: ${typeof word === 'string' ? `"${word}"` : 'this'} is no category, and makes no rule`,
      expected: ['network', 'destructive_cmds', ...ACTION_CATEGORIES.slice(1)].join(', '),
    });
    return [];
  });
  return [...new Set(categories)].map((category) => ({
    when: { category },
    do: 'ask' as const,
    reason: FROM_CONTACT,
  }));
}

function categoryOf(word: string): ActionCategory | undefined {
  return (
    ACTION_CATEGORIES.find((category) => category === word) ??
    (Object.hasOwn(ORCHESTRATOR_CATEGORIES, word) ? ORCHESTRATOR_CATEGORIES[word] : undefined)
  );
}

import type { AgentRequest } from '../../src/contract/agent-event.js';
import type { EscalationRule, RuleCondition } from '../../src/contract/agent-spec.js';
import type { StandingRule } from '../../src/contract/session.js';
import type { PolicyRules } from '../../src/inbox/policy.js';

export const WORKSPACE = '/home/agent/workspace';

/** An approval as Codex asks for it. */
export function approval(action: AgentRequest['action'], given: Partial<AgentRequest> = {}): AgentRequest {
  return {
    request_id: 1,
    method: 'item/commandExecution/requestApproval',
    kind: 'approval',
    reason: null,
    summary: 'something',
    action,
    choices: ['accept', 'decline', 'cancel'],
    turn_id: 'turn-1',
    item_id: 'item-1',
    ...given,
  };
}

/** A request to run a script, which Codex starts with a shell. */
export function command(script: string, cwd = WORKSPACE): AgentRequest {
  return approval({ type: 'command', command: `/bin/bash -lc '${script.replaceAll("'", "'\\''")}'`, script, cwd });
}

/** A request to change files. */
export function changes(...paths: string[]): AgentRequest {
  return approval({
    type: 'file_change',
    item_id: 'item-1',
    grant_root: null,
    changes: paths.map((path) => ({ path, kind: 'update', diff: '' })),
  });
}

/** Rules of a manifest: what no rule matches, and the rules. */
export function rules(approvals: 'ask' | 'approve' | 'reject', ...given: EscalationRule[]): PolicyRules {
  return { escalation: { approvals, rules: given }, standing: [] };
}

export const approve = (when: RuleCondition): EscalationRule => ({ when, do: 'approve' });
export const ask = (when: RuleCondition, reason?: string): EscalationRule =>
  reason === undefined ? { when, do: 'ask' } : { when, do: 'ask', reason };
export const reject = (when: RuleCondition): EscalationRule => ({ when, do: 'reject' });

/** A rule that an answer made. */
export function standing(when: RuleCondition, given: Partial<StandingRule> = {}): StandingRule {
  return {
    rule_id: 'r-1',
    id: 'api',
    scope: 'session',
    when,
    do: 'approve',
    reason: null,
    by: 'operator',
    prompt_id: 'p-1',
    created_at: '2026-08-02T10:00:00.000Z',
    ...given,
  };
}

import { unreachable } from '../contract/errors.js';
import type { Policy } from './next.js';

/**
 * The manifest's default for approvals. Rules are not judged yet: where a manifest has any, nothing is approved by itself.
 * What nobody can decide (a request this version does not know) is refused at once, so that no agent waits for ever.
 */
export const policyOf: Policy = (open, state) => {
  const { approvals, rules } = state.agent.escalation;
  const { kind } = open.request;
  switch (kind) {
    case 'tool':
    case 'other':
      return {
        choice: 'unsupported',
        rule: 'not supported by this version',
        reason: `filare-agents cannot serve ${open.request.method}`,
      };
    case 'question':
      return null;
    case 'approval':
      if (approvals === 'approve' && rules.length === 0)
        return { choice: 'accept', rule: 'escalation.approvals: approve', reason: null };
      if (approvals === 'reject')
        return {
          choice: 'decline',
          rule: 'escalation.approvals: reject',
          reason: 'the manifest rejects every approval',
        };
      return null;
    default:
      return unreachable(kind);
  }
};

import type { AgentRequest } from '../contract/agent-event.js';
import type { Policy, PolicyRules, Verdict } from '../inbox/policy.js';
import { IN_CONTAINER } from './container-request.js';
import { checkCommandCall } from './project-commands.js';
import type { SessionState } from './state.js';

/**
 * What the policy says of a call of a command of the project: it is approved, as the catalogue declares it safe, unless a rule for its command line or
 * for the tool asks or rejects. `escalation.approvals` is for what no catalogue knows, and does not count here.
 */
export function commandVerdict(state: SessionState, request: AgentRequest, policy: Policy): Verdict {
  const rules: PolicyRules = {
    escalation: { rules: state.agent.escalation.rules, approvals: 'approve' },
    standing: state.rules,
  };
  const call = checkCommandCall(state.agent, request.action['arguments']);
  const asked = { ...request, kind: 'approval', choices: ['accept', 'decline'] } as const;
  const tool = policy.judge(
    { ...asked, action: { ...request.action, type: 'elicitation', server: 'filare-agents' } },
    rules,
  );
  // A call that is wrong is answered with what is wrong.
  if (tool.do !== 'approve' || typeof call === 'string') return tool;
  const { shown } = call.line;
  return policy.judge(
    { ...asked, action: { type: 'command', command: shown, script: shown, cwd: IN_CONTAINER.workspace } },
    rules,
  );
}

/** What the agent is told of a command that a rule keeps from running unasked. */
export function heldBack(verdict: Verdict): string {
  const rule = verdict.rule === null ? 'a rule' : `the rule ${verdict.rule}`;
  const why = verdict.reason === null ? '' : `: ${verdict.reason}`;
  return verdict.do === 'reject'
    ? `${rule} rejects this command${why}`
    : `${rule} keeps this command for the operator to decide${why}. Run it as an ordinary command; the operator is then asked.`;
}

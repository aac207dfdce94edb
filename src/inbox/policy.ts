/**
 * The inbox room: what is decided without a person, what a person is shown, and how a person is told.
 *
 * Contract:
 * - a verdict is a pure function of the request, the agent's policy and the rules that answers made: the same ones give the same verdict, live and after
 *   a crash;
 * - a rule approves only what is provably one plain command with plain arguments, or changes of files that are all inside what it names; what cannot be
 *   parsed, or hides what it runs, is approved by no rule, and is asked about as soon as any rule could have wanted that;
 * - nothing is approved because time ran out, and nothing an agent says is obeyed: its words are compared, never executed, never a pattern;
 * - a notifier that fails holds up nobody (notify/).
 *
 * Order: the first rule of the manifest that matches decides, if it rejects, or stands there because `operator_contact.requires_approval_for` demands it;
 * else the first standing rule that matches; else that rule of the manifest; else `approvals`.
 */
import type { AgentRequest } from '../contract/agent-event.js';
import type { ActionCategory, AgentSpec, RuleCondition } from '../contract/agent-spec.js';
import type { StandingRule } from '../contract/session.js';

/** What decides about the requests of an agent. */
export interface PolicyRules {
  readonly escalation: Pick<AgentSpec['escalation'], 'approvals' | 'rules'>;
  /** Rules that answers made, oldest first. */
  readonly standing: readonly StandingRule[];
}

/** What the policy says of a request. */
export interface Verdict {
  readonly do: 'ask' | 'approve' | 'reject';
  /** The rule that said so, in words: `escalation.rules[2] (network)`, `rule r-1a2b (for this session)`, `escalation.approvals: approve`; null where nothing said anything. */
  readonly rule: string | null;
  readonly reason: string | null;
  /** What kind of action it is, as far as parsing can tell; sorted, without repeats. */
  readonly categories: readonly ActionCategory[];
}

/** Judges requests. Synchronous and pure. */
export interface Policy {
  /** The verdict on a request of kind `approval`; a question, and a request nobody knows, is always `ask` here. */
  judge(request: AgentRequest, rules: PolicyRules): Verdict;
  /** The rule that "for this session" or "always" would write for this request; null where none could be made that matches it and is no wider than "commands like this". */
  offer(request: AgentRequest, rules: PolicyRules): RuleCondition | null;
}

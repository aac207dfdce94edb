import type { ActionCategory } from '../contract/agent-spec.js';
import type { TranscriptEntry } from '../contract/transcript.js';
import { pastApprovals, type PastApproval } from './past-prompts.js';
import type { Policy, PolicyRules, Verdict } from './policy.js';

/** What the policy would say now of an approval that was asked for in the past. */
export interface TestedApproval {
  readonly prompt_id: string;
  readonly session_id: string;
  readonly id: string;
  readonly timestamp: string;
  readonly summary: string;
  readonly would: Verdict['do'];
  readonly rule: string | null;
  readonly reason: string | null;
  readonly categories: readonly ActionCategory[];
  /** What was decided, and by whom; null where nothing was. */
  readonly was: { readonly choice: string; readonly by: string } | null;
  /** It would end otherwise: decided the other way, or asked about where a rule decided it. Where a person was asked and would be again, nothing differs. */
  readonly differs: boolean;
}

/** What the policy would say of the past. */
export interface PolicyTest {
  readonly approvals: readonly TestedApproval[];
  readonly totals: {
    readonly approve: number;
    readonly ask: number;
    readonly reject: number;
    readonly differ: number;
    /** Of agents that no manifest declares any more; they are not among the approvals. */
    readonly undeclared: number;
  };
}

/** Judges every approval in these transcripts by the rules of its agent, without the rules that answers made; `rulesOf` gives null for an agent that is not declared. */
export function testPolicy(
  entries: Iterable<TranscriptEntry>,
  rulesOf: (agent_id: string) => PolicyRules | null,
  policy: Policy,
): PolicyTest {
  const approvals: TestedApproval[] = [];
  let undeclared = 0;
  for (const past of pastApprovals(entries)) {
    const rules = rulesOf(past.id);
    if (rules === null) undeclared += 1;
    else approvals.push(tested(past, policy.judge(past.request, rules)));
  }
  const count = (would: Verdict['do']): number => approvals.filter((one) => one.would === would).length;
  return {
    approvals,
    totals: {
      approve: count('approve'),
      ask: count('ask'),
      reject: count('reject'),
      differ: approvals.filter((one) => one.differs).length,
      undeclared,
    },
  };
}

function tested(past: PastApproval, verdict: Verdict): TestedApproval {
  const { decision } = past;
  return {
    prompt_id: past.prompt_id,
    session_id: past.session_id,
    id: past.id,
    timestamp: past.timestamp,
    summary: past.request.summary,
    would: verdict.do,
    rule: verdict.rule,
    reason: verdict.reason,
    categories: verdict.categories,
    was: decision === null ? null : { choice: decision.choice, by: decision.by },
    differs: differs(past, verdict),
  };
}

function differs({ decision }: PastApproval, verdict: Verdict): boolean {
  if (decision?.effect == null) return false;
  return verdict.do === 'ask' ? decision.by === 'policy' : verdict.do !== decision.effect;
}

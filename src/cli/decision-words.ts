import { FilareError } from '../contract/errors.js';
import { promptDecisionSchema, type PromptDecision } from '../contract/session.js';
import { showHidden } from '../transcript/sanitize.js';

/** How a prompt ended and by whom, in words: `approved by judge: "tests are green"`. */
export function decisionWords(decision: PromptDecision): string {
  const { outcome, by, choice, reason, rule } = decision;
  const answer = outcome === 'answered' && choice !== null ? ` ${JSON.stringify(showHidden(choice))}` : '';
  const why = reason === null ? '' : `: ${JSON.stringify(showHidden(reason))}`;
  return `${OUTCOME_WORDS[outcome]}${answer} by ${by}${rule === null ? '' : ` (${rule})`}${why}`;
}

const OUTCOME_WORDS: Readonly<Record<PromptDecision['outcome'], string>> = {
  approved: 'approved',
  rejected: 'rejected',
  cancelled: 'cancelled, with its turn,',
  answered: 'answered',
  timed_out: 'closed when its deadline passed,',
  withdrawn: 'taken back',
  expired: 'closed with its attempt,',
  superseded: 'replaced by something newer,',
};

/** The decision that stands, in the failure of one that came too late; undefined where the failure tells none. */
export function standingDecision(failure: FilareError): PromptDecision | undefined {
  const { details } = failure;
  if (typeof details !== 'object' || details === null || !('decision' in details)) return undefined;
  return promptDecisionSchema.safeParse(details.decision).data;
}

/** The failure of a decision, told so that a person sees what stands instead and who decided it; another failure as it is. */
export function decisionFailure(failure: FilareError, prompt_id: string): FilareError {
  if (failure.code !== 'conflict' && failure.code !== 'ended') return failure;
  const { code, details } = failure;
  const stands = standingDecision(failure);
  return stands === undefined
    ? new FilareError({
        code,
        message: failure.message,
        hint: failure.hint ?? `look again, then decide: filare-agents feedback show ${prompt_id}`,
        details,
        cause: failure,
      })
    : closedFailure(prompt_id, stands, details);
}

/** The failure of deciding a prompt that is closed. */
export function closedFailure(
  prompt_id: string,
  decision: PromptDecision,
  details: unknown = { prompt_id, decision },
): FilareError {
  return new FilareError({
    code: decision.outcome === 'expired' ? 'ended' : 'conflict',
    message: `${prompt_id} is closed: ${decisionWords(decision)}, at ${decision.at}`,
    hint: `filare-agents feedback show ${prompt_id}`,
    details,
  });
}

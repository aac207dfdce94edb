/**
 * The inbox of the fake daemon: prompts, their decisions, standing rules, pauses. As faithful as the contract is exact: the first decision stands, another
 * revision is a conflict, what has ended is `ended`, and a rule is written only as it was offered.
 */
import { isDeepStrictEqual } from 'node:util';
import { FilareError } from '../../src/contract/errors.js';
import type { Prompt, PromptDecision, PromptOutcome, PromptRecord, StandingRule } from '../../src/contract/session.js';
import { promptOf } from './samples.js';

/** The body of a decision. */
export interface FakeDecision {
  readonly choice: string;
  readonly reason?: string;
  readonly by?: string;
  readonly revision?: string;
  readonly remember?: { readonly scope: 'session' | 'always'; readonly when: StandingRule['when'] };
}

/** See the top of this file. */
export class FakeInbox {
  readonly records = new Map<string, PromptRecord>();
  readonly rules = new Map<string, StandingRule>();
  readonly #tell: (event: 'prompt' | 'prompt_closed', data: unknown) => void;
  #serial = 0;

  constructor(tell: (event: 'prompt' | 'prompt_closed', data: unknown) => void) {
    this.#tell = tell;
  }

  /** Opens a prompt, or changes an open one, and tells those who watch. */
  put(patch: Partial<Prompt> & { readonly prompt_id: string }): Prompt {
    const prompt = promptOf(patch);
    this.records.set(prompt.prompt_id, { ...prompt, decision: null });
    this.#tell('prompt', prompt);
    return prompt;
  }

  /** Closes a prompt, as somebody else or Codex does. */
  close(prompt_id: string, decision: Partial<PromptDecision> & { readonly outcome: PromptOutcome }): PromptRecord {
    const record = this.show(prompt_id);
    const closed: PromptRecord = {
      ...record,
      decision: { choice: null, by: 'codex', reason: null, rule: null, at: new Date().toISOString(), ...decision },
    };
    this.records.set(prompt_id, closed);
    this.#tell('prompt_closed', { prompt_id });
    return closed;
  }

  open(): Prompt[] {
    return [...this.records.values()]
      .filter((record) => record.decision === null)
      .sort((a, b) => a.created_at.localeCompare(b.created_at))
      .map(({ decision: _, ...prompt }) => prompt);
  }

  show(prompt_id: string): PromptRecord {
    const record = this.records.get(prompt_id);
    if (record === undefined) throw new FilareError({ code: 'not_found', message: `no prompt is called ${prompt_id}` });
    return record;
  }

  decide(prompt_id: string, decision: FakeDecision): PromptRecord {
    const record = this.show(prompt_id);
    const { choice, by = 'operator', reason = null, remember } = decision;
    if (record.decision !== null) {
      throw new FilareError({
        code: record.decision.outcome === 'expired' ? 'ended' : 'conflict',
        message: `prompt ${prompt_id} is closed: ${record.decision.outcome}`,
        details: { decision: record.decision },
      });
    }
    if (decision.revision !== undefined && decision.revision !== record.revision) {
      throw new FilareError({
        code: 'conflict',
        message: `prompt ${prompt_id} has changed since it was shown`,
        details: { decision: null, revision: record.revision },
      });
    }
    if (record.kind === 'approval' && !record.choices.includes(choice)) throw usage(`${choice} is not offered`);
    if (remember !== undefined) {
      if (choice !== 'accept' || !isDeepStrictEqual(remember.when, record.rule_offer))
        throw usage('that rule was not offered');
      this.addRule({ id: record.id, scope: remember.scope, when: remember.when, by, prompt_id });
    }
    const outcomes: Readonly<Record<string, PromptOutcome>> = {
      accept: 'approved',
      decline: 'rejected',
      cancel: 'cancelled',
    };
    const outcome = record.kind === 'question' ? 'answered' : (outcomes[choice] ?? 'answered');
    return this.close(prompt_id, { outcome, choice, by, reason });
  }

  addRule(patch: Partial<StandingRule>): StandingRule {
    this.#serial += 1;
    const rule: StandingRule = {
      rule_id: `r-${this.#serial.toString(16).padStart(4, '0')}`,
      id: 'docs',
      scope: 'session',
      when: { command: 'npm test' },
      do: 'approve',
      reason: null,
      by: 'operator',
      prompt_id: null,
      created_at: new Date().toISOString(),
      ...patch,
    };
    this.rules.set(rule.rule_id, rule);
    return rule;
  }

  forget(rule_id: string): StandingRule {
    const rule = this.rules.get(rule_id);
    if (rule === undefined) throw new FilareError({ code: 'not_found', message: `no rule is called ${rule_id}` });
    this.rules.delete(rule_id);
    return rule;
  }
}

function usage(message: string): FilareError {
  return new FilareError({ code: 'usage', message });
}

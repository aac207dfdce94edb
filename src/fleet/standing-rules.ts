import { z } from 'zod';
import { standingRuleSchema, type StandingRule } from '../contract/session.js';
import { AppendLog } from '../ledger/append-log.js';

const recordSchema = z.discriminatedUnion('record', [
  z.object({ record: z.literal('made'), rule: standingRuleSchema }),
  z.object({ record: z.literal('forgotten'), rule_id: z.string(), by: z.string(), at: z.string() }),
]);

/** Rules that answers made "always": they hold for an agent id in later sessions too. An append-only file of the project. */
export class StandingRules implements AsyncDisposable {
  readonly #log: AppendLog;
  readonly #rules: Map<string, StandingRule>;

  private constructor(log: AppendLog, rules: Map<string, StandingRule>) {
    this.#log = log;
    this.#rules = rules;
  }

  /** Opens or makes the file at `path`. */
  static async load(path: string): Promise<StandingRules> {
    const { log, records } = await AppendLog.open(path, { parse: recordSchema });
    const rules = new Map<string, StandingRule>();
    for (const one of records) {
      if (one.record === 'made') rules.set(one.rule.rule_id, one.rule);
      else rules.delete(one.rule_id);
    }
    return new StandingRules(log, rules);
  }

  /** All of them, oldest first. */
  get all(): readonly StandingRule[] {
    return [...this.#rules.values()];
  }

  /** Those of an agent, whatever the case of its id. */
  of(id: string): readonly StandingRule[] {
    return this.all.filter((rule) => rule.id.toLowerCase() === id.toLowerCase());
  }

  /** Keeps a rule; durable when it resolves, harmless when it is kept already. */
  async add(rule: StandingRule): Promise<void> {
    if (this.#rules.has(rule.rule_id)) return;
    await this.#log.append({ record: 'made', rule });
    this.#rules.set(rule.rule_id, rule);
  }

  /** Takes a rule back; answers with it, or undefined when there is none of that id. */
  async forget(rule_id: string, by: string, at: string): Promise<StandingRule | undefined> {
    const rule = this.#rules.get(rule_id);
    if (rule === undefined) return undefined;
    await this.#log.append({ record: 'forgotten', rule_id, by, at });
    this.#rules.delete(rule_id);
    return rule;
  }

  async close(): Promise<void> {
    await this.#log.close();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }
}
